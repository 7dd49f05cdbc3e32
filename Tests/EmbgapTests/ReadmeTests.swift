import EmbeddingGap
import Foundation
import Testing

/// Every command line that the README shows does what it says.
@Suite struct ReadmeTests {
  /// The lines of a page's shell blocks, without comments.
  static func lines(of page: String = "README.md") throws -> [String] {
    let text = try String(contentsOfFile: CommandTests.repository + "/" + page, encoding: .utf8)
    var lines: [String] = []
    var (isOpen, isShell) = (false, false)
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isOpen.toggle()
        isShell = isOpen && ["```sh", "```bash", "```"].contains(line)
        continue
      }
      let command = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      if isShell, !command.isEmpty { lines.append(command) }
    }
    return lines
  }

  struct Outcome {
    let code: Int32
    let output: String
  }

  /// Runs a line as a shell in a directory would, with the built command in front of the path.
  static func run(_ line: String, in directory: String, path: String) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.currentDirectoryURL = URL(filePath: directory)
    process.arguments = ["-c", "(\(line)) >output.txt 2>&1"]
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    process.environment = environment
    try process.run()
    process.waitUntilExit()
    let output = try String(contentsOfFile: directory + "/output.txt", encoding: .utf8)
    return Outcome(code: process.terminationStatus, output: output)
  }

  static var commandFolder: String { String(CommandTests.command.dropLast("/embgap".count)) }

  /// The folder of the option `--out`, if the line has one.
  static func out(_ line: String) -> String? {
    let words = line.split(separator: " ").map(String.init)
    return words.firstIndex(of: "--out").map { words[$0 + 1] }
  }

  /// The same line with runs of a few steps: what takes minutes as it stands is as right or wrong within seconds.
  static func shortened(_ line: String) -> String {
    if line.hasPrefix("embgap scenes") { return line + " --count 40" }
    guard line.hasPrefix("embgap compare") else { return line }
    // Of an option that stands twice, the last one counts.
    let steps = " --steps 2 --seeds 1"
    return line
      + (line.contains("--config")
        ? steps : " --quick" + steps + " --set instruct.steps=2 --set evaluation.captions=4")
  }

  // MARK: embgap

  /// Writes the files that the lines name: pairs, a dump with a key for each side, a model, two reports.
  static func prepare(_ directory: String) throws {
    let names = ["pairs.npy": "metrics/clouds.npy", "model.safetensors": "tensor-files/types.safetensors"]
    for (name, fixture) in names {
      try FileManager.default.copyItem(
        atPath: CommandTests.repository + "/Fixtures/" + fixture, toPath: directory + "/" + name)
    }
    let files = try EmbeddingFiles(pairs: TensorReference(path: directory + "/pairs.npy"))
    let sides = try [("img", files.image), ("txt", files.text)].map { name, rows in
      var elements = [Double](repeating: 0, count: rows.count * rows.dimension)
      var span = elements.mutableSpan
      try rows.read(0..<rows.count, into: &span)
      return (name: name + ".npy", data: NpyWriter.data(shape: [rows.count, rows.dimension], elements))
    }
    try StoredZip.data(sides).write(to: URL(filePath: directory + "/dump.npz"))
    try prepareCheckpoint(directory)
    try prepareRun(directory)
    for (report, pairs) in [("report-a", "clouds"), ("report-b", "clouds")] {
      let line =
        "embgap measure \(CommandTests.repository)/Fixtures/metrics/\(pairs).npy --bootstrap 20 --out \(report)"
      let outcome = try run(line, in: directory, path: commandFolder)
      try #require(outcome.code == 0, "\(outcome.output)")
    }
  }

  /// `RUN.yaml` of a few steps on that model.
  private static func prepareRun(_ directory: String) throws {
    let lines = [
      "checkpoint: llava-1.5-7b-hf", "pairs: pairs.jsonl", "steps: 3", "batch: 4",
      "evaluation: {pairs: pairs.jsonl, every: 2}",
    ]
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: directory + "/RUN.yaml"))
  }

  /// A model under the names that the lines give it, whole and in parts, with images, captions and features.
  private static func prepareCheckpoint(_ directory: String) throws {
    let model = CommandTests.repository + "/Fixtures/checkpoints/llava-clip-llama"
    let copies = [
      "llava-1.5-7b-hf": "", "vicuna-7b": "", "mm_projector.bin": "/model.safetensors", "images": "/images",
      "pairs.jsonl": "/pairs.jsonl",
    ]
    for (name, part) in copies {
      try FileManager.default.copyItem(atPath: model + part, toPath: directory + "/" + name)
    }
    let features = try TensorFile(path: model + "/expected.safetensors").tensor(named: "features")
    var writer = SafetensorsWriter()
    writer.add("features", shape: features.shape, try features.elements() as [Float])
    try writer.data.write(to: URL(filePath: directory + "/clip.safetensors"))
  }

  /// Runs a line and looks for what it says it writes.
  static func expectSuccess(of line: String, in directory: String) throws {
    let outcome = try run(shortened(line), in: directory, path: commandFolder)
    #expect(outcome.code == 0, "\(line): \(outcome.output)")
    #expect(!outcome.output.isEmpty, "\(line)")
    guard let out = out(line) else { return }
    #expect(FileManager.default.fileExists(atPath: directory + "/" + out), "\(line)")
    let found = try? FileManager.default.contentsOfDirectory(atPath: directory + "/" + out)
    let isFile = [".safetensors", ".bin"].contains { out.hasSuffix($0) }
    #expect(found.map { !$0.isEmpty } ?? isFile, "\(line)")
  }

  @Test(.enabled(if: CommandTests.isOptimized)) func everyCommandOfTheReadmeRuns() throws {
    let lines = try Self.lines().filter { $0.hasPrefix("embgap ") && !$0.contains("~/") }
    #expect(lines.count >= 5)
    let directory = try CommandTests.scratch()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Self.prepare(directory)
    for line in lines { try Self.expectSuccess(of: line, in: directory) }
    // Each subcommand is shown at least once.
    let shown = Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
    #expect(
      shown == ["measure", "diff", "plot", "inspect", "embed", "compare", "train", "export", "scenes"])
  }

  /// The examples of the help texts, each without what is said beside it.
  private static func examples() throws -> [String] {
    let folder = CommandTests.repository + "/Sources/embgap"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { name in
      let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
      return text.replacing(#/ \\\\\n */#, with: " ").split(separator: "\n")
        .filter { $0.hasPrefix("        embgap ") }
        .map { line in
          let line = line.trimmingCharacters(in: .whitespaces)
          return line.range(of: "  ").map { String(line[..<$0.lowerBound]) } ?? line
        }
    }
  }

  @Test(.enabled(if: CommandTests.isOptimized)) func everyExampleOfTheHelpTextsRuns() throws {
    let lines = try Self.examples()
    let directory = try CommandTests.scratch()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try Self.prepare(directory)
    try Self.prepareExamples(directory)
    // What makes runs comes before what draws or exports them.
    let makers = lines.filter { $0.hasPrefix("embgap compare ") || $0.hasPrefix("embgap train ") }
    for line in makers + lines.filter({ !makers.contains($0) }) {
      // No fixture of PyTorch's has these keys; what is varied is varied on a tiny checkpoint.
      let own = line.replacing("::vision.out", with: "::double").replacing("::text.out", with: "::float")
        .replacing("--quick --vary", with: "--config RUN.yaml --vary")
      try Self.expectSuccess(of: own, in: directory)
    }
    // Each subcommand shows one at least.
    let shown = Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
    #expect(
      shown == ["measure", "diff", "plot", "inspect", "embed", "compare", "train", "export", "scenes"])
  }

  /// What the examples of the help texts name beside what the README does.
  private static func prepareExamples(_ directory: String) throws {
    let fixtures = CommandTests.repository + "/Fixtures/"
    let copies = [
      "dump.safetensors": fixtures + "demo/pairs.safetensors", "dump.pt": fixtures + "tensor-files/types.pt",
      "report-ntp": directory + "/report-a", "report-joint": directory + "/report-b",
    ]
    for (name, original) in copies {
      try FileManager.default.copyItem(atPath: original, toPath: directory + "/" + name)
    }
    func write(_ name: String, _ count: Int, _ line: String) throws {
      let lines = (0..<count).map { "\(line) \($0)\n" }
      try Data(lines.joined().utf8).write(to: URL(filePath: directory + "/" + name))
    }
    let pairs = try EmbeddingFiles(pairs: TensorReference(path: directory + "/pairs.npy"))
    try write("captions.txt", pairs.image.count, "a square")
    try write("images.txt", 4, "image")
    for (name, rows) in [("img.npy", pairs.image), ("txt.npy", pairs.text)] {
      var elements = [Double](repeating: 0, count: rows.count * rows.dimension)
      var span = elements.mutableSpan
      try rows.read(0..<rows.count, into: &span)
      try NpyWriter.data(shape: [rows.count, rows.dimension], elements)
        .write(to: URL(filePath: directory + "/" + name))
    }
    let line = "embgap train --config RUN.yaml --objective ntp --out runs/ntp"
    let outcome = try run(line, in: directory, path: commandFolder)
    try #require(outcome.code == 0, "\(outcome.output)")
  }

  /// Completions are written below the home directory: here, one of the test's own.
  @Test func completionsAreWrittenWhereTheREADMEPutsThem() throws {
    let lines = try Self.lines().filter { $0.contains("~/") }
    #expect(lines.count == 4)
    let home = try CommandTests.scratch()
    defer { try? FileManager.default.removeItem(atPath: home) }
    for line in lines {
      let outcome = try Self.run("HOME='\(home)'; \(line)", in: home, path: Self.commandFolder)
      #expect(outcome.code == 0, "\(line): \(outcome.output)")
    }
    let files = try FileManager.default.subpathsOfDirectory(atPath: home)
    for name in ["completions/embgap", "completions/_embgap", "completions/embgap.fish"] {
      #expect(files.contains { $0.hasSuffix(name) }, "\(name)")
    }
  }

  // MARK: ./run

  /// Runs the script beside stand-ins for the compiler and the package manager, which only note how they are called.
  @Test(.enabled(if: CommandTests.isOptimized)) func everyCallOfTheScriptRuns() throws {
    let lines = try Self.lines().filter { $0.hasPrefix("./run") }
    #expect(lines.contains("./run demo") && lines.contains("./run test"))
    for line in lines {
      let directory = try CommandTests.scratch()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let tools = directory + "/tools"
      try FileManager.default.createDirectory(
        atPath: directory + "/Fixtures", withIntermediateDirectories: true)
      try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
      for name in ["run", "Fixtures/demo"] {
        try FileManager.default.copyItem(
          atPath: CommandTests.repository + "/" + name, toPath: directory + "/" + name)
      }
      try Self.addTool(
        "swift",
        "echo \"$@\" >>calls.txt; case \"$*\" in *--show-bin-path*) echo '\(tools)';; esac",
        to: tools)
      // The command itself, its runs made short.
      try Self.addTool(
        "embgap",
        "echo embgap \"$@\" >>calls.txt; exec '\(CommandTests.command)' \"$@\" --quick --steps 2 --seeds 1"
          + " --set instruct.steps=2 --set evaluation.captions=4",
        to: tools)
      // A notebook, which leaves a page where it is told to.
      try FileManager.default.createDirectory(
        atPath: directory + "/Notebooks-as-scripts/03-one", withIntermediateDirectories: true)
      try Self.addTool("one", "echo one \"$@\" >>calls.txt; mkdir -p $1 && touch $1/index.html", to: tools)
      try Self.addTool("python3", "echo python3 \"$@\" >>calls.txt", to: tools)
      try FileManager.default.createDirectory(
        atPath: directory + "/Tests/Fuzz", withIntermediateDirectories: true)
      try Self.addTool(
        "reader.sh", "[ $# -gt 0 ] && echo fuzz \"$@\" >>calls.txt || echo npy", to: directory + "/Tests/Fuzz")
      try Self.addTool("dpkg-query", "echo 'install ok installed'", to: tools)
      let outcome = try Self.run(line, in: directory, path: tools)
      #expect(outcome.code == 0, "\(line): \(outcome.output)")
      let calls = try String(contentsOfFile: directory + "/calls.txt", encoding: .utf8)
      #expect(calls.contains("build"))
      if line == "./run test" { #expect(calls.split(separator: "\n").contains { $0.hasPrefix("test") }) }
      if line == "./run test" || line.hasPrefix("./run notebooks") {
        #expect(calls.contains("build -c release --product one\n"))
        #expect(FileManager.default.fileExists(atPath: directory + "/notebooks-output/03-one/index.html"))
      }
      if line == "./run demo" {
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: directory + "/demo-output"))
        #expect(
          names.isSuperset(of: ["compare.json", "pca.png", "curve.png", "retrieval.png", "questions.png"]))
        #expect(calls.contains("embgap compare --seeds 2 --steps 100 --out demo-output"))
      }
    }
  }

  private static func addTool(_ name: String, _ body: String, to folder: String) throws {
    let path = folder + "/" + name
    try Data("#!/bin/sh\n\(body)\n".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }
}

/// Makes a zip archive whose members are stored as they are, as numpy writes `.npz`.
enum StoredZip {
  static func data(_ members: [(name: String, data: Data)]) -> Data {
    var (bytes, directory) = (Data(), Data())
    for member in members {
      let name = Data(member.name.utf8)
      let sizes = little(UInt32(member.data.count)) + little(UInt32(member.data.count))
      let head =
        Data([0, 0, 0, 0, 0, 0, 0, 0]) + little(checksum(member.data)) + sizes + little(UInt16(name.count))
      directory +=
        [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + head + Data(count: 12) + little(UInt32(bytes.count)) + name
      bytes += [0x50, 0x4B, 3, 4, 20, 0] + head + Data(count: 2) + name + member.data
    }
    let count = little(UInt16(members.count))
    let end = count + count + little(UInt32(directory.count)) + little(UInt32(bytes.count)) + Data(count: 2)
    return bytes + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + end
  }

  private static func little<T: FixedWidthInteger>(_ value: T) -> Data {
    Data((0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) })
  }

  /// The CRC-32 of zip, bit by bit.
  private static func checksum(_ data: Data) -> UInt32 {
    ~data.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }
}
