/// Rows of text in aligned columns.
struct TextTable {
  private var lines: [Line] = []

  private enum Line {
    case heading(String)
    case cells([String])
  }

  /// Columns that are aligned to the right.
  let rightAligned: Set<Int>

  init(rightAligned: Set<Int>) { self.rightAligned = rightAligned }

  mutating func add(heading: String) { lines.append(.heading(heading)) }

  mutating func add(_ cells: [String]) { lines.append(.cells(cells)) }

  /// The lines, each cell padded to its column's width, no blanks at line ends.
  var text: String {
    var widths: [Int] = []
    for case .cells(let cells) in lines {
      for (column, cell) in cells.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return lines.map { line in
      switch line {
      case .heading(let text): return "\n" + text
      case .cells(let cells):
        let padded = cells.enumerated().map { column, cell in
          let blanks = String(repeating: " ", count: widths[column] - cell.count)
          return rightAligned.contains(column) ? blanks + cell : cell + blanks
        }
        var text = "  " + padded.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
      }
    }.joined(separator: "\n")
  }
}
