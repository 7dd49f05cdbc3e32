import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Runs that are gone on with after something that they depend on was changed.
@Suite struct AlteredRunTests {
  /// A run that was stopped: it has states, and steps that are left.
  private static func stopped() throws -> String {
    let folder = try TrainCommandTests.folder(
      [
        "pairs: pairs.jsonl", "save: {every: 2}", "steps: 300", "batch: 4",
        "evaluation: {pairs: held-out.jsonl, every: 60}",
      ], without: ["pairs", "steps", "batch"])
    let source = TrainCommandTests.checkpoint + "/pairs.jsonl"
    let lines = try String(contentsOfFile: source, encoding: .utf8).replacingOccurrences(
      of: "\"images/", with: "\"\(TrainCommandTests.checkpoint)/images/")
    for name in ["pairs", "held-out"] {
      try lines.write(toFile: folder + "/\(name).jsonl", atomically: true, encoding: .utf8)
    }
    let (process, errors) = try FaultyProcess.start(arguments(folder))
    let state = folder + "/run/state-previous.safetensors"
    while process.isRunning, !FileManager.default.fileExists(atPath: state) { usleep(500) }
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    let outcome = try FaultyProcess.outcome(process, errors)
    try #require(outcome.code == 75, "\(outcome.errors)")
    return folder
  }

  private static func arguments(_ folder: String, _ configuration: String = "RUN.yaml") -> [String] {
    ["train", "--config", folder + "/" + configuration, "--out", folder + "/run", "--quiet"]
  }

  /// A change, and what the refusal says of it.
  struct Change: Sendable, CustomTestStringConvertible {
    let file: String
    let says: String
    let change: @Sendable (String) -> String
    var testDescription: String { file + ": " + says }
  }

  static let changes = [
    Change(file: "run/config.yaml", says: "other settings") {
      $0.replacingOccurrences(of: "steps: 300", with: "steps: 3")
    },
    Change(file: "run/config.yaml", says: "other settings") {
      $0.replacingOccurrences(of: "seed: 0", with: "seed: 7")
    },
    Change(file: "pairs.jsonl", says: "other data") {
      $0.split(separator: "\n").dropLast().joined(separator: "\n")
    },
    Change(file: "held-out.jsonl", says: "other data") {
      $0.split(separator: "\n").dropLast(2).joined(separator: "\n")
    },
  ]

  @Test(arguments: changes) func whatIsNotWhatWasBegunIsRefused(change: Change) throws {
    let folder = try Self.stopped()
    let path = folder + "/" + change.file
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = change.change(text)
    try #require(changed != text)
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    let resume = ["train", "--out", folder + "/run", "--resume", "--quiet"]
    let refused = try CommandTests.run(resume)
    #expect(refused.code == 65 && refused.errors.contains(change.says), "\(refused.errors)")
    #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
    // Nothing is lost by it.
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let resumed = try CommandTests.run(resume)
    #expect(resumed.code == 0, "\(resumed.errors)")
  }

  @Test func theSamePathWrittenOtherwiseIsTheSame() throws {
    let folder = try Self.stopped()
    let outcome = try CommandTests.run(Self.arguments(folder, "run/.././RUN.yaml") + ["--resume"])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test func aTrajectoryOfOtherPairsIsRefused() throws {
    let folder = try Self.stopped()
    let other = try TrainCommandTests.folder(
      ["evaluation: {pairs: few.jsonl, every: 60}"], without: [])
    let few = try String(contentsOfFile: folder + "/held-out.jsonl", encoding: .utf8).split(separator: "\n")
      .prefix(3)
    try few.joined(separator: "\n").write(toFile: other + "/few.jsonl", atomically: true, encoding: .utf8)
    let made = try TrainCommandTests.train(other, "run", ["--set", "steps=300"])
    try #require(made.code == 0, "\(made.errors)")
    let name = "/run/trajectories.safetensors"
    try FileManager.default.removeItem(atPath: folder + name)
    try FileManager.default.copyItem(atPath: other + name, toPath: folder + name)
    let outcome = try CommandTests.run(["train", "--out", folder + "/run", "--resume", "--quiet"])
    #expect(outcome.code == 65 && outcome.errors.contains("trajectories.safetensors"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }
}
