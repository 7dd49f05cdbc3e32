import Foundation
import TestFolders
import Testing

/// The built command, run as a user runs it.
@Suite struct CommandTests {
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// The command that lies beside the test bundle.
  static let command = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/embgap"

  /// Whether the command was built with optimisation.
  ///
  /// Without, the embedded experiment takes ten minutes at its shortest: tests that run it look at a release build
  /// alone, but for one that the thread sanitizer looks at.
  static var isOptimized: Bool {
    #if DEBUG
      false
    #else
      true
    #endif
  }

  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  static func run(_ arguments: [String]) throws -> Outcome {
    let folder = try scratch()
    let out = folder + "/out"
    let err = folder + "/err"
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let words = ([command] + arguments).map { "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'" }
    process.arguments = ["-c", words.joined(separator: " ") + " >'\(out)' 2>'\(err)'"]
    try process.run()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, output: try String(contentsOfFile: out, encoding: .utf8),
      errors: try String(contentsOfFile: err, encoding: .utf8))
  }

  static func scratch() throws -> String { try TestFolder.make() }

  static var demo: String { repository + "/Fixtures/demo/pairs.safetensors" }

  @Test func theDemoPairsHaveTheGapOfTheClosedForm() throws {
    let outcome = try Self.run(["measure", Self.demo, "--json"])
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    let report = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(report["schema"] as? String == "embgap.report/1")
    let metrics = try #require(report["metrics"] as? [String: Any])
    #expect(abs(try #require(metrics["centroid_distance"] as? Double) - 0.8) < 1e-6)
    let intervals = try #require(report["intervals"] as? [String: [Double]])
    let ends = try #require(intervals["centroid_distance"])
    // The interval is of the unbiased estimate, whose closed form is √0.638526….
    let unbiased = 0.638526315789474.squareRoot()
    #expect(ends[0] < unbiased && unbiased < ends[1])
  }

  @Test func sameSeedGivesSameBytesForAnyNumberOfThreads() throws {
    func bytes(_ threads: String) throws -> String {
      let lines = try Self.run(["measure", Self.demo, "--json", "--threads", threads]).output
      return lines.split(separator: "\n").filter { !$0.contains("\"seconds\"") }.joined(separator: "\n")
    }
    let one = try bytes("1")
    #expect(one.count > 1000)
    #expect(try bytes("1") == one)
    #expect(try bytes("2") == one)
  }

  @Test func outHoldsReportFiguresAndDataAndDiffReadsThem() throws {
    let folder = try Self.scratch()
    let first = try Self.run(["measure", Self.demo, "--out", folder + "/a"])
    #expect(first.code == 0)
    #expect(first.output.contains("centroid_distance"))
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder + "/a"))
    #expect(
      names == [
        "report.json", "report.html", "details.safetensors", "pca_basis.safetensors", "projections.npy",
        "projections.csv", "pca.png", "cosines.png", "dimensions.png", "shift.png", "retrieval.png",
      ])
    let diff = try Self.run(["diff", folder + "/a", folder + "/a", "--json"])
    #expect(diff.code == 0)
    #expect(diff.output.contains("embgap.diff/1"))
    let plot = try Self.run([
      "plot", folder + "/a", folder + "/a", "--format", "svg", "--out", folder + "/figures",
    ])
    #expect(plot.code == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/figures").count == 5)
  }

  @Test func thePageIsTheSameEachTimeAndNamesItsInputsAsGiven() throws {
    let folder = try Self.scratch()
    let pages = try ["a", "b"].map { name in
      #expect(try Self.run(["measure", Self.demo, "--out", "\(folder)/\(name)", "--threads", "2"]).code == 0)
      return try Data(contentsOf: URL(filePath: "\(folder)/\(name)/report.html"))
    }
    #expect(pages[0] == pages[1])
    let text = String(decoding: pages[0], as: UTF8.self)
    #expect(text.contains(Self.demo))
    #expect(!text.contains(folder))
  }

  /// The block of data in a page, as its script reads it.
  static func pageData(_ path: String) throws -> [String: Any] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let start = try #require(text.range(of: "<script type=\"application/json\" id=\"data\">"))
    let end = try #require(text[start.upperBound...].range(of: "</script>"))
    let data = Data(text[start.upperBound..<end.lowerBound].utf8)
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func captionsOfAFileAreOnThePageInTheirOrder() throws {
    let folder = try Self.scratch()
    let plain = try Self.run(["measure", Self.demo, "--json", "--bootstrap", "0"])
    let report = try JSONSerialization.jsonObject(with: Data(plain.output.utf8)) as? [String: Any]
    let pairs = try #require(report?["pairs"] as? Int)
    let captions = (0..<pairs).map { "caption number \($0)" }
    let file = folder + "/captions.txt"
    try Data((captions.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
    let outcome = try Self.run([
      "measure", Self.demo, "--captions", file, "--bootstrap", "0", "--out", folder + "/named",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let page = try Self.pageData(folder + "/named/report.html")
    let sets = try #require((page["scatter"] as? [String: Any])?["sets"] as? [[String: Any]])
    #expect(sets.first?["captions"] as? [String] == captions)
    // What failing queries found has its caption too.
    let tables = try #require(page["pairs"] as? [[String: Any]])
    for table in tables where table["finds"] is String {
      for row in try #require(table["rows"] as? [[String: Any]]) {
        let found = try #require(row["found"] as? Int)
        #expect(row["foundCaption"] as? String == captions[found] && found != row["pair"] as? Int)
      }
    }
    try Data("only one\n".utf8).write(to: URL(filePath: file))
    let refused = try Self.run(["measure", Self.demo, "--captions", file])
    #expect(refused.code == 65 && refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
    #expect(refused.errors.contains("one caption for each of \(pairs) pairs, found 1"))
  }

  static let faults: [Fault] = [
    Fault("measure FIXTURE/metrics/clouds.npy --captions missing.txt", 66),
    Fault("measure --checkpoint FIXTURE/x --pairs FIXTURE/y --captions FIXTURE/z", 64),
    Fault("compare --steps 9000000000000000000 --out FIXTURE/none", 64), Fault("measure", 64),
    Fault("measure x --no-such-option", 64), Fault("measure --image x", 64),
    Fault("measure missing.npy", 66), Fault("measure /", 66), Fault("measure FIXTURE/demo/expected.json", 65),
    Fault("measure FIXTURE/metrics/captions.ids.txt", 65), Fault("inspect missing", 66),
    Fault("diff missing missing", 66), Fault("measure FIXTURE/metrics/clouds.npy --out /dev/null/x", 73),
    Fault(
      "measure --image FIXTURE/demo/pairs.safetensors::image --text FIXTURE/demo/pairs.safetensors::no", 65),
    Fault("measure FIXTURE/metrics/clouds.npy --ids FIXTURE/metrics/captions.ids.txt", 65),
  ]

  struct Fault: Sendable {
    let arguments: String
    let code: Int32
    init(_ arguments: String, _ code: Int32) {
      self.arguments = arguments
      self.code = code
    }
  }

  @Test(arguments: faults)
  func badInputIsOneLineAndTheRightCode(fault: Fault) throws {
    let words = fault.arguments.split(separator: " ").map { word in
      word.replacingOccurrences(of: "FIXTURE", with: Self.repository + "/Fixtures")
    }
    let outcome = try Self.run(words)
    #expect(outcome.code == fault.code, "\(fault.arguments): \(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  /// A limit on the size of files stands for a full disk: what is written breaks off in the middle.
  @Test(arguments: [1, 16])
  func aWriteThatBreaksOffLeavesNothingBehind(limit: Int) throws {
    let folder = try Self.scratch()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c",
      "trap '' XFSZ; ulimit -f \(limit); '\(Self.command)' measure '\(Self.demo)' --out '\(folder)/a/b'"
        + " >/dev/null 2>'\(folder)/errors'",
    ]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 73)
    let errors = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
    #expect(errors.split(separator: "\n").count == 1, "\(errors)")
    #expect(errors.contains("\(folder)/a/b"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["errors"])
  }

  @Test(arguments: ["measure", "diff", "embed", "inspect", "train", "compare", "export", "scenes", "plot"])
  func helpShowsAnExample(name: String) throws {
    let outcome = try Self.run([name, "--help"])
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("embgap \(name)"))
    #expect(outcome.output.contains("Example"))
  }

  @Test func readmeNamesOnlyWhatIsThere() throws {
    let text = try String(contentsOfFile: Self.repository + "/README.md", encoding: .utf8)
    let pattern = #/(?:Fixtures|Tests|Sources|Notebooks-as-scripts)/[A-Za-z0-9_./-]*[A-Za-z0-9_]/#
    let paths = text.matches(of: pattern).map { String($0.output) }
    #expect(paths.count >= 5)
    for path in paths {
      #expect(FileManager.default.fileExists(atPath: Self.repository + "/" + path), "\(path)")
    }
  }

  /// The import table of the README: a level imports only levels below.
  @Test func targetsImportOnlyLevelsBelow() throws {
    let levels = [
      "CGapKernels": 0, "COneDNN": 0, "COpenBLAS": 0, "CLAPACKE": 0, "CPNG": 0, "CJPEG": 0, "CCairo": 0,
      "CZlib": 0,
      "GapLinearAlgebra": 1,
      "GapImages": 1, "GapTensorFiles": 1, "GapPlot": 2, "GapMetrics": 2, "GapLayers": 2, "GapModels": 3,
      "GapDatasets": 3, "GapTraining": 4, "GapReport": 4,
      "EmbeddingGap": 5, "embgap": 6,
    ]
    let soleImporters = [
      "COpenBLAS": "GapLinearAlgebra", "COneDNN": "GapLinearAlgebra", "CLAPACKE": "GapLinearAlgebra",
      "CPNG": "GapImages",
      "CJPEG": "GapImages", "CCairo": "GapPlot",
      "CZlib": "GapTensorFiles",
    ]
    var seen = 0
    for target in try FileManager.default.contentsOfDirectory(atPath: Self.repository + "/Sources") {
      let level = try #require(levels[target], "\(target) has no level")
      let folder = Self.repository + "/Sources/" + target
      for file in try FileManager.default.subpathsOfDirectory(atPath: folder) where file.hasSuffix(".swift") {
        let text = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
        for line in text.split(separator: "\n") {
          let words = line.split(separator: " ")
          guard let place = words.firstIndex(of: "import"), place <= 2, place + 1 < words.count,
            words[..<place].allSatisfy({ ["public", "package", "@_exported", "internal"].contains(String($0)) }
            ),
            let other = levels[String(words[place + 1])]
          else { continue }
          seen += 1
          #expect(other < level, "\(target)/\(file) imports \(words[place + 1])")
          if let sole = soleImporters[String(words[place + 1])] { #expect(sole == target) }
        }
      }
    }
    #expect(seen > 20)
  }
}
