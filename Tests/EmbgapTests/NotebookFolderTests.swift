import Foundation
import Testing

/// Every numbered folder of notebooks is a whole one.
@Suite struct NotebookFolderTests {
  static let folder = CommandTests.repository + "/Notebooks-as-scripts"

  static let names: [String] = {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return all.filter { $0.first?.isNumber == true }.sorted()
  }()

  static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func notebooksAreNumberedWithoutGaps() {
    #expect(Self.names.count >= 6)
    for (place, name) in Self.names.enumerated() {
      #expect(name.prefix(3) == (place < 9 ? "0" : "") + "\(place + 1)-", "\(name)")
    }
  }

  @Test(arguments: names)
  func notebooksAreComplete(name: String) throws {
    let product = String(name.dropFirst(3))
    #expect(
      try Self.text(CommandTests.repository + "/Package.swift").contains(
        "notebook(\"\(name)\", \"\(product)\")"))
    #expect(
      try Self.text(CommandTests.repository + "/README.md").contains("| `Notebooks-as-scripts/\(name)` | "))
    let expected = try Self.text(Self.folder + "/\(name)/expected.txt").split(separator: "\n")
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/" + name)
    let sources = try files.filter { $0.hasSuffix(".swift") }.map {
      try Self.text(Self.folder + "/\(name)/\($0)")
    }
    let notebooks = sources.filter { $0.contains("@main struct") }
    #expect(notebooks.count == 1)
    let lines = try #require(notebooks.first).split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let mark = "// MARK: - "
    let titles = lines.filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
    #expect(!titles.isEmpty)
    for (place, title) in titles.enumerated() { #expect(title.hasPrefix("\(place + 1). "), "\(title)") }
    // What was recorded is this notebook's, cell by cell, and every claim held.
    #expect(expected.filter { !$0.hasPrefix(" ") }.map(String.init) == titles)
    #expect(expected.contains { $0.hasPrefix("  holds: ") })
    #expect(!expected.contains { $0.hasPrefix("  does not hold: ") })
    // Only the public library is used.
    let imports = sources.flatMap { $0.split(separator: "\n") }.filter {
      $0.contains("import ") && !$0.contains("//")
    }
    #expect(
      imports.allSatisfy { ["import EmbeddingGap", "import Foundation", "import Notebook"].contains($0) })
  }
}
