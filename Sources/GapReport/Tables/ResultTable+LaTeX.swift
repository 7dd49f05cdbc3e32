import GapMetrics

extension ResultTable {
  /// A `tabular` with the rules of `booktabs`; the caption is a comment.
  var latex: String {
    let letters = columns.map { if case .text = $0.kind { "l" } else { "r" } }.joined()
    var lines = caption.split(whereSeparator: \.isNewline).map { "% " + $0 }
    lines += ["% \\usepackage{booktabs}", "\\begin{tabular}{\(letters)}", "\\toprule"]
    lines.append(Self.line(columns.map { Self.latexText($0.name) }))
    lines.append("\\midrule")
    for (place, row) in rows.enumerated() {
      switch row {
      case .section(let text):
        if place > 0 { lines.append("\\addlinespace") }
        lines.append("\\multicolumn{\(columns.count)}{l}{\\emph{\(Self.latexText(text))}} \\\\")
      case .cells(let cells):
        lines.append(Self.line(zip(cells, columns).map { Self.latexText($0, $1.style) }))
      }
    }
    return (lines + ["\\bottomrule", "\\end{tabular}"]).joined(separator: "\n") + "\n"
  }

  private static func line(_ cells: [String]) -> String {
    var text = cells.joined(separator: " & ")
    while text.last == " " { text.removeLast() }
    return text + " \\\\"
  }

  private static func latexText(_ cell: Cell, _ style: NumberStyle) -> String {
    func number(_ value: Double, _ places: Int?) -> String {
      mathematics(text(value, style, places: places))
    }
    func interval(_ ends: Interval) -> String {
      "[\(number(ends.low, style.intervalPlaces)), \(number(ends.high, style.intervalPlaces))]"
    }
    switch cell {
    case .text(let text): return latexText(text)
    case .number(let value): return value.map { "$\(number($0, style.places))$" } ?? ""
    case .interval(let ends): return ends.map { "$\(interval($0))$" } ?? ""
    case .estimate(let value, let ends):
      let parts = [value.map { number($0, style.places) }, ends.map(interval)].compactMap { $0 }
      return parts.isEmpty ? "" : "$\(parts.joined(separator: "\\;"))$"
    }
  }

  /// A number in mathematics mode: a true minus sign, powers of ten.
  private static func mathematics(_ number: String) -> String {
    if number.hasSuffix("inf") { return number.hasPrefix("-") ? "-\\infty" : "\\infty" }
    let parts = number.split(separator: "e")
    guard parts.count == 2, parts[0].last?.isNumber == true else { return number }
    return "\(parts[0]) \\times 10^{\(parts[1])}"
  }

  private static let commands: [Character: String] = [
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#",
    "_": "\\_",
    "%": "\\%", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "|": "\\textbar{}", "\"": "\\textquotedbl{}", "→": "$\\rightarrow$",
    "…": "\\ldots{}", "–": "--", "−": "$-$", "Δ": "$\\Delta$", "δ": "$\\delta$", "[": "{[}",
    "]": "{]}",
  ]

  /// A text that means itself.
  ///
  /// Brackets are grouped: after the end of a line one would be taken for a length.
  static func latexText(_ text: String) -> String {
    text.map { $0.isNewline ? " " : commands[$0] ?? "\($0)" }.joined()
  }
}
