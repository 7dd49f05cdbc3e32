/// The value of one key of a report: a number (nil where it is not defined), numbers under names, or a list of numbers.
public enum MetricValue: Sendable, Equatable {
  /// A number, or nil where it is not defined (a warning says why).
  case number(Double?)
  /// Values under names, in the order in which they are printed.
  case object([MetricEntry])
  /// A list of numbers.
  case list([Double])
  /// A list of objects, such as one for each layer.
  case table([[MetricEntry]])
}

/// One key of a report with its value.
public struct MetricEntry: Sendable, Equatable {
  /// Key, as METRICS names it.
  public let key: String
  /// Its value.
  public let value: MetricValue

  /// A key with its value.
  public init(_ key: String, _ value: MetricValue) {
    self.key = key
    self.value = value
  }

  /// A key with a number.
  public init(_ key: String, _ value: Double?) { self.init(key, .number(value)) }
}

extension [MetricEntry] {
  /// The number under a dotted path, such as `retrieval.image_to_text.r1` or `layers[3].cosine_gap`; nil when it is
  /// absent or not defined.
  public func number(_ path: String) -> Double? {
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    guard let first = parts.first else { return nil }
    let bracket = first.firstIndex(of: "[") ?? first.endIndex
    guard let entry = self.first(where: { $0.key == first[..<bracket] }) else { return nil }
    switch entry.value {
    case .number(let value): return parts.count == 1 ? value : nil
    case .object(let entries): return parts.count == 2 ? entries.number(parts[1]) : nil
    case .list: return nil
    case .table(let rows):
      guard let index = Int(first[bracket...].dropFirst().dropLast()), rows.indices.contains(index) else {
        return nil
      }
      return parts.count == 2 ? rows[index].number(parts[1]) : nil
    }
  }

  /// The objects of a list, one for each layer or the like; nil when the key is absent or holds something else.
  public func table(_ key: String) -> [[MetricEntry]]? {
    if case .table(let rows)? = first(where: { $0.key == key })?.value { rows } else { nil }
  }

  /// All numbers with their dotted paths, in order; lists of numbers are left out.
  public var flattened: [(path: String, value: Double?)] {
    flatMap { entry -> [(path: String, value: Double?)] in
      switch entry.value {
      case .number(let value): [(entry.key, value)]
      case .object(let entries): entries.flattened.map { (entry.key + "." + $0.path, $0.value) }
      case .list: []
      case .table(let rows):
        rows.enumerated().flatMap { index, row in
          row.flattened.map { ("\(entry.key)[\(index)].\($0.path)", $0.value) }
        }
      }
    }
  }
}
