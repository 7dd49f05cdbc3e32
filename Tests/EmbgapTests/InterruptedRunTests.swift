import EmbeddingGap
import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs that are asked to stop, started twice, or find their last state damaged.
@Suite struct InterruptedRunTests {
  /// A run of about a second.
  private static func folder() throws -> String {
    try TrainCommandTests.folder(
      [
        "save: {every: 20}", "steps: 300", "batch: 4",
        "evaluation: {pairs: \(TrainCommandTests.checkpoint)/pairs.jsonl, every: 70}",
      ], without: ["steps", "batch"])
  }

  private static func arguments(_ folder: String, _ more: [String] = []) -> [String] {
    ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/run", "--quiet"] + more
  }

  private static func lines(_ folder: String) -> Int {
    (FileManager.default.contents(atPath: folder + "/run/metrics.jsonl") ?? Data()).count { $0 == 10 }
  }

  /// Waits until a run has written some lines.
  private static func wait(_ process: Process, _ folder: String, lines: Int) {
    while process.isRunning, Self.lines(folder) < lines { usleep(500) }
  }

  /// Starts a run, and stops it with a signal after some lines.
  private static func stopped(_ folder: String, by signal: Int32, after lines: Int, _ more: [String] = [])
    throws
    -> FaultyProcess.Outcome
  {
    let (process, errors) = try FaultyProcess.start(arguments(folder, more))
    wait(process, folder, lines: lines)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return try FaultyProcess.outcome(process, errors)
  }

  /// All but the state before the last, which a stop moves.
  private static func contents(_ folder: String) throws -> DirectoryContents {
    try DirectoryContents(folder + "/run", without: ["state-previous.safetensors"])
  }

  private static func whole(_ folder: String) throws -> DirectoryContents {
    let outcome = try CommandTests.run(arguments(folder))
    try #require(outcome.code == 0, "\(outcome.errors)")
    let contents = try contents(folder)
    try FileManager.default.removeItem(atPath: folder + "/run")
    return contents
  }

  @Test func signalsSaveAndTellHowToGoOn() throws {
    let folder = try Self.folder()
    let whole = try Self.whole(folder)
    for (place, signal) in [SIGINT, SIGTERM].enumerated() {
      let outcome = try Self.stopped(
        folder, by: signal, after: Self.lines(folder) + 37, place == 0 ? [] : ["--resume"])
      #expect(outcome.code == 75 && !outcome.wasKilled, "\(outcome.code): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("embgap train --out \(folder)/run --resume"), "\(outcome.errors)")
      // It stopped at the step that the line names, and saved there.
      let step = try #require(outcome.errors.firstMatch(of: /after step ([0-9]+) of 300/)?.1)
      let last = try TrainCommandTests.lines(folder + "/run/metrics.jsonl").last { $0["lr"] != nil }
      #expect(last?["step"] as? Int == Int(step))
      let state = try TensorFile(path: folder + "/run/state.safetensors")
      #expect(state.metadata(named: "step") == .string(String(step)))
    }
    // As the line says, without RUN.yaml.
    let resumed = try CommandTests.run(["train", "--out", folder + "/run", "--resume"])
    #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(resumed.errors)")
    #expect(try Self.contents(folder).differences(whole).isEmpty)
  }

  /// A second signal does not wait for the step, nor for the write that the run is in.
  @Test(arguments: [3, 5, 7]) func aSecondSignalEndsAtOnce(tenths: Int) throws {
    let folder = try Self.folder()
    let calls = try FaultyProcess.calls(Self.arguments(folder), root: folder).count
    let whole = try Self.contents(folder)
    try FileManager.default.removeItem(atPath: folder + "/run")
    let waiting = try CommandTests.scratch() + "/waiting"
    let (process, errors) = try FaultyProcess.start(
      Self.arguments(folder),
      faults: ["ROOT": folder, "WAIT": String(calls * tenths / 10), "WAITING": waiting])
    while process.isRunning, !FileManager.default.fileExists(atPath: waiting) { usleep(2_000) }
    let began = Date()
    kill(process.processIdentifier, SIGINT)
    usleep(200_000)
    #expect(process.isRunning, "the first signal waits for the step")
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(Date().timeIntervalSince(began) < 20)
    let outcome = try FaultyProcess.outcome(process, errors)
    #expect(outcome.code == 75 && !outcome.wasKilled, "\(outcome.code): \(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("interrupted by SIGTERM") && outcome.errors.contains("--resume"))
    let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
    #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(resumed.errors)")
    #expect(try Self.contents(folder).differences(whole).isEmpty)
  }

  @Test func anIgnoredSignalStaysIgnored() throws {
    let folder = try Self.folder()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let words = ([CommandTests.command] + Self.arguments(folder)).map { "'\($0)'" }.joined(separator: " ")
    process.arguments = ["-c", "trap '' INT; exec \(words) >/dev/null"]
    try process.run()
    Self.wait(process, folder, lines: 5)
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }

  @Test func twoProcessesDoNotShareADirectoryAndADeadOneKeepsNoLock() throws {
    let folder = try Self.folder()
    let (process, _) = try FaultyProcess.start(Self.arguments(folder))
    Self.wait(process, folder, lines: 3)
    for more in [[], ["--resume"]] {
      let second = try CommandTests.run(Self.arguments(folder, more))
      #expect(second.code == 73 && second.errors.contains("another process"), "\(second.errors)")
      #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
    #expect(resumed.code == 0, "\(resumed.errors)")
  }

  @Test func aDamagedStateIsToldAndTheOneBeforeIsTaken() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var random = SplitMix(state: seed)
    let folder = try Self.folder()
    let whole = try Self.whole(folder)
    for moment in 0..<6 {
      _ = try Self.stopped(folder, by: SIGKILL, after: 50)
      let file = folder + "/run/state.safetensors"
      var data = try Data(contentsOf: URL(filePath: file))
      let place = Int.random(in: 0..<data.count, using: &random)
      if moment == 0 { data = data.prefix(place) } else { data[place] ^= 1 << UInt8(moment) }
      try data.write(to: URL(filePath: file))
      let told = "seed \(seed), moment \(moment): byte \(place)"
      if moment % 2 == 1 {
        // Killed once more before the next state: the damaged one must not have taken the place of the good one.
        let good = FileManager.default.contents(atPath: folder + "/run/state-previous.safetensors")
        let before = Self.lines(folder)
        let (process, _) = try FaultyProcess.start(Self.arguments(folder, ["--resume"]))
        while process.isRunning, Self.lines(folder) >= before { usleep(200) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(FileManager.default.contents(atPath: file) == good, "\(told)")
        #expect(try CommandTests.run(Self.arguments(folder, ["--resume"])).code == 0, "\(told)")
        #expect(try Self.contents(folder).differences(whole).isEmpty, "\(told)")
        try FileManager.default.removeItem(atPath: folder + "/run")
        continue
      }
      let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
      #expect(resumed.code == 0 && resumed.errors.contains("damaged_state"), "\(told): \(resumed.errors)")
      let differences = try Self.contents(folder).differences(whole)
      #expect(differences.isEmpty, "\(told): \(differences)")
      try FileManager.default.removeItem(atPath: folder + "/run")
    }
    _ = try Self.stopped(folder, by: SIGKILL, after: 50)
    for name in ["state.safetensors", "state-previous.safetensors"] {
      try Data("no state".utf8).write(to: URL(filePath: folder + "/run/" + name))
    }
    let lost = try CommandTests.run(Self.arguments(folder, ["--resume"]))
    #expect(lost.code == 65 && lost.errors.contains("state.safetensors: damaged"), "\(lost.errors)")
    #expect(lost.errors.split(separator: "\n").count == 1, "\(lost.errors)")
  }

  @Test func anotherNumberOfThreadsIsRefused() throws {
    let folder = try Self.folder()
    _ = try Self.stopped(folder, by: SIGTERM, after: 5, ["--threads", "1"])
    let configuration = try String(contentsOfFile: folder + "/run/config.yaml", encoding: .utf8)
    let other = try CommandTests.run(Self.arguments(folder, ["--resume", "--threads", "2"]))
    #expect(try String(contentsOfFile: folder + "/run/config.yaml", encoding: .utf8) == configuration)
    #expect(other.code == 65 && other.errors.contains("--threads 1"), "\(other.errors)")
    let same = try CommandTests.run(Self.arguments(folder, ["--resume", "--threads", "1"]))
    #expect(same.code == 0, "\(same.errors)")
  }

  /// The limit is on every file, and the signal that it raises is the command's own to ignore.
  @Test func aFileThatMayNotGrowEndsInOneLine() throws {
    let folder = try Self.folder()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    let words = ([CommandTests.command] + Self.arguments(folder)).map { "'\($0)'" }.joined(separator: " ")
    process.arguments = ["-c", "ulimit -f 16; exec \(words) >/dev/null 2>'\(folder)/errors'"]
    try process.run()
    process.waitUntilExit()
    let errors = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
    #expect(process.terminationReason == .exit && process.terminationStatus == 73, "\(errors)")
    #expect(errors.split(separator: "\n").count == 1 && errors.contains("File too large"), "\(errors)")
    #expect(errors.contains("checkpoint"), "\(errors)")
    #expect(try CommandTests.run(Self.arguments(folder, ["--resume"])).code == 0)
  }

  @Test(arguments: [SIGINT, SIGTERM]) func aMeasurementThatIsStoppedLeavesNothing(signal: Int32) throws {
    let folder = try CommandTests.scratch()
    let (process, errors) = try FaultyProcess.start([
      "measure", CommandTests.demo, "--out", folder + "/a/b", "--bootstrap", "200000",
    ])
    func stages() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder + "/a/b")) ?? [] }
    while process.isRunning, stages().isEmpty { usleep(500) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    let outcome = try FaultyProcess.outcome(process, errors)
    #expect(outcome.code == 75 && !outcome.wasKilled, "\(outcome.code): \(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
