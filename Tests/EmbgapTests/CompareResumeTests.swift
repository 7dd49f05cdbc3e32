import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Comparisons that are stopped or killed, and gone on with.
@Suite struct CompareResumeTests {
  private static func arguments(_ out: String, _ more: [String] = []) -> [String] {
    ["compare", "--out", out] + CompareCommandTests.small + ["--seeds", "2", "--set", "save.every=2"] + more
  }

  /// Everything but the pictures that the experiment draws, and the runs that are kept on the way.
  private static func contents(_ out: String) throws -> DirectoryContents {
    let scenes = try FileManager.default.subpathsOfDirectory(atPath: out).filter {
      $0.hasPrefix("scenes/") || $0.hasPrefix("runs/")
    }
    return try DirectoryContents(out, without: Set(scenes))
  }

  /// Takes away all but the scenes.
  private static func clear(_ out: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: out) where name != "scenes" {
      try FileManager.default.removeItem(atPath: out + "/" + name)
    }
  }

  @Test(.enabled(if: CommandTests.isOptimized))
  func aComparisonThatWasKilledOrStoppedEndsWithTheSameBytes() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var random = SplitMix(state: seed)
    let out = try CommandTests.scratch() + "/comparison"
    let calls = try FaultyProcess.calls(Self.arguments(out), root: out + "/runs").count
    let whole = try Self.contents(out)
    #expect(whole.files["compare.json"] != nil && calls > 50, "\(calls) calls")
    for moment in 0..<3 {
      try Self.clear(out)
      let call = Int.random(in: 1 + calls * moment / 3..<calls * (moment + 1) / 3, using: &random)
      let told = "seed \(seed), moment \(moment): call \(call)"
      let killed = try FaultyProcess.run(
        Self.arguments(out), faults: ["ROOT": out + "/runs", "KILL": "\(call)", "WHEN": "half", "POWER": "1"])
      #expect(killed.wasKilled, "\(told): \(killed.errors)")
      let resumed = try CommandTests.run(Self.arguments(out, ["--resume"]))
      #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(told): \(resumed.errors)")
      let differences = try Self.contents(out).differences(whole)
      #expect(differences.isEmpty, "\(told): \(differences)")
    }
    // A comparison that came to its end is done again without asking, and gone on with in no time.
    let again = try CommandTests.run(Self.arguments(out, ["--resume"]))
    #expect(again.code == 0)
    #expect(try Self.contents(out).differences(whole).isEmpty)

    // Nothing is trained anew for a directory that was moved, or for states that are saved at other steps.
    func runs(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder + "/runs").sorted()
    }
    let names = try runs(out)
    let moved = out + "-moved"
    try FileManager.default.moveItem(atPath: out, toPath: moved)
    let elsewhere = try CommandTests.run(
      Self.arguments(moved + "/../comparison-moved", ["--resume", "--set", "save.every=3"]))
    #expect(elsewhere.code == 0 && elsewhere.errors.isEmpty, "\(elsewhere.errors)")
    #expect(try runs(moved) == names)
    // Another experiment is begun only when it can be: until then what is there stays, and what is not ours in any case.
    try Data().write(to: URL(filePath: moved + "/runs/llama.safetensors"))
    let mistyped = try CommandTests.run(["compare", "--config", "nowhere.yaml", "--out", moved])
    #expect(mistyped.code == 66, "\(mistyped.errors)")
    #expect(try runs(moved) == (names + ["llama.safetensors"]).sorted())
    let train = try CommandTests.run(
      ["train", "--config", try TrainCommandTests.folder() + "/RUN.yaml", "--out", moved])
    #expect(train.code == 73 && train.errors.contains("comparison"), "\(train.errors)")
    try FileManager.default.moveItem(atPath: moved, toPath: out)
    // As a process leaves it that is stopped between questions and pairs.
    for name in try FileManager.default.contentsOfDirectory(atPath: out + "/scenes")
    where name.hasPrefix("held-out") {
      try FileManager.default.removeItem(atPath: out + "/scenes/" + name + "/pairs.jsonl")
    }
    let drawn = try CommandTests.run(Self.arguments(out, ["--resume"]))
    #expect(drawn.code == 0 && drawn.errors.isEmpty, "\(drawn.errors)")
    #expect(try Self.contents(out).differences(whole).isEmpty)

    try Self.clear(out)
    for resumes in [false, true] {
      let (process, errors) = try FaultyProcess.start(Self.arguments(out, resumes ? ["--resume"] : []))
      func kept() -> Int { ((try? FileManager.default.contentsOfDirectory(atPath: out + "/runs")) ?? []).count }
      let before = kept()
      while process.isRunning, kept() < before + 2 { usleep(500) }
      kill(process.processIdentifier, SIGTERM)
      process.waitUntilExit()
      let stopped = try FaultyProcess.outcome(process, errors)
      #expect(stopped.code == 75 && !stopped.wasKilled, "\(stopped.code) \(stopped.errors)")
      #expect(stopped.errors.contains("--resume") && stopped.errors.split(separator: "\n").count == 1)
      let refused = try CommandTests.run(Self.arguments(out))
      #expect(refused.code == 73 && refused.errors.contains("--resume"), "\(refused.errors)")
    }
    let resumed = try CommandTests.run(Self.arguments(out, ["--resume"]))
    #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(resumed.errors)")
    #expect(try Self.contents(out).differences(whole).isEmpty)
  }
}
