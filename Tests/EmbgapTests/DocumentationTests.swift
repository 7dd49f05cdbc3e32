import EmbeddingGap
import Foundation
import Testing

/// The pages of the documentation: commands run, keys are those of reports, numbers are those that are measured.
@Suite struct DocumentationTests {
  static let catalogue = "Sources/EmbeddingGap/EmbeddingGap.docc"

  /// Paths of the pages below the repository, those first that make what others draw.
  static func pages(in folder: String = catalogue) throws -> [String] {
    let first = ["MeasuringTheGap.md", "ComparingTraining.md"]
    let all = try FileManager.default.subpathsOfDirectory(atPath: CommandTests.repository + "/" + folder)
      .filter { $0.hasSuffix(".md") }.sorted()
    return (first.filter(all.contains) + all.filter { !first.contains($0) }).map { folder + "/" + $0 }
  }

  // MARK: Commands

  @Test(.enabled(if: CommandTests.isOptimized)) func everyCommandOfTheArticlesRuns() throws {
    let directory = try CommandTests.scratch()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try ReadmeTests.prepare(directory)
    // What lies in the repository is named from its root, and what the page about dumps writes is there.
    let links = [
      "Fixtures": "Fixtures", "dump.safetensors": "Fixtures/demo/pairs.safetensors",
      "held-out.jsonl": "Fixtures/checkpoints/llava-clip-llama/pairs.jsonl",
    ]
    for (name, target) in links {
      try FileManager.default.createSymbolicLink(
        atPath: directory + "/" + name, withDestinationPath: CommandTests.repository + "/" + target)
    }
    var count = 0
    for page in try Self.pages() {
      for line in try ReadmeTests.lines(of: page) {
        try #require(line.hasPrefix("embgap "), "\(page): \(line)")
        try ReadmeTests.expectSuccess(of: line, in: directory)
        count += 1
      }
    }
    #expect(count >= 40)
  }

  // MARK: Keys and numbers

  /// Rows of cells, the header first, of each table of a page.
  static func tables(of page: String) throws -> [[[String]]] {
    let text = try String(contentsOfFile: CommandTests.repository + "/" + page, encoding: .utf8)
    var tables: [[[String]]] = [[]]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else {
        if tables.last?.isEmpty == false { tables.append([]) }
        continue
      }
      if line.hasPrefix("| ---") { continue }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
      tables[tables.count - 1].append(
        cells.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) })
    }
    return tables.filter { !$0.isEmpty }
  }

  static func metrics(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try CommandTests.run(["measure", "--json", "--bootstrap", "0"] + arguments)
    try #require(outcome.code == 0, "\(outcome.errors)")
    let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return try #require(report?["metrics"] as? [String: Any])
  }

  static func checkpointMetrics() throws -> [String: Any] {
    let model = CommandTests.repository + "/Fixtures/checkpoints/llava-clip-llama"
    return try metrics(["--checkpoint", model, "--pairs", model + "/pairs.jsonl", "--readout", "layers"])
  }

  /// Dotted names of the numbers and lists in an object.
  static func keys(_ object: [String: Any], below prefix: String = "") -> [String] {
    object.flatMap { key, value in
      (value as? [String: Any]).map { keys($0, below: prefix + key + ".") } ?? [prefix + key]
    }
  }

  /// The number under a dotted name, with `[i]` behind it for one of a list.
  static func number(_ path: String, in object: [String: Any]) -> Double? {
    let parts = path.split(separator: "[")
    var value: Any? = object
    for key in parts[0].split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
    if parts.count > 1, let index = Int(parts[1].dropLast()) {
      let list = value as? [Any] ?? []
      value = list.indices.contains(index) ? list[index] : nil
    }
    return value as? Double
  }

  @Test func everyKeyOfAReportIsExplainedOnOnePage() throws {
    var places: [String: [String]] = [:]
    for page in try Self.pages() {
      for table in try Self.tables(of: page) where table[0][0] == "JSON key" {
        for row in table.dropFirst() { places[row[0], default: []].append(page) }
      }
    }
    for (key, pages) in places { #expect(pages.count == 1, "\(key): \(pages)") }
    #expect(Set(places.keys) == Set(Self.keys(try Self.checkpointMetrics())))
  }

  @Test func everyNumberInATableIsTheOneMeasured() throws {
    let repository = CommandTests.repository
    let checkpoint = try Self.checkpointMetrics()
    var columns = ["value": checkpoint, "llava-clip-llama": checkpoint]
    for name in ["closed", "open", "unrelated", "collapsed"] {
      columns[name] = try Self.metrics(["\(repository)/Fixtures/clouds/\(name).npy"])
    }
    columns["norms.npy"] = try Self.metrics(["\(repository)/Fixtures/metrics/norms.npy"])
    for (index, layer) in try #require(checkpoint["layers"] as? [[String: Any]]).enumerated() {
      columns["layers[\(index)]"] = layer
    }
    var count = 0
    for page in try Self.pages() {
      for table in try Self.tables(of: page) {
        for (column, name) in table[0].enumerated().dropFirst() {
          guard let measured = columns[name] else { continue }
          for row in table.dropFirst() {
            let text = row[column].replacingOccurrences(of: "−", with: "-")
            let found = try #require(Double(text), "\(page), \(row[0]): \(text)")
            let expected = try #require(Self.number(row[0], in: measured), "\(page), \(row[0])")
            let decimals = text.split(separator: ".").dropFirst().first?.count ?? 0
            // Half a unit is the rounding; the rest is for processors that round sums in another order.
            #expect(
              abs(found - expected) <= 1.5 * pow(10, -Double(decimals)),
              "\(page), \(row[0]), \(name): \(found) is printed, \(expected) measured")
            count += 1
          }
        }
      }
    }
    #expect(count > 250)
  }

  // MARK: Swift

  /// The Swift of the page about measuring, and the same compiled.
  @Test func theLibraryMeasuresAsThePageShows() throws {
    let page = try String(
      contentsOfFile: CommandTests.repository + "/" + Self.catalogue + "/MeasuringTheGap.md", encoding: .utf8)
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
    let start = try #require(page.range(of: "```swift\n"))
    let end = try #require(page[start.upperBound...].range(of: "```"))
    let shown = page[start.upperBound..<end.lowerBound].split(separator: "\n")
    #expect(shown.count == 4)
    for line in shown {
      #expect(
        here.contains(line.replacingOccurrences(of: "\"pairs.npy\"", with: "CommandTests.demo")), "\(line)")
    }
    let files = try EmbeddingFiles(pairs: TensorReference(path: CommandTests.demo))
    let pair = try EmbeddingPair(image: files.image, text: files.text)
    print(try CentroidGap(of: pair).distance, try GapMeasurement(of: pair).metrics)
    #expect(abs(try CentroidGap(of: pair).distance - 0.8) < 1e-6)
  }
}
