/// A compiled regular expression over Unicode scalars in UTF-8.
///
/// Backtracking in the order of Oniguruma, which the reference uses: of several matches the first by the order of
/// alternatives and the greed of quantifiers counts, not the longest.
struct ScalarPattern: Sendable {
  /// One step of the program.
  enum Step: Sendable {
    case set(Int)
    /// As many scalars of a set as possible, given back one by one unless possessive.
    case run(Int, least: Int, most: Int, isPossessive: Bool)
    /// Go on here, and there if that fails.
    case fork(first: Int, second: Int)
    case jump(Int)
    /// The steps up to the next `done` must match (or must not), and take nothing.
    case ahead(end: Int, isNegated: Bool)
    /// The first way to match the steps up to the next `done` is final.
    case atomic(end: Int)
    case assertion(PatternNode.Assertion)
    case done
  }

  private(set) var steps: [Step] = []
  private(set) var sets: [ScalarSet] = []
  /// The fewest scalars of a match.
  let leastLength: Int

  /// Compiles a tree.
  init(_ node: PatternNode) {
    leastLength = node.leastLength
    append(node)
    steps.append(.done)
  }

  /// Compiles a pattern.
  /// - Throws: `TokenizerError.unsupportedPattern` where it leaves the subset.
  init(_ pattern: String, at place: TokenizerError.Place) throws {
    do { self.init(try PatternParser.tree(pattern)) } catch let fault as PatternParser.Fault {
      throw TokenizerError.unsupportedPattern(place, pattern: pattern, part: fault.part)
    }
  }

  /// A pattern from its field: `{"Regex": …}` or `{"String": …}`.
  init(_ field: TokenizerField) throws {
    if let regex = field["Regex"] {
      self = try ScalarPattern(try regex.text(), at: regex.place)
    } else {
      let literal = try field.required("String", "String or Regex")
      let text = try literal.text()
      guard text.unicodeScalars.count < PatternParser.mostNodes else {
        throw literal.mismatch("fewer than \(PatternParser.mostNodes) characters")
      }
      self.init(PatternNode(literal: text))
    }
  }

  private mutating func append(_ node: PatternNode) {
    switch node {
    case .set(let set):
      sets.append(set)
      steps.append(.set(sets.count - 1))
    case .sequence(let nodes): nodes.forEach { append($0) }
    case .choice(let nodes): append(choice: nodes)
    case .repeated(.set(let set), let least, let most, let mode) where mode != .lazy:
      sets.append(set)
      let isPossessive = mode == .possessive
      steps.append(.run(sets.count - 1, least: least, most: most ?? .max, isPossessive: isPossessive))
    case .repeated(let node, let least, let most, .possessive):
      append(.atomic(.repeated(node, least: least, most: most, .greedy)))
    case .repeated(let node, let least, let most, let mode): append(node, least, most, isLazy: mode == .lazy)
    case .ahead(let node, let isNegated):
      let start = appendBody(node)
      steps[start] = .ahead(end: steps.count, isNegated: isNegated)
    case .atomic(let node):
      let start = appendBody(node)
      steps[start] = .atomic(end: steps.count)
    case .assertion(let assertion): steps.append(.assertion(assertion))
    }
  }

  private mutating func appendBody(_ node: PatternNode) -> Int {
    let start = steps.count
    steps.append(.done)
    append(node)
    steps.append(.done)
    return start
  }

  private mutating func append(choice nodes: [PatternNode]) {
    var exits: [Int] = []
    for (place, node) in nodes.enumerated() {
      let fork = steps.count
      let isLast = place == nodes.count - 1
      if !isLast { steps.append(.done) }
      append(node)
      if isLast { continue }
      exits.append(steps.count)
      steps.append(.done)
      steps[fork] = .fork(first: fork + 1, second: steps.count)
    }
    for exit in exits { steps[exit] = .jump(steps.count) }
  }

  private mutating func append(_ node: PatternNode, _ least: Int, _ most: Int?, isLazy: Bool) {
    for _ in 0..<least { append(node) }
    guard let most else {
      let fork = steps.count
      steps.append(.done)
      append(node)
      steps.append(.jump(fork))
      steps[fork] = Self.fork(fork + 1, steps.count, isLazy)
      return
    }
    var forks: [Int] = []
    for _ in least..<most {
      forks.append(steps.count)
      steps.append(.done)
      append(node)
    }
    for fork in forks { steps[fork] = Self.fork(fork + 1, steps.count, isLazy) }
  }

  private static func fork(_ inside: Int, _ past: Int, _ isLazy: Bool) -> Step {
    isLazy ? .fork(first: past, second: inside) : .fork(first: inside, second: past)
  }
}
