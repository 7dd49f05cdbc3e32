/// A key known only at run time.
private struct MetricKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension MetricEntry {
  /// Writes entries as an object; null for what is not defined or not finite.
  package static func encode(_ entries: [MetricEntry], to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: MetricKey.self)
    for entry in entries {
      let key = MetricKey(stringValue: entry.key)
      switch entry.value {
      case .number(let value): try container.encode(value.flatMap { $0.isFinite ? $0 : nil }, forKey: key)
      case .list(let values): try container.encode(values, forKey: key)
      case .object(let inner): try encode(inner, to: container.superEncoder(forKey: key))
      case .table(let rows):
        var list = container.nestedUnkeyedContainer(forKey: key)
        for row in rows { try encode(row, to: list.superEncoder()) }
      }
    }
  }

  /// Reads an object of numbers, lists, objects and lists of objects of the same; the keys come sorted.
  package static func entries(from decoder: any Decoder, depth: Int = 0) throws -> [MetricEntry] {
    let container = try decoder.container(keyedBy: MetricKey.self)
    return try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
      if try container.decodeNil(forKey: key) { return MetricEntry(key.stringValue, .number(nil)) }
      if let number = try? container.decode(Double.self, forKey: key) {
        return MetricEntry(key.stringValue, number)
      }
      if let list = try? container.decode([Double].self, forKey: key) {
        return MetricEntry(key.stringValue, .list(list))
      }
      guard depth < 8 else {
        throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "nested too deep")
      }
      if var list = try? container.nestedUnkeyedContainer(forKey: key) {
        var rows: [[MetricEntry]] = []
        while !list.isAtEnd { rows.append(try entries(from: list.superDecoder(), depth: depth + 1)) }
        return MetricEntry(key.stringValue, .table(rows))
      }
      return MetricEntry(
        key.stringValue, .object(try entries(from: container.superDecoder(forKey: key), depth: depth + 1)))
    }
  }
}
