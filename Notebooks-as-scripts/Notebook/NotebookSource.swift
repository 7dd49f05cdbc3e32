import Foundation

/// The text of a notebook: what its source says, cell by cell.
struct NotebookSource {
  struct Cell {
    /// With its number.
    let title: String
    let prose: [String]
    let code: String
  }

  /// What the notebook is about: the comment before its type.
  let title: String
  let introduction: [String]
  let cells: [Cell]
  /// The other sources beside it.
  let others: [(name: String, code: String)]
  /// The folder of the source.
  let folder: String

  private static let mark = "// MARK: - "

  /// - Throws: `CocoaError` when the source is not there.
  init(file: String) throws {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    var parts: [[String]] = [[]]
    for line in text.components(separatedBy: "\n") {
      if Self.trimmed(line).hasPrefix(Self.mark) { parts.append([]) }
      parts[parts.count - 1].append(line)
    }
    // What follows the last cell's function belongs to no cell.
    if parts.count > 1 { parts[parts.count - 1] = Self.withinFunction(parts[parts.count - 1]) }
    let head = Self.paragraphs(parts[0].filter { $0.hasPrefix("///") })
    title = (head.first ?? "Notebook").trimmingCharacters(in: ["."])
    introduction = Array(head.dropFirst())
    cells = parts.dropFirst().map(Self.cell)
    let url = URL(filePath: file)
    folder = url.deletingLastPathComponent().path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    others = try names.filter { $0.hasSuffix(".swift") && $0 != url.lastPathComponent }.map {
      ($0, try String(contentsOfFile: "\(url.deletingLastPathComponent().path)/\($0)", encoding: .utf8))
    }
  }

  private static func cell(_ lines: [String]) -> Cell {
    let rest = lines.dropFirst()
    let prose = rest.prefix { trimmed($0).hasPrefix("//") }
    return Cell(
      title: String(trimmed(lines[0]).dropFirst(mark.count)), prose: paragraphs(prose),
      code: dedented(Array(rest.dropFirst(prose.count))))
  }

  /// The lines before the brace that closes the function, which stands two spaces from the margin.
  private static func withinFunction(_ lines: [String]) -> [String] {
    Array(lines.prefix { $0 != "  }" })
  }

  /// Comment lines as paragraphs, which empty ones separate.
  private static func paragraphs(_ lines: some Sequence<String>) -> [String] {
    var paragraphs = [""]
    for line in lines {
      let text = trimmed(String(trimmed(line).drop { $0 == "/" }))
      if text.isEmpty {
        if paragraphs.last?.isEmpty == false { paragraphs.append("") }
      } else {
        paragraphs[paragraphs.count - 1] += (paragraphs.last?.isEmpty == false ? " " : "") + text
      }
    }
    return paragraphs.filter { !$0.isEmpty }
  }

  private static func dedented(_ lines: [String]) -> String {
    let used = lines.filter { !trimmed($0).isEmpty }
    let indent = used.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    let text = lines.map { String($0.dropFirst(indent)) }.joined(separator: "\n")
    return text.trimmingCharacters(in: .newlines)
  }

  private static func trimmed(_ line: String) -> String { line.trimmingCharacters(in: .whitespaces) }
}
