/// Parses the subset of Oniguruma's Ruby syntax that tokenizers use.
///
/// Classes with ranges, nesting and `&&`, `\p{…}` of general categories, `\s \d \w`, alternation, groups `(…)`,
/// `(?:…)`, `(?i:…)`, `(?>…)`, lookahead, quantifiers greedy, lazy and possessive, `^ $ \A \z \Z \b \B`.
/// As in Ruby, `{n,m}+` repeats the interval (it is not possessive), `^` and `$` hold at every line, and `.` leaves
/// out the line feed. Everything else is an error that names it; nothing is approximated.
struct PatternParser {
  /// What a parser finds fault with: the rest of the pattern from there.
  struct Fault: Error { let part: String }

  private static let deepest = 32
  private static let longestRepeat = 1000
  /// Copies of repeated parts multiply when they nest; no real pattern comes near.
  static let mostNodes = 20_000

  private let text: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private var foldsCase = false

  private init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

  /// The tree of a pattern.
  static func tree(_ pattern: String) throws -> PatternNode {
    var parser = PatternParser(pattern)
    let node = try parser.choice()
    guard parser.position == parser.text.count else { throw parser.fault() }
    guard node.weight(limit: mostNodes) < mostNodes else { throw Fault(part: pattern) }
    return node
  }

  private func fault(back: Int = 0) -> Fault {
    var part = ""
    part.unicodeScalars.append(contentsOf: text[max(0, position - back)...].prefix(16))
    return Fault(part: part.isEmpty ? "the end" : part)
  }

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private mutating func skip(_ literal: String) -> Bool {
    let scalars = Array(literal.unicodeScalars)
    guard text[position...].starts(with: scalars) else { return false }
    position += scalars.count
    return true
  }

  private mutating func choice() throws -> PatternNode {
    guard depth < Self.deepest else { throw fault() }
    depth += 1
    defer { depth -= 1 }
    var branches = [try sequence()]
    while skip("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws -> PatternNode {
    var nodes: [PatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      let node = try atom()
      nodes.append(try quantified(node))
    }
    return .sequence(nodes)
  }

  private mutating func atom() throws -> PatternNode {
    guard let scalar = next else { throw fault() }
    switch scalar {
    case "(": return try group()
    case "[": return .set(try bracket())
    case "\\": return try escape()
    case ".":
      position += 1
      return .set(ScalarSet([.range(10...10)], isNegated: true))
    case "^":
      position += 1
      return .assertion(.lineStart)
    case "$":
      position += 1
      return .assertion(.lineEnd)
    case "*", "+", "?", "{": throw fault()
    default:
      position += 1
      return .set(ScalarSet(scalar.value, foldsCase: foldsCase))
    }
  }

  private mutating func group() throws -> PatternNode {
    let outer = foldsCase
    defer { foldsCase = outer }
    if skip("(?=") { return .ahead(try closed(), isNegated: false) }
    if skip("(?!") { return .ahead(try closed(), isNegated: true) }
    if skip("(?>") { return .atomic(try closed()) }
    if skip("(?i:") {
      foldsCase = true
      return try closed()
    }
    if skip("(?-i:") {
      foldsCase = false
      return try closed()
    }
    if skip("(?:") { return try closed() }
    guard !text[position...].starts(with: "(?".unicodeScalars) else { throw fault() }
    position += 1
    return try closed()
  }

  private mutating func closed() throws -> PatternNode {
    let node = try choice()
    guard skip(")") else { throw fault() }
    return node
  }

  private mutating func quantified(_ node: PatternNode) throws -> PatternNode {
    guard let scalar = next else { return node }
    let bounds: (least: Int, most: Int?)
    switch scalar {
    case "*": bounds = (0, nil)
    case "+": bounds = (1, nil)
    case "?": bounds = (0, 1)
    case "{": return try interval(node)
    default: return node
    }
    guard node.isRepeatable else { throw fault() }
    position += 1
    let mode: PatternNode.Mode = skip("+") ? .possessive : skip("?") ? .lazy : .greedy
    try refuseQuantifier()
    return .repeated(node, least: bounds.least, most: bounds.most, mode)
  }

  private mutating func interval(_ node: PatternNode) throws -> PatternNode {
    guard node.isRepeatable else { throw fault() }
    let start = position
    position += 1
    let least = integer()
    let hasComma = skip(",")
    let most = hasComma ? integer() : least
    guard skip("}"), least != nil || most != nil, least ?? 0 <= most ?? .max,
      max(least ?? 0, most ?? 0) <= Self.longestRepeat
    else { throw fault(back: position - start) }
    let isLazy = hasComma && skip("?")
    let repeated = PatternNode.repeated(node, least: least ?? 0, most: most, isLazy ? .lazy : .greedy)
    // Ruby reads the sign after an interval as a quantifier of the whole.
    if !isLazy, skip("+") {
      try refuseQuantifier()
      return .repeated(repeated, least: 1, most: nil, .greedy)
    }
    try refuseQuantifier()
    return repeated
  }

  private func refuseQuantifier() throws {
    if let scalar = next, ["*", "+", "?", "{"].contains(scalar) { throw fault() }
  }

  private mutating func integer() -> Int? {
    var digits = ""
    while let scalar = next, ("0"..."9").contains(scalar), digits.count < 9 {
      digits.unicodeScalars.append(scalar)
      position += 1
    }
    return Int(digits)
  }

  private mutating func escape() throws -> PatternNode {
    let assertions: [(String, PatternNode.Assertion)] = [
      ("\\A", .textStart), ("\\z", .textEnd), ("\\Z", .textEndOrLastLine), ("\\b", .wordEdge),
      ("\\B", .noWordEdge),
    ]
    for (name, assertion) in assertions where skip(name) { return .assertion(assertion) }
    switch try escapedMember() {
    case .range(let range): return .set(ScalarSet([.range(range)], foldsCase: foldsCase))
    case let member: return .set(ScalarSet([member]))
    }
  }

  /// One escape that stands for scalars, within brackets or outside.
  private mutating func escapedMember() throws -> ScalarSet.Member {
    position += 1
    guard let scalar = next else { throw fault(back: 1) }
    position += 1
    switch scalar {
    case "s": return .categories(.whitespace)
    case "S": return .notCategories(.whitespace)
    case "d": return .categories(.decimalNumber)
    case "D": return .notCategories(.decimalNumber)
    case "w": return .categories(.word)
    case "W": return .notCategories(.word)
    case "p": return try property(isNegated: false)
    case "P": return try property(isNegated: true)
    case "x", "u": return .single(try hexadecimal(scalar))
    case "n": return .single(10)
    case "r": return .single(13)
    case "t": return .single(9)
    case "f": return .single(12)
    case "v": return .single(11)
    case "a": return .single(7)
    case "e": return .single(27)
    default:
      let category = ScalarCategory.of(scalar.value)
      guard category.isDisjoint(with: [.letter, .number]) else { throw fault(back: 2) }
      return .single(scalar.value)
    }
  }

  private mutating func property(isNegated: Bool) throws -> ScalarSet.Member {
    let start = position - 2
    guard skip("{"), let end = text[position...].firstIndex(of: "}") else {
      throw fault(back: position - start)
    }
    var name = ""
    let isInverted = skip("^")
    for scalar in text[position..<end] where scalar != "_" && scalar != " " && scalar != "-" {
      name.unicodeScalars.append(scalar)
    }
    guard let categories = ScalarCategory.names[name.lowercased()] else {
      throw fault(back: position - start)
    }
    position = end + 1
    return isNegated != isInverted ? .notCategories(categories) : .categories(categories)
  }

  private mutating func hexadecimal(_ kind: Unicode.Scalar) throws -> UInt32 {
    let start = position - 2
    let isBraced = kind == "x" && skip("{")
    let limit = isBraced ? 8 : kind == "x" ? 2 : 4
    var digits = ""
    while let scalar = next, scalar.properties.isASCIIHexDigit, digits.count < limit {
      digits.unicodeScalars.append(scalar)
      position += 1
    }
    let isWhole = isBraced ? skip("}") : digits.count == limit
    guard isWhole, let value = UInt32(digits, radix: 16), Unicode.Scalar(value) != nil,
      isBraced || kind == "u" || value < 0x80
    else { throw fault(back: position - start) }
    return value
  }

  private mutating func bracket() throws -> ScalarSet {
    guard depth < Self.deepest else { throw fault() }
    depth += 1
    defer { depth -= 1 }
    position += 1
    let isNegated = skip("^")
    var members: [ScalarSet.Member] = []
    var parts: [ScalarSet] = []
    while let scalar = next, scalar != "]" {
      guard !text[position...].starts(with: "[:".unicodeScalars) else { throw fault() }
      if skip("&&") {
        parts.append(ScalarSet(members, foldsCase: foldsCase))
        members = []
      } else {
        members.append(try member(scalar))
      }
    }
    guard skip("]"), !members.isEmpty else { throw fault(back: 1) }
    return ScalarSet(members, intersected: parts, isNegated: isNegated, foldsCase: foldsCase)
  }

  private mutating func member(_ scalar: Unicode.Scalar) throws -> ScalarSet.Member {
    if scalar == "[" { return .set(try bracket()) }
    let first = try single(scalar)
    guard case .range(let range) = first, next == "-", position + 1 < text.count, text[position + 1] != "]"
    else { return first }
    position += 1
    guard let end = next, end != "[", case .range(let last) = try single(end),
      range.lowerBound <= last.lowerBound
    else { throw fault(back: 2) }
    return .range(range.lowerBound...last.lowerBound)
  }

  private mutating func single(_ scalar: Unicode.Scalar) throws -> ScalarSet.Member {
    if scalar == "\\" { return try escapedMember() }
    position += 1
    return .single(scalar.value)
  }
}

extension ScalarSet.Member {
  /// One scalar.
  fileprivate static func single(_ scalar: UInt32) -> Self { .range(scalar...scalar) }
}

extension PatternNode {
  /// Whether a quantifier may follow.
  fileprivate var isRepeatable: Bool {
    switch self {
    case .assertion, .ahead: false
    default: true
    }
  }

  /// The number of instructions that the node becomes, at most about the limit.
  fileprivate func weight(limit: Int) -> Int {
    switch self {
    case .set, .assertion: return 1
    case .sequence(let nodes), .choice(let nodes):
      return nodes.reduce(1) { min(limit, $0 + 1 + $1.weight(limit: limit)) }
    case .repeated(.set, _, _, _): return 2
    case .repeated(let node, let least, let most, _):
      return min(limit, 2 + (node.weight(limit: limit) + 1) * max(1, least + 1, most ?? 0))
    case .ahead(let node, _), .atomic(let node): return min(limit, 2 + node.weight(limit: limit))
    }
  }
}
