package import GapTensorFiles

/// A JSON object of settings, such as `config.json`, whose values are asked for by key and type.
///
/// A missing key and JSON's null are the same. A value of another type is an error that names file and key.
package struct ModelSettings: Sendable {
  /// The file, for messages.
  package let path: String
  /// Where in the file this object lies, such as `text_config.`; empty at the top.
  package let prefix: String
  private let value: JSONValue

  package init(_ value: JSONValue, path: String, prefix: String = "") {
    self.value = value
    self.path = path
    self.prefix = prefix
  }

  /// Reads a JSON file.
  ///
  /// - Throws: `TensorFileError` when it is missing or no JSON; `ModelError.badSetting` when it holds no object.
  package init(file path: String) throws {
    let value = try JSONValue(file: path)
    guard value.pairs != nil else {
      throw ModelError.badSetting(path: path, key: "top level", expected: "an object", found: Self.kind(value))
    }
    self.init(value, path: path)
  }

  /// The keys that are set.
  package var keys: [String] { (value.pairs ?? []).filter { $0.value != .null }.map(\.key) }

  /// Whether a key is there and holds null.
  package func isNull(_ key: String) -> Bool { value[key] == .null }

  package func text(_ key: String) throws -> String? { try read(key, "a text") { $0.text } }
  package func integer(_ key: String) throws -> Int? { try read(key, "a whole number") { $0.integer } }
  package func flag(_ key: String) throws -> Bool? {
    try read(key, "true or false") { if case .bool(let flag) = $0 { flag } else { nil } }
  }
  package func number(_ key: String) throws -> Double? {
    try read(key, "a number") {
      switch $0 {
      case .integer(let integer): Double(integer)
      case .number(let number): number
      default: nil
      }
    }
  }
  package func list(_ key: String) throws -> [JSONValue]? { try read(key, "a list") { $0.items } }
  package func object(_ key: String) throws -> ModelSettings? {
    try read(key, "an object") { $0.pairs == nil ? nil : $0 }.map {
      ModelSettings($0, path: path, prefix: prefix + key + ".")
    }
  }
  package func raw(_ key: String) -> JSONValue? { value[key].flatMap { $0 == .null ? nil : $0 } }

  /// More than any model has of anything, and so little that a product of two sizes is far from overflow.
  package static let largestSize = 1 << 24
  /// More layers than any model has.
  package static let mostLayers = 10_000

  /// A positive size under the first of the keys that is set; without a default, one must be.
  package func size(_ keys: String..., default fallback: Int? = nil) throws -> Int {
    for key in keys {
      if let found = try optionalSize(key) { return found }
    }
    if let fallback { return fallback }
    throw bad(keys[0], "a positive size", "nothing")
  }

  /// A positive size; nil where the key is not set.
  package func optionalSize(_ key: String, most: Int = largestSize) throws -> Int? {
    guard let found = try integer(key) else { return nil }
    guard (1...most).contains(found) else { throw bad(key, "a size from 1 to \(most)", String(found)) }
    return found
  }

  /// The number of layers under the first of the keys that is set.
  package func layers(_ keys: String..., default fallback: Int) throws -> Int {
    for key in keys {
      if let found = try optionalSize(key, most: Self.mostLayers) { return found }
    }
    return fallback
  }

  /// A fault of one of these settings.
  package func bad(_ key: String, _ expected: String, _ found: String) -> ModelError {
    .badSetting(path: path, key: prefix + key, expected: expected, found: found)
  }

  private func read<T>(_ key: String, _ expected: String, _ take: (JSONValue) -> T?) throws -> T? {
    guard let found = raw(key) else { return nil }
    guard let result = take(found) else { throw bad(key, expected, Self.kind(found)) }
    return result
  }

  private static func kind(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): String(flag)
    case .integer(let integer): String(integer)
    case .number(let number): String(number)
    case .string(let text): "“\(text.prefix(40))”"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
