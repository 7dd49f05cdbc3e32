import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs that are killed at whatever moment, and gone on with: they end as the run that was never stopped.
@Suite struct KilledRunTests {
  /// Both stages, evaluations and many states in a second or two.
  private static func configuration() throws -> String {
    let folder = try InstructCommandTests.folder()
    let file = folder + "/RUN.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try text.replacing("steps: 5", with: "steps: 12").replacing("steps: 30", with: "steps: 6").replacing(
      "batch: 6\nmicro_batch: 6", with: "batch: 4\nmicro_batch: 4"
    ).write(toFile: file, atomically: true, encoding: .utf8)
    return folder
  }

  private static func arguments(_ folder: String, _ more: [String] = []) -> [String] {
    ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/run", "--quiet"] + more
  }

  /// What a run leaves, how many calls it makes on the way and which is the last write; the directory is taken away again.
  private static func whole(
    _ folder: String
  ) throws -> (contents: DirectoryContents, calls: (count: Int, lastWrite: Int)) {
    let calls = try FaultyProcess.calls(arguments(folder), root: folder + "/run")
    let contents = try DirectoryContents(folder + "/run")
    try FileManager.default.removeItem(atPath: folder + "/run")
    return (contents, calls)
  }

  @Test func killedAtRandomCallsARunEndsWithTheSameBytes() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var random = SplitMix(state: seed)
    let folder = try Self.configuration()
    let (whole, (calls, _)) = try Self.whole(folder)
    #expect(whole.files.count > 15 && calls > 100, "\(calls) calls, \(whole.files.keys)")
    for moment in 0..<24 {
      // One in each stretch of the run, so that no part of it is spared.
      let first = 1 + calls * moment / 24
      var faults = [
        "ROOT": folder + "/run", "KILL": "\(Int.random(in: first..<first + calls / 24, using: &random))",
        "WHEN": ["before", "half", "after"].randomElement(using: &random) ?? "before",
      ]
      if Bool.random(using: &random) { faults["POWER"] = "1" }
      let told = "seed \(seed), moment \(moment): \(faults)"
      let killed = try FaultyProcess.run(Self.arguments(folder), faults: faults)
      #expect(killed.wasKilled, "\(told): \(killed.code) \(killed.errors)")
      if moment % 3 == 0 {
        // And once more while it goes on.
        faults["KILL"] = "\(Int.random(in: 1...60, using: &random))"
        _ = try FaultyProcess.run(Self.arguments(folder, ["--resume"]), faults: faults)
      }
      let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
      #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(told): \(resumed.errors)")
      let differences = try DirectoryContents(folder + "/run").differences(whole)
      #expect(differences.isEmpty, "\(told): \(differences)")
      try FileManager.default.removeItem(atPath: folder + "/run")
    }
  }

  @Test func killedAtRandomTimesARunEndsWithTheSameBytes() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var random = SplitMix(state: seed)
    let folder = try Self.configuration()
    let clock = ContinuousClock()
    let started = clock.now
    let (whole, _) = try Self.whole(folder)
    let microseconds = Int(started.duration(to: clock.now) / .microseconds(1))
    for moment in 0..<6 {
      let pause = Int.random(in: 0..<microseconds, using: &random)
      let (process, _) = try FaultyProcess.start(Self.arguments(folder))
      usleep(UInt32(pause))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
      let told = "seed \(seed), moment \(moment): after \(pause) µs"
      #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(told): \(resumed.errors)")
      let differences = try DirectoryContents(folder + "/run").differences(whole)
      #expect(differences.isEmpty, "\(told): \(differences)")
      try FileManager.default.removeItem(atPath: folder + "/run")
    }
  }

  @Test func aDiskThatFillsAtRandomCallsCostsNoCheckpoint() throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var random = SplitMix(state: seed)
    let folder = try Self.configuration()
    // The last moment is the last write: behind it, a disk may be as full as it likes.
    let (whole, (_, last)) = try Self.whole(folder)
    for moment in 0..<8 {
      let first = 1 + last * moment / 8
      let call = moment == 7 ? last : Int.random(in: first..<first + last / 8, using: &random)
      let told = "seed \(seed), moment \(moment): full from call \(call)"
      let full = try FaultyProcess.run(
        Self.arguments(folder), faults: ["ROOT": folder + "/run", "FULL": "\(call)"])
      #expect(full.code == 73, "\(told): \(full.errors)")
      #expect(full.errors.split(separator: "\n").count == 1, "\(told): \(full.errors)")
      #expect(
        full.errors.localizedCaseInsensitiveContains("no space left on device"), "\(told): \(full.errors)")
      let resumed = try CommandTests.run(Self.arguments(folder, ["--resume"]))
      #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(told): \(resumed.errors)")
      let differences = try DirectoryContents(folder + "/run").differences(whole)
      #expect(differences.isEmpty, "\(told): \(differences)")
      try FileManager.default.removeItem(atPath: folder + "/run")
    }
  }
}

/// SplitMix64: the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
