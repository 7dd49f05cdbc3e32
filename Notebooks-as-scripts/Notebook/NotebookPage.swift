import Foundation

/// A notebook as one page that loads nothing and runs nothing.
struct NotebookPage {
  let source: NotebookSource
  let outputs: [CellOutput]
  let tolerance: Tolerance

  /// The page.
  var html: String {
    let sections = zip(source.cells, outputs).map { cell, output in
      "<section>\n<h2>\(Self.text(cell.title))</h2>\n" + Self.paragraphs(cell.prose)
        + Self.code(cell.code) + output.items.map(Self.shown).joined() + "</section>\n"
    }
    let others = source.others.map { name, code in
      "<details><summary>\(Self.text(name))</summary>\n\(Self.code(code))</details>\n"
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <meta name="color-scheme" content="light dark">
      <title>\(Self.text(source.title))</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <main>
      <h1>\(Self.text(source.title))</h1>
      \(Self.paragraphs(source.introduction))\(sections.joined())<footer>
      <p>\(agreement)</p>
      \(others.joined())</footer>
      </main>
      </body>
      </html>

      """
  }

  private var agreement: String {
    let share = tolerance.relative > 0 ? " and \(Self.number(100 * tolerance.relative))% of the number" : ""
    return
      "Decimals are held against <code>expected.txt</code> to within ± \(Self.number(tolerance.absolute))\(share), "
      + "whole numbers and words exactly."
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : "\(value)"
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1b1b1b; --soft: #5c5c5c; --ground: #fff; --block: #f5f5f1; --line: #dcdcd6; --good: #0b6b31; --bad: #a3245f; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e6e3; --soft: #a3a3a0; --ground: #17181a; --block: #222427; --line: #3a3c40; --good: #6fce8f; --bad: #ff8fbd; } }
    body { margin: 0; font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
    main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0 1rem; }
    h2 { font-size: 1.15rem; line-height: 1.3; margin: 2.6rem 0 .5rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
    p { margin: .7rem 0; overflow-wrap: break-word; }
    code { font: .85em/1.45 ui-monospace, SFMono-Regular, Menlo, monospace; }
    pre { margin: .9rem 0; padding: .7rem .8rem; border-radius: 6px; background: var(--block); overflow-x: auto; font-size: .78rem; line-height: 1.45; }
    pre code { font-size: inherit; }
    pre .note { color: var(--soft); }
    .wide { overflow-x: auto; margin: .9rem 0; }
    table { border-collapse: collapse; font-size: .9rem; }
    th, td { padding: .25rem .9rem .25rem 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
    th:first-child, td:first-child { text-align: left; white-space: normal; }
    th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); }
    tr + tr td { border-top: 1px solid var(--line); }
    .number { display: flex; justify-content: space-between; gap: 1rem; max-width: 34rem; margin: .2rem 0; font-size: .9rem; }
    .number span:last-child { font-variant-numeric: tabular-nums; }
    .claim { margin: .5rem 0; padding-left: 1.6rem; text-indent: -1.6rem; color: var(--good); }
    .claim::before { content: "✓"; display: inline-block; width: 1.6rem; text-indent: 0; }
    .broken { color: var(--bad); } .broken::before { content: "✗"; }
    figure { margin: 1.2rem 0; }
    figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
    figcaption { margin-top: .4rem; font-size: .88rem; color: var(--soft); }
    footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9rem; color: var(--soft); }
    summary { cursor: pointer; }
    """

  private static func shown(_ item: CellOutput.Item) -> String {
    switch item {
    case .number(let name, let value):
      return "<div class=\"number\"><span>\(text(name))</span><span>\(text(value))</span></div>\n"
    case .table(let rows):
      let lines = rows.enumerated().map { place, row in
        let cell = place == 0 ? "th" : "td"
        return "<tr>" + row.map { "<\(cell)>\(text($0))</\(cell)>" }.joined() + "</tr>\n"
      }
      return "<div class=\"wide\"><table>\n\(lines.joined())</table></div>\n"
    case .claim(let claim, let holds):
      return "<p class=\"claim\(holds ? "" : " broken")\">\(text(claim))</p>\n"
    case .figure(let caption, let png, let width):
      // 96 pixels an inch of 72 points, and a little more for the screen.
      let pixels = Int((width * 96 / 72 * 1.25).rounded())
      return "<figure><img width=\"\(pixels)\" alt=\"\(text(caption))\" src=\"data:image/png;base64,"
        + "\(png.base64EncodedString())\"><figcaption>\(text(caption))</figcaption></figure>\n"
    }
  }

  private static func paragraphs(_ prose: [String]) -> String {
    prose.map { "<p>\(marked($0))</p>\n" }.joined()
  }

  /// Prose, in which backquotes mean code.
  private static func marked(_ prose: String) -> String {
    prose.components(separatedBy: "`").enumerated().map { place, part in
      place % 2 == 1 ? "<code>\(text(part))</code>" : text(part)
    }.joined()
  }

  /// Code, in which comments step back.
  private static func code(_ code: String) -> String {
    guard !code.isEmpty else { return "" }
    let lines = code.components(separatedBy: "\n").map { line in
      line.drop { $0 == " " }.hasPrefix("//") ? "<span class=\"note\">\(text(line))</span>" : text(line)
    }
    return "<pre><code>\(lines.joined(separator: "\n"))</code></pre>\n"
  }

  private static func text(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
