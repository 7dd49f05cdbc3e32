import Foundation

/// The output that a notebook is expected to print, line by line.
struct ExpectedOutput {
  let path: String

  func write(_ lines: [String]) throws {
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
  }

  /// What differs, a line each.
  func faults(_ lines: [String], within tolerance: Tolerance) throws -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty else {
      return ["\(path) is missing or empty (hint: --record writes it)"]
    }
    let expected = text.split(separator: "\n").map(String.init)
    guard expected.count == lines.count else {
      return ["\(path): expected \(expected.count) lines, found \(lines.count)"]
    }
    return zip(expected, lines).enumerated().compactMap { place, pair in
      tolerance.agrees(pair.0, pair.1)
        ? nil : "\(path):\(place + 1): expected “\(pair.0)”, found “\(pair.1)”"
    }
  }
}
