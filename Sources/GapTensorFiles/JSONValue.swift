/// A JSON value.
///
/// Parsed here because the decoders of Foundation let duplicate keys pass, which safetensors forbids,
/// and because loading Foundation would cost more than reading most files.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Pair])

  /// A key of an object and what it holds.
  package struct Pair: Equatable, Sendable {
    package let key: String
    package let value: JSONValue

    package init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// Parses a whole text by RFC 8259; duplicate keys, more than 32 levels and more than 2²⁵ values are errors.
  package init(_ text: [UInt8], at place: TensorFileError.Place) throws {
    var parser = JSONParser(text: text, place: place)
    self = try parser.document()
  }

  /// Parses a whole file.
  ///
  /// - Parameter limit: bytes of the longest one that is read; its values take some ten times as much.
  /// - Throws: `TensorFileError` when the file cannot be read or is no JSON.
  package init(file path: String, limit: Int = 128 << 20) throws {
    let bytes = try StoredBytes(mapping: path)
    guard bytes.count <= limit else {
      throw TensorFileError.headerTooLong(.init(path: path), limit: limit, found: bytes.count)
    }
    self = try JSONValue(bytes.array(0..<bytes.count), at: .init(path: path, byte: 0))
  }

  /// The text of a string, nil for anything else.
  package var text: String? { if case .string(let text) = self { text } else { nil } }
  /// The value of an integer, nil for anything else.
  package var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
  /// The elements of an array, nil for anything else.
  package var items: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  /// The pairs of an object in the order of the file, nil for anything else.
  package var pairs: [Pair]? { if case .object(let pairs) = self { pairs } else { nil } }

  /// What kind of value it is, for messages; numbers and short texts are shown.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool(let flag): String(flag)
    case .integer(let integer): String(integer)
    case .number(let number): String(number)
    case .string(let text): MessageText.quoted(text)
    case .array(let items): "a list of \(items.count)"
    case .object(let pairs): "an object of \(pairs.count) keys"
    }
  }

  /// What a key of an object holds; a linear search, for objects of few keys.
  package subscript(key: String) -> JSONValue? { pairs?.first { $0.key == key }?.value }
}

/// One pass over a JSON text.
struct JSONParser {
  static let deepest = 32
  /// The most values of a text: each takes some dozen bytes of memory, of a text as few as two.
  static let mostValues = 1 << 25

  let text: [UInt8]
  let place: TensorFileError.Place
  private var position = 0
  private var values = 0

  init(text: [UInt8], place: TensorFileError.Place) {
    self.text = text
    self.place = place
  }

  mutating func document() throws -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == text.count else { throw fault("the end of the JSON text") }
    return value
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    guard depth < Self.deepest else { throw TensorFileError.nestedTooDeep(here, limit: Self.deepest) }
    values += 1
    guard values <= Self.mostValues else {
      throw TensorFileError.tooMany(here, what: "JSON values", limit: Self.mostValues, found: values)
    }
    skipSpace()
    guard position < text.count else { throw fault("a JSON value") }
    switch text[position] {
    case UInt8(ascii: "{"): return .object(try object(depth))
    case UInt8(ascii: "["): return .array(try array(depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: return try word()
    }
  }

  private mutating func object(_ depth: Int) throws -> [JSONValue.Pair] {
    position += 1
    var pairs: [JSONValue.Pair] = []
    var keys = ByteTable()
    if skip("}") { return pairs }
    repeat {
      skipSpace()
      guard position < text.count, text[position] == UInt8(ascii: "\"") else { throw fault("a key") }
      let keyPlace = here
      let key = try string()
      guard keys.insert(key).isNew else { throw TensorFileError.duplicateName(keyPlace, name: key) }
      guard skip(":") else { throw fault("':'") }
      pairs.append(.init(key: key, value: try value(depth: depth + 1)))
    } while skip(",")
    guard skip("}") else { throw fault("',' or '}'") }
    return pairs
  }

  private mutating func array(_ depth: Int) throws -> [JSONValue] {
    position += 1
    var items: [JSONValue] = []
    if skip("]") { return items }
    repeat { items.append(try value(depth: depth + 1)) } while skip(",")
    guard skip("]") else { throw fault("',' or ']'") }
    return items
  }

  private mutating func string() throws -> String {
    position += 1
    let start = here
    var content: [UInt8] = []
    var plain = position
    skipPlain()
    while position < text.count, text[position] == UInt8(ascii: "\\") {
      content.append(contentsOf: text[plain..<position])
      position += 1
      try escape(&content)
      plain = position
      skipPlain()
    }
    guard position < text.count else { throw fault("the end of a string") }
    guard text[position] == UInt8(ascii: "\"") else { throw fault("no control character in a string") }
    let tail = text[plain..<position]
    position += 1
    let whole = content.isEmpty ? tail : (content + tail)[...]
    guard let result = String(validating: whole, as: UTF8.self) else {
      throw TensorFileError.invalidText(start)
    }
    return result
  }

  /// Steps over what a string holds as it is written: up to its end, an escape or a control character.
  private mutating func skipPlain() {
    while position < text.count {
      let byte = text[position]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
      position += 1
    }
  }

  private mutating func escape(_ content: inout [UInt8]) throws {
    guard position < text.count else { throw fault("an escape") }
    let code = text[position]
    position += 1
    switch code {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(code)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"): content.append(contentsOf: String(try scalar()).utf8)
    default: throw fault("a known escape")
    }
  }

  private mutating func scalar() throws -> Unicode.Scalar {
    var code = try unit()
    if (0xD800..<0xDC00).contains(code), text[position...].starts(with: [0x5C, 0x75]) {
      position += 2
      let low = try unit()
      guard (0xDC00..<0xE000).contains(low) else { throw fault("the second half of a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw fault("a Unicode scalar") }
    return scalar
  }

  private mutating func unit() throws -> UInt32 {
    let digits = text[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw fault("four hexadecimal digits") }
    position += 4
    return code
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    if text[position] == UInt8(ascii: "-") { position += 1 }
    let leading = position
    var isInteger = true
    guard skipDigits() > 0, text[leading] != UInt8(ascii: "0") || position == leading + 1 else {
      throw fault("a number without leading zeros")
    }
    if position < text.count, text[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard skipDigits() > 0 else { throw fault("digits after the point") }
    }
    if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if position < text.count, [0x2B, 0x2D].contains(text[position]) { position += 1 }
      guard skipDigits() > 0 else { throw fault("digits in the exponent") }
    }
    let literal = String(decoding: text[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(literal) { return .integer(integer) }
    guard let number = Double(literal), number.isFinite else {
      position = start
      throw fault("a number that double precision can hold")
    }
    return .number(number)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
      position += 1
    }
    return position - start
  }

  private mutating func word() throws -> JSONValue {
    for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw fault("a JSON value")
  }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, UInt32(text[position]) == scalar.value else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private var here: TensorFileError.Place {
    .init(path: place.path, item: place.item, byte: (place.byte ?? 0) + position)
  }

  private func fault(_ expected: String) -> TensorFileError {
    let rest = text[min(position, text.count)...].prefix(24)
    let found = rest.isEmpty ? "the end" : MessageText.quoted(String(decoding: rest, as: UTF8.self))
    return .malformed(here, expected: expected, found: found)
  }
}
