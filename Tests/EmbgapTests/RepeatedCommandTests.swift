import Foundation
import Testing

/// The same command, seed and threads: the same bytes, but for what a clock says.
@Suite struct RepeatedCommandTests {
  /// Files of a directory that a command makes, run twice at the same place.
  private static func expectRepeats(
    _ arguments: (_ out: String) -> [String], atLeast count: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let out = try CommandTests.scratch() + "/made"
    var made: [DirectoryContents] = []
    for _ in 0..<2 {
      let outcome = try CommandTests.run(arguments(out))
      try #require(outcome.code == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
      // Runs that a comparison keeps hold the seconds that they took.
      let kept = try FileManager.default.subpathsOfDirectory(atPath: out).filter { $0.hasPrefix("runs/") }
      made.append(try DirectoryContents(out, without: Set(kept)))
      try FileManager.default.removeItem(atPath: out)
    }
    #expect(made[0].files.count >= count, sourceLocation: sourceLocation)
    #expect(made[0].differences(made[1]).isEmpty, sourceLocation: sourceLocation)
  }

  @Test func measure() throws {
    try Self.expectRepeats({ ["measure", CommandTests.demo, "--threads", "2", "--out", $0] }, atLeast: 10)
  }

  @Test func measureOfACheckpoint() throws {
    let checkpoint = TrainCommandTests.checkpoint
    try Self.expectRepeats(
      {
        [
          "measure", "--checkpoint", checkpoint, "--pairs", checkpoint + "/pairs.jsonl", "--readout", "layers",
          "--threads", "2", "--out", $0,
        ]
      }, atLeast: 6)
  }

  @Test func train() throws {
    let folder = try InstructCommandTests.folder()
    try Self.expectRepeats(
      { ["train", "--config", folder + "/RUN.yaml", "--threads", "2", "--out", $0] }, atLeast: 15)
  }

  @Test(.enabled(if: CommandTests.isOptimized)) func compare() throws {
    try Self.expectRepeats(
      {
        ["compare", "--out", $0, "--threads", "2", "--seeds", "1", "--arms", "ntp,joint"]
          + CompareCommandTests.small
      },
      atLeast: 1000)
  }

  @Test(arguments: ["svg", "png"]) func figures(format: String) throws {
    let report = try CommandTests.scratch() + "/report"
    try #require(try CommandTests.run(["measure", CommandTests.demo, "--out", report]).code == 0)
    try Self.expectRepeats({ ["plot", report, "--format", format, "--out", $0] }, atLeast: 5)
  }
}
