import GapMetrics

extension ResultTable {
  /// A line a row, sections left out: what they say is in the keys.
  var csv: String {
    let head = columns.flatMap { column -> [String] in
      switch column.kind {
      case .text, .number: [column.key]
      case .interval: [column.key + "low", column.key + "high"]
      case .estimate: [column.key, column.key + "_low", column.key + "_high"]
      }
    }
    let lines = rows.compactMap { row -> [String]? in
      guard case .cells(let cells) = row else { return nil }
      return cells.flatMap(Self.fields)
    }
    return ([head.map(Self.field)] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  private static func fields(_ cell: Cell) -> [String] {
    switch cell {
    case .text(let text): [field(text)]
    case .number(let value): [number(value)]
    case .interval(let interval): [number(interval?.low), number(interval?.high)]
    case .estimate(let value, let interval):
      [number(value), number(interval?.low), number(interval?.high)]
    }
  }

  /// Every digit; nothing where there is no finite number.
  private static func number(_ value: Double?) -> String {
    value.flatMap { $0.isFinite ? "\($0)" : nil } ?? ""
  }

  /// A text, in quotes where it must be.
  ///
  /// One that a spreadsheet would take for a formula is marked as text.
  static func field(_ text: String) -> String {
    let isFormula = text.first.map { "=+-@\t\r".contains($0) } ?? false
    let marked = isFormula ? "'" + text : text
    guard marked.unicodeScalars.contains(where: { [",", "\"", "\n", "\r"].contains($0) }) else {
      return marked
    }
    return "\""
      + marked.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }
}
