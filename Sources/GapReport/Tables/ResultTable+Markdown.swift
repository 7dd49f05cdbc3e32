import GapMetrics

extension ResultTable {
  /// A table with numbers to the right, sections in bold.
  var markdown: String {
    let head = columns.map { Self.escaped($0.name) }
    let rule = columns.map { if case .text = $0.kind { "---" } else { "---:" } }
    let lines = rows.map { row -> [String] in
      switch row {
      case .section(let text):
        ["**\(Self.escaped(text))**"] + Array(repeating: "", count: columns.count - 1)
      case .cells(let cells): zip(cells, columns).map { Self.text($0, $1.style) }
      }
    }
    return ([head, rule] + lines).map { line in
      "|" + line.map { $0.isEmpty ? " |" : " \($0) |" }.joined() + "\n"
    }.joined()
  }

  private static func text(_ cell: Cell, _ style: NumberStyle) -> String {
    func number(_ value: Double?) -> String {
      value.map { text($0, style, places: style.places) } ?? ""
    }
    func interval(_ interval: Interval?) -> String {
      interval.map {
        "[\(text($0.low, style, places: style.intervalPlaces)), \(text($0.high, style, places: style.intervalPlaces))]"
      } ?? ""
    }
    switch cell {
    case .text(let text): return escaped(text)
    case .number(let value): return number(value)
    case .interval(let ends): return interval(ends)
    case .estimate(let value, let ends):
      return [number(value), interval(ends)].filter { !$0.isEmpty }.joined(separator: " ")
    }
  }

  /// A text that means itself: no character of it ends the cell, the line or begins markup.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if character.isNewline {
        result += " "
      } else {
        result += "\\|*_`<>[]{}~#$&!".contains(character) ? "\\\(character)" : "\(character)"
      }
    }
    return result
  }
}
