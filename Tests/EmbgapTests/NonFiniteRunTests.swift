import EmbeddingGap
import Foundation
import Testing

/// Runs whose numbers go wrong, and runs that do not fit the machine.
@Suite struct NonFiniteRunTests {
  /// A run on features that are stored, of which one image's may be spoilt.
  private static func folder(spoilt: Float?, _ more: [String] = []) throws -> String {
    let folder = try TrainCommandTests.folder(
      [
        "features: features.safetensors", "save: {every: 1}", "steps: 6", "batch: 2",
        "contrastive: {readout: input}",
      ]
        + more, without: ["steps", "batch"])
    let stored = try TensorFile(path: TrainCommandTests.checkpoint + "/expected.safetensors").tensor(
      named: "features")
    var numbers: [Float] = try stored.elements()
    if let spoilt { numbers[numbers.count / 6 * 4 + 1] = spoilt }
    var writer = SafetensorsWriter()
    writer.add("features", shape: stored.shape, numbers)
    try writer.data.write(to: URL(filePath: folder + "/features.safetensors"))
    return folder
  }

  @Test(arguments: [Float.nan, .infinity])
  func aStepThatIsNotFiniteStopsTheRunAndNamesTheLastGoodCheckpoint(spoilt: Float) throws {
    let folder = try Self.folder(spoilt: spoilt, ["seed: 1"])
    let outcome = try TrainCommandTests.train(folder, "run")
    #expect(outcome.code == 65, "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    let match = try #require(
      outcome.errors.firstMatch(
        of: /step ([0-9]+): (ntp_loss|contrastive_loss|grad_norm) is not a finite number/),
      "\(outcome.errors)")
    let step = try #require(Int(match.1))
    let done = try TrainCommandTests.lines(folder + "/run/metrics.jsonl").filter { $0["lr"] != nil }
    #expect(done.count == step - 1)
    if step > 1 {
      #expect(
        outcome.errors.contains(
          "last good checkpoint is that of step \(step - 1), \(folder)/run/state.safetensors"))
      let state = try TensorFile(path: folder + "/run/state.safetensors")
      for tensor in state.tensors {
        let numbers: [Float] = try tensor.elements()
        #expect(numbers.allSatisfy { $0.isFinite }, "\(tensor.name)")
      }
    } else {
      #expect(outcome.errors.contains("no checkpoint"), "\(outcome.errors)")
    }
  }

  @Test func skippedStepsChangeNothingAndAreCounted() throws {
    let folder = try Self.folder(spoilt: .nan, ["on_nonfinite: skip"])
    let outcome = try TrainCommandTests.train(folder, "run")
    // The report is on the training pairs, one of which is spoilt: without it there is nothing to report on.
    let steps = try TrainCommandTests.lines(folder + "/run/metrics.jsonl").filter { $0["lr"] != nil }
    let skipped = steps.filter { $0["skipped"] as? Bool == true }
    // Each epoch of three steps meets the spoilt image once.
    #expect(steps.count == 6 && skipped.map { $0["skipped_steps"] as? Int } == [1, 2], "\(outcome.errors)")
    let state = try TensorFile(path: folder + "/run/state.safetensors")
    #expect(state.metadata(named: "step") == .string("6") && state.metadata(named: "updates") == .string("4"))
  }

  @Test func aComparisonCountsSkippedSteps() throws {
    let folder = try Self.folder(
      spoilt: .nan,
      [
        "on_nonfinite: skip",
        "evaluation: {pairs: \(TrainCommandTests.checkpoint)/pairs.jsonl, every: 3, captions: 0}",
      ])
    let outcome = try CommandTests.run([
      "compare", "--config", folder + "/RUN.yaml", "--seeds", "1", "--out", folder + "/comparison", "--quiet",
    ])
    #expect(outcome.code == 0 && outcome.errors.contains("skipped_steps: 4 steps"), "\(outcome.errors)")
    let data = try Data(contentsOf: URL(filePath: folder + "/comparison/compare.json"))
    let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let runs = try #require(root?["runs"] as? [[String: Any]])
    #expect(runs.map { $0["skipped_steps"] as? Int } == [2, 2])
    // A run is not made where a comparison is, nor the other way round.
    #expect(try TrainCommandTests.train(folder, "comparison").code == 73)
  }

  @Test func skippedStepsAreInTheReport() throws {
    let folder = try Self.folder(
      spoilt: .nan,
      ["on_nonfinite: skip", "evaluation: {pairs: \(TrainCommandTests.checkpoint)/pairs.jsonl, every: 3}"])
    let outcome = try TrainCommandTests.train(folder, "run")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let report = try String(contentsOfFile: folder + "/run/report.json", encoding: .utf8)
    #expect(report.contains("skipped_steps") && report.contains("2 of 6 steps"), "\(report)")
    #expect(outcome.output.contains("skipped_steps"))
  }

  @Test func anUpdateThatOverflowsStopsEvenWhereStepsAreSkipped() throws {
    let folder = try Self.folder(spoilt: nil, ["on_nonfinite: skip", "optimizer: {lr: 1.0e+38, clip: 0}"])
    let outcome = try TrainCommandTests.train(
      folder, "run", ["--set", "steps=40", "--set", "weights.ntp=1.0e+30"])
    #expect(outcome.code == 65 && outcome.errors.contains("after the update"), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  @Test func aDiskThatIsTooSmallIsToldBeforeTheRun() throws {
    let folder = try Self.folder(spoilt: nil)
    let arguments = ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/run"]
    let outcome = try FaultyProcess.run(arguments, faults: ["FREE": "1000"])
    #expect(outcome.code == 73 && outcome.errors.contains("bytes of disk"), "\(outcome.errors)")
    #expect(outcome.errors.contains("1000 are there") && outcome.errors.split(separator: "\n").count == 1)
    #expect(!FileManager.default.fileExists(atPath: folder + "/run/metrics.jsonl"))
    let all = try FaultyProcess.run(arguments + ["--ignore-limits"], faults: ["FREE": "1000"])
    #expect(all.code == 0, "\(all.errors)")
  }

  @Test func aRunThatNeedsMoreMemoryThanThereIsIsRefused() throws {
    let folder = try Self.folder(spoilt: nil)
    let meminfo = folder + "/meminfo"
    try "MemTotal: 200 kB\nMemAvailable: 100 kB\n".write(toFile: meminfo, atomically: true, encoding: .utf8)
    let arguments = ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/run"]
    let outcome = try FaultyProcess.run(arguments, faults: ["MEMINFO": meminfo])
    #expect(outcome.code == 65 && outcome.errors.contains("bytes of memory"), "\(outcome.errors)")
    #expect(outcome.errors.contains("102400 that are there") && outcome.errors.contains("micro_batch"))
    #expect(outcome.errors.contains("(decoder ") && outcome.errors.contains("activations of a micro_batch"))
    // Vectors of readout input need no decoder: nothing of it is counted.
    try "MemAvailable: 1 kB\n".write(toFile: folder + "/less", atomically: true, encoding: .utf8)
    let without = try FaultyProcess.run(
      arguments + ["--objective", "contrastive"], faults: ["MEMINFO": folder + "/less"])
    #expect(without.code == 65 && without.errors.contains("text vectors"), "\(without.errors)")
    #expect(!without.errors.contains("decoder") && !without.errors.contains("activations"), "\(without.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    let all = try FaultyProcess.run(arguments + ["--ignore-limits"], faults: ["MEMINFO": meminfo])
    #expect(all.code == 0, "\(all.errors)")
  }
}
