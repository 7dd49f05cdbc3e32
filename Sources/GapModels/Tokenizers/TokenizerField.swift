import GapTensorFiles

/// A JSON value and where it stands, read with errors that name the place.
struct TokenizerField: Sendable {
  let value: JSONValue
  let place: TokenizerError.Place

  init(_ value: JSONValue, _ place: TokenizerError.Place) {
    self.value = value
    self.place = place
  }

  /// The top value of a file.
  init(file path: String) throws {
    do { self.init(try JSONValue(file: path), .init(path: path)) } catch let error as TensorFileError {
      throw TokenizerError.file(error)
    }
  }

  /// What a key holds; nil where it is missing or null.
  subscript(key: String) -> TokenizerField? {
    guard let value = value[key], value != .null else { return nil }
    return TokenizerField(value, place(of: key))
  }

  /// What a key holds, which must be there.
  func required(_ key: String, _ expected: String) throws -> TokenizerField {
    guard let field = self[key] else {
      throw TokenizerError.fieldMissing(place(of: key), expected: expected)
    }
    return field
  }

  func text() throws -> String {
    guard let text = value.text else { throw mismatch("a string") }
    return text
  }

  /// A string of exactly one Unicode scalar.
  func scalar() throws -> Unicode.Scalar {
    let scalars = try text().unicodeScalars
    guard let scalar = scalars.first, scalars.count == 1 else { throw mismatch("one character") }
    return scalar
  }

  func integer() throws -> Int {
    guard let integer = value.integer else { throw mismatch("an integer") }
    return integer
  }

  /// A count that is not negative.
  func size() throws -> Int {
    guard let integer = value.integer, integer >= 0 else { throw mismatch("an integer from 0") }
    return integer
  }

  func number() throws -> Double {
    switch value {
    case .integer(let integer): return Double(integer)
    case .number(let number): return number
    default: throw mismatch("a number")
    }
  }

  func flag() throws -> Bool {
    guard case .bool(let flag) = value else { throw mismatch("true or false") }
    return flag
  }

  func items() throws -> [TokenizerField] {
    guard let items = value.items else { throw mismatch("an array") }
    return items.enumerated().map { TokenizerField($0.element, place(of: String($0.offset))) }
  }

  func pairs() throws -> [JSONValue.Pair] {
    guard let pairs = value.pairs else { throw mismatch("an object") }
    return pairs
  }

  /// A flag of an object, or what holds where it is missing.
  func flag(_ key: String, default standard: Bool) throws -> Bool { try self[key]?.flag() ?? standard }

  /// The name of a component's kind.
  func kind() throws -> String {
    _ = try pairs()
    return try required("type", "the component's kind").text()
  }

  func place(of key: String) -> TokenizerError.Place {
    .init(path: place.path, field: place.field.isEmpty ? key : place.field + "." + key)
  }

  func mismatch(_ expected: String) -> TokenizerError {
    .fieldMismatch(place, expected: expected, found: value.summary)
  }
}

extension JSONValue {
  /// The value in a few words, for a message.
  fileprivate var summary: String {
    switch self {
    case .null: "null"
    case .bool(let flag): String(flag)
    case .integer(let integer): String(integer)
    case .number(let number): String(number)
    case .string(let text): MessageText.quoted(text)
    case .array(let items): "an array of \(items.count)"
    case .object(let pairs): "an object of \(pairs.count) keys"
    }
  }
}
