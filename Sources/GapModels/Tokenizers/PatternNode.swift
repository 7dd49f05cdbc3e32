/// A regular expression as a tree.
indirect enum PatternNode: Sendable {
  /// How a quantifier gives way.
  enum Mode: Sendable { case greedy, lazy, possessive }

  /// A place that must hold, without taking a scalar.
  enum Assertion: Sendable {
    case textStart, textEnd, textEndOrLastLine, lineStart, lineEnd, wordEdge, noWordEdge
  }

  case set(ScalarSet)
  case sequence([PatternNode])
  case choice([PatternNode])
  case repeated(PatternNode, least: Int, most: Int?, Mode)
  case ahead(PatternNode, isNegated: Bool)
  case atomic(PatternNode)
  case assertion(Assertion)

  /// The scalars of a literal text, one after another.
  init(literal text: String) {
    self = .sequence(text.unicodeScalars.map { .set(ScalarSet($0.value)) })
  }
}
