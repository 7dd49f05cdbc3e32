/// How much longer a text may become on its way through a tokenizer's steps: a file of a few hundred bytes could ask for
/// replacements of replacements until no memory holds them.
enum TextGrowth {
  /// The most that all steps together may multiply the bytes of a text by; real files stay below 10,000.
  static let largest = 65_536.0

  /// The most bytes that a text may become; real ones stay below a thousandth.
  static let mostBytes = 1e9

  /// Checks what the steps of a field may do together.
  ///
  /// - Throws: `TokenizerError.fieldMismatch`.
  static func check(_ factor: Double, _ field: TokenizerField?) throws {
    guard let field, factor > largest else { return }
    throw TokenizerError.fieldMismatch(
      field.place, expected: "steps that make a text at most \(Int(largest)) times as long",
      found: "steps that may make it \(factor) times as long")
  }
}

extension ScalarPattern {
  /// The most that replacing every match may multiply the bytes of a text by.
  func growth(content: [UInt8]) -> Double {
    leastLength == 0 ? Double(content.count + 1) : max(1, Double(content.count) / Double(leastLength))
  }
}

extension PatternNode {
  /// The fewest scalars of a match.
  var leastLength: Int {
    switch self {
    case .set: 1
    case .sequence(let nodes): nodes.reduce(0) { $0 + $1.leastLength }
    case .choice(let nodes): nodes.map(\.leastLength).min() ?? 0
    case .repeated(let node, let least, _, _): node.leastLength * least
    case .atomic(let node): node.leastLength
    case .ahead, .assertion: 0
    }
  }
}

extension TextNormalizer {
  /// The most that the steps may multiply the bytes of a text by.
  var growth: Double {
    switch self {
    case .sequence(let steps): steps.reduce(1) { $0 * $1.growth }
    case .prepend(let prefix): Double(prefix.count + 1)
    case .replace(let pattern, let content): pattern.growth(content: content)
    case .form: 11  // U+FDFA: 3 bytes become 33.
    case .lowercase: 1.5
    case .strip, .stripAccents, .nmt: 1
    case .characterMap(let map): Double(max(1, map.longestReplacement))
    }
  }
}

extension PreTokenizer {
  /// The most that the steps may multiply the bytes of a text by.
  var growth: Double {
    switch self {
    case .sequence(let steps): steps.reduce(1) { $0 * $1.growth }
    case .byteLevel: 4  // Two bytes each, and a space in front of a piece.
    case .split: 1
    case .metaspace: 6  // Three bytes for a space, and one in front of a piece.
    }
  }
}

extension TokenDecoder {
  /// The most that the steps may multiply the bytes of a text by.
  var growth: Double {
    switch self {
    case .sequence(let steps): steps.reduce(1) { $0 * $1.growth }
    case .byteLevel, .byteFallback: 3
    case .replace(let pattern, let content): pattern.growth(content: content)
    case .metaspace, .strip, .fuse, .suffix: 1
    }
  }
}
