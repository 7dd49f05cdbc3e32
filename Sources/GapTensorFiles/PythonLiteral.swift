/// The Python literals that numpy writes into a header: strings, integers, truth values, tuples, lists, one dict.
enum PythonLiteral: Equatable {
  case string(String)
  case integer(Int)
  case bool(Bool)
  case none
  case tuple([PythonLiteral])
  case list([PythonLiteral])
  case dict([Pair])

  /// What kind of literal it is, for messages; numbers and texts are shown.
  var kind: String {
    switch self {
    case .string(let text): MessageText.quoted(text)
    case .integer(let integer): String(integer)
    case .bool(let flag): flag ? "True" : "False"
    case .none: "None"
    case .tuple(let items): "a tuple of \(items.count)"
    case .list(let items): "a list of \(items.count)"
    case .dict(let pairs): "a dict of \(pairs.count) keys"
    }
  }

  struct Pair: Equatable {
    let key: String
    let value: PythonLiteral
  }

  /// Parses a whole text; white space is allowed around every token.
  init(_ text: [UInt8], at place: TensorFileError.Place) throws {
    var parser = PythonLiteralParser(text: text, place: place)
    self = try parser.value(depth: 0)
    try parser.finish()
  }
}

/// One pass over a literal; nested at most `deepest` levels.
struct PythonLiteralParser {
  static let deepest = 16

  let text: [UInt8]
  let place: TensorFileError.Place
  private var position = 0

  init(text: [UInt8], place: TensorFileError.Place) {
    self.text = text
    self.place = place
  }

  mutating func finish() throws {
    skipSpace()
    guard position == text.count else { throw fault("the end of the header") }
  }

  mutating func value(depth: Int) throws -> PythonLiteral {
    guard depth < Self.deepest else { throw TensorFileError.nestedTooDeep(place, limit: Self.deepest) }
    skipSpace()
    guard position < text.count else { throw fault("a value") }
    switch text[position] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "("): return try tuple(depth)
    case UInt8(ascii: "["):
      position += 1
      return .list(try items(until: "]", depth).values)
    case UInt8(ascii: "{"): return .dict(try pairs(depth))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer(try integer())
    default: return try word()
    }
  }

  private mutating func tuple(_ depth: Int) throws -> PythonLiteral {
    position += 1
    let (values, trailingComma) = try items(until: ")", depth)
    if values.count == 1, !trailingComma { throw fault("a comma after the only item of a tuple") }
    return .tuple(values)
  }

  private mutating func items(
    until close: Unicode.Scalar, _ depth: Int
  ) throws -> (values: [PythonLiteral], trailingComma: Bool) {
    var values: [PythonLiteral] = []
    if skip(close) { return ([], false) }
    while true {
      values.append(try value(depth: depth + 1))
      let comma = skip(",")
      if skip(close) { return (values, comma) }
      guard comma else { throw fault("',' or '\(close)'") }
    }
  }

  private mutating func pairs(_ depth: Int) throws -> [PythonLiteral.Pair] {
    position += 1
    var pairs: [PythonLiteral.Pair] = []
    while !skip("}") {
      guard case .string(let key) = try value(depth: depth + 1) else { throw fault("a string as key") }
      guard skip(":") else { throw fault("':'") }
      pairs.append(.init(key: key, value: try value(depth: depth + 1)))
      if skip(",") { continue }
      guard skip("}") else { throw fault("',' or '}'") }
      return pairs
    }
    return pairs
  }

  private mutating func string() throws -> String {
    let quote = text[position]
    position += 1
    var content: [UInt8] = []
    while position < text.count, text[position] != quote {
      if text[position] == UInt8(ascii: "\\") {
        content.append(text[position])
        position += 1
        guard position < text.count else { break }
      }
      content.append(text[position])
      position += 1
    }
    guard position < text.count else { throw fault("the end of a string") }
    position += 1
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func integer() throws -> Int {
    let start = position
    if text[position] == UInt8(ascii: "-") { position += 1 }
    while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
      position += 1
    }
    guard let number = Int(String(decoding: text[start..<position], as: UTF8.self)) else {
      position = start
      throw fault("an integer of 64 bits")
    }
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
    return number
  }

  private mutating func word() throws -> PythonLiteral {
    let words: [(String, PythonLiteral)] = [("True", .bool(true)), ("False", .bool(false)), ("None", .none)]
    for (word, value) in words where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw fault("a Python literal")
  }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, UInt32(text[position]) == scalar.value else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
  }

  private func fault(_ expected: String) -> TensorFileError {
    let rest = text[min(position, text.count)...].prefix(24)
    let found =
      rest.isEmpty ? "the end of the header" : MessageText.quoted(String(decoding: rest, as: UTF8.self))
    let byte = place.byte.map { $0 + position }
    return .malformed(.init(path: place.path, item: place.item, byte: byte), expected: expected, found: found)
  }
}
