import GapMetrics

/// JSON text of metrics and records.
enum JSONText {
  static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { quoted($0.0) + ": " + $0.1 }.joined(separator: ", ") + "}"
  }

  static func object(_ entries: [MetricEntry]) -> String {
    object(entries.map { ($0.key, text($0.value)) })
  }

  static func text(_ value: MetricValue) -> String {
    switch value {
    case .number(let value): value.map(number) ?? "null"
    case .list(let values): "[" + values.map(number).joined(separator: ", ") + "]"
    case .object(let entries): object(entries)
    case .table(let rows): "[" + rows.map { object($0) }.joined(separator: ", ") + "]"
    }
  }

  /// The shortest text that reads back to the same number; null for what JSON does not have.
  static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

  /// A text in quotes.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 {
          result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  /// A list, an element a line.
  static func lines(_ elements: [String], indent: String) -> String {
    guard !elements.isEmpty else { return "[]" }
    return "[\n" + elements.map { indent + "  " + $0 }.joined(separator: ",\n") + "\n" + indent + "]"
  }
}
