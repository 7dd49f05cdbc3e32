import Foundation

/// What a cell has shown.
struct CellOutput {
  enum Item {
    case number(name: String, value: String)
    /// Rows of words, the first of them the head.
    case table([[String]])
    case claim(String, Bool)
    /// A picture, with its width in points.
    case figure(caption: String, png: Data, width: Double)

    /// As it is printed and compared; figures are not.
    var lines: [String] {
      switch self {
      case .number(let name, let value): ["\(name): \(value)"]
      case .table(let rows): Self.aligned(rows)
      case .claim(let text, let holds): [(holds ? "holds: " : "does not hold: ") + text]
      case .figure: []
      }
    }

    /// Columns under each other: names begin at the left, numbers end at the right.
    private static func aligned(_ rows: [[String]]) -> [String] {
      let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
      return rows.map { row in
        row.indices.map { column in
          let space = String(repeating: " ", count: widths[column] - row[column].count)
          return column == 0 ? row[column] + space : space + row[column]
        }.joined(separator: "  ")
      }
    }
  }

  var items: [Item] = []
}
