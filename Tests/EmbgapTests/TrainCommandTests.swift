import EmbeddingGap
import Foundation
import Testing

/// `embgap train` as a user runs it.
@Suite struct TrainCommandTests {
  static let checkpoint = CommandTests.repository + "/Fixtures/checkpoints/llava-clip-llama"

  /// A directory with RUN.yaml.
  static func folder(_ more: [String] = [], without: [String] = []) throws -> String {
    let folder = try CommandTests.scratch()
    let lines = [
      "checkpoint: \(checkpoint)", "pairs: \(checkpoint)/pairs.jsonl", "projector: {init: checkpoint}",
      "schedule: {kind: constant}", "steps: 5", "batch: 6", "micro_batch: 6",
    ].filter { line in !without.contains { line.hasPrefix($0 + ":") } }
    try (lines + more).joined(separator: "\n").write(
      toFile: folder + "/RUN.yaml", atomically: true, encoding: .utf8)
    return folder
  }

  static func train(_ folder: String, _ out: String, _ more: [String] = []) throws -> CommandTests.Outcome {
    try CommandTests.run(["train", "--config", folder + "/RUN.yaml", "--out", folder + "/" + out] + more)
  }

  static func lines(_ file: String) throws -> [[String: Any]] {
    try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// metrics.jsonl without what a clock says.
  static func comparable(_ file: String) throws -> [String] {
    try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { line in
      line.components(separatedBy: ", \"seconds\"")[0]
    }
  }

  /// The losses of the reference, by the keys of RUN.yaml alone.
  @Test(arguments: [
    ("ntp", ["objective: ntp"]), ("joint-input", ["contrastive: {readout: input}"]),
    ("joint-layer-2", ["contrastive: {readout: \"layer:2\"}", "objective: joint"]),
    (
      "joint-last",
      ["contrastive: {readout: last, image_prompt: \"in one word:\", text_prompt: \"in one word:\"}"]
    ),
    ("siglip", ["contrastive: {readout: input, loss: siglip, temperature: 0.1}"]),
  ])
  func lossesAgreeWithPyTorch(name: String, keys: [String]) throws {
    let path = CommandTests.repository + "/Fixtures/training/ladder.json"
    let all = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any]
    let runs = try #require(all?["llava-clip-llama"] as? [[String: Any]])
    let expected = try #require(runs.first { ($0["run"] as? [String: Any])?["name"] as? String == name })
    let folder = try Self.folder(keys + ["optimizer: {lr: 1.0e-3, clip: 0}"])
    let outcome = try Self.train(folder, "run")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let steps = try Self.lines(folder + "/run/metrics.jsonl")
    #expect(steps.map { $0["step"] as? Int } == [1, 2, 3, 4, 5])
    for key in ["ntp_loss", "contrastive_loss"] {
      let wanted = expected[key] as? [Double]
      let found = steps.compactMap { $0[key] as? Double }
      #expect(found.count == wanted?.count ?? 0)
      for (a, b) in zip(found, wanted ?? []) { #expect(abs(a - b) < 1e-4, "\(key): \(a), \(b)") }
    }
    for step in steps {
      #expect(step["lr"] as? Double == 1e-3 && step["grad_norm"] is Double && step["seconds"] is Double)
    }
  }

  @Test func aRunDirectoryHoldsAllThatIsPromisedAndMeasures() throws {
    let folder = try Self.folder(["evaluation: {pairs: \(Self.checkpoint)/pairs.jsonl, every: 2}"])
    #expect(try Self.train(folder, "run").code == 0)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/run")
    for name in [
      "config.yaml", "metrics.jsonl", "projector.safetensors", "state.safetensors", "report.json",
      "report.html", "events.out.tfevents.0000000000.embgap",
      "pca.png",
    ] { #expect(files.contains(name), "\(name)") }
    // The page has the held-out pairs at each evaluation, after all of them at the end.
    let page = try CommandTests.pageData(folder + "/run/report.html")
    let views = try #require((page["scatter"] as? [String: Any])?["views"] as? [[String: Any]])
    let steps = views.map { view in
      ((view["frames"] as? [[String: Any]]) ?? []).map { $0["step"] as? Int }
    }
    #expect(steps == [[nil], [0, 2, 4, 5], [0, 2, 4, 5]])
    #expect(((page["thumbnails"] as? [String: Any])?["pictures"] as? [String])?.isEmpty == false)
    let evaluations = try Self.lines(folder + "/run/metrics.jsonl").filter { $0["evaluation"] != nil }
    #expect(evaluations.map { $0["step"] as? Int } == [0, 2, 4, 5])
    // The held-out pairs are the training pairs, all in one batch: what is evaluated before a step is its loss.
    let records = try Self.lines(folder + "/run/metrics.jsonl").filter { $0["grad_norm"] != nil }
    for (evaluation, step) in [(0, 0), (1, 2), (2, 4)] {
      let held = try #require((evaluations[evaluation]["evaluation"] as? [String: Double])?["ntp_loss"])
      let own = try #require(records[step]["ntp_loss"] as? Double)
      #expect(abs(held - own) < 1e-6 * own)
    }
    let metrics = try #require(evaluations.last?["metrics"] as? [String: [String: Any]])
    #expect(Set(metrics.keys) == ["input", "layer:2"])
    // What measure makes of the trained projector is what the run says of it.
    let outcome = try CommandTests.run([
      "measure", "--checkpoint", Self.checkpoint, "--projector", folder + "/run/projector.safetensors",
      "--pairs",
      Self.checkpoint + "/pairs.jsonl", "--readout", "layer:2", "--json", "--bootstrap", "0",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let measured = try #require((report["metrics"] as? [String: Any])?["centroid_distance"] as? Double)
    let own = try #require(metrics["layer:2"]?["centroid_distance"] as? Double)
    #expect(abs(measured - own) < 1e-6)
  }

  @Test func theSameSeedGivesTheSameBytesAndArmsTheSameStart() throws {
    let keys = ["projector: {kind: mlp2x_gelu}", "seed: 3"]
    let folder = try Self.folder(keys, without: ["projector", "batch", "micro_batch"])
    let more = ["--set", "batch=2", "--set", "micro_batch=2"]
    for name in ["a", "b"] { #expect(try Self.train(folder, name, more).code == 0) }
    #expect(try Self.comparable(folder + "/a/metrics.jsonl") == Self.comparable(folder + "/b/metrics.jsonl"))
    #expect(
      FileManager.default.contentsEqual(
        atPath: folder + "/a/projector.safetensors", andPath: folder + "/b/projector.safetensors"))
    // The first step's next-token loss is that of the same projector on the same batch, whatever the objective.
    #expect(try Self.train(folder, "ntp", more + ["--objective", "ntp"]).code == 0)
    let first = try ["a", "ntp"].map {
      try Self.lines(folder + "/\($0)/metrics.jsonl")[0]["ntp_loss"] as? Double
    }
    #expect(first[0] == first[1] && first[0] != nil)
    #expect(try Self.train(folder, "other", more + ["--set", "seed=4"]).code == 0)
    #expect(
      try Self.comparable(folder + "/a/metrics.jsonl") != Self.comparable(folder + "/other/metrics.jsonl"))
  }

  /// Killed at whatever moment, and gone on with: the run that was never stopped.
  @Test func resumingEqualsNeverHavingStopped() throws {
    let folder = try Self.folder([
      "save: {every: 20}", "contrastive: {readout: \"layer:1\"}",
      "evaluation: {pairs: \(Self.checkpoint)/pairs.jsonl, every: 30}",
    ])
    let more = [
      "--set", "steps=400", "--set", "batch=4", "--set", "schedule={kind: cosine, warmup_ratio: 0.1}",
    ]
    #expect(try Self.train(folder, "whole", more).code == 0)
    for stop in [5, 70] {
      let out = "stopped-\(stop)"
      let process = Process()
      process.executableURL = URL(filePath: CommandTests.command)
      process.arguments = ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/" + out] + more
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      func done() -> Int { (try? Self.comparable(folder + "/\(out)/metrics.jsonl").count) ?? 0 }
      while process.isRunning && done() < stop { usleep(200) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal && done() < 400)
      #expect(try Self.train(folder, out, more + ["--resume"]).code == 0)
      #expect(
        try Self.comparable(folder + "/whole/metrics.jsonl")
          == Self.comparable(folder + "/\(out)/metrics.jsonl"))
      #expect(
        FileManager.default.contentsEqual(
          atPath: folder + "/whole/projector.safetensors", andPath: folder + "/\(out)/projector.safetensors"))
    }
    let other = try Self.train(folder, "whole", more + ["--resume", "--set", "seed=1"])
    #expect(other.code == 65 && other.errors.contains("seed: 0") && other.errors.contains("seed: 1"))
    let again = try Self.train(folder, "whole", more)
    #expect(again.code == 73 && again.errors.contains("--resume"))
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let lines: [String]
    let code: Int32
    let words: [String]
    var without: [String] = []
    var testDescription: String { lines.joined(separator: "; ") + without.joined(separator: " ") }
  }

  static let faults = [
    Fault(lines: ["optimzer: {lr: 1}"], code: 65, words: ["line 8", "optimzer", "optimizer"]),
    Fault(lines: ["optimizer: {lr: fast}"], code: 65, words: ["line 8", "optimizer.lr", "fast"]),
    Fault(lines: ["optimizer: {lr: -1}"], code: 65, words: ["optimizer.lr", "-1"]),
    Fault(lines: ["optimizer: {betas: [0.9]}"], code: 65, words: ["optimizer.betas"]),
    Fault(
      lines: ["contrastive: {readout: middle}"], code: 65, words: ["contrastive.readout", "middle", "layer:K"]),
    Fault(lines: ["contrastive: {readout: \"layer:9\"}"], code: 65, words: ["layer:9", "layer:3"]),
    Fault(lines: ["contrastive: {temprature: 1}"], code: 65, words: ["contrastive.temprature", "temperature"]),
    Fault(lines: ["contrastive: {batch: 7}"], code: 65, words: ["contrastive.batch", "multiple"]),
    Fault(lines: ["objective: both"], code: 65, words: ["objective", "both", "joint"]),
    Fault(lines: ["epochs: 1"], code: 65, words: ["steps"]),
    Fault(lines: ["batch: 5"], code: 65, words: ["RUN.yaml", "YAML"]),
    Fault(lines: ["template: [1, 2]"], code: 65, words: ["template"]),
    Fault(lines: ["a: [1, 2"], code: 65, words: ["RUN.yaml", "YAML"]),
    Fault(lines: [], code: 65, words: ["pairs"], without: ["pairs"]),
    Fault(lines: [], code: 65, words: ["checkpoint"], without: ["checkpoint"]),
    Fault(lines: ["batch: 7"], code: 65, words: ["7", "6", "batch"], without: ["batch"]),
    Fault(lines: ["pairs: nowhere.jsonl"], code: 66, words: ["nowhere.jsonl"], without: ["pairs"]),
    Fault(lines: ["checkpoint: nowhere"], code: 66, words: ["nowhere"], without: ["checkpoint"]),
    Fault(lines: ["pairs: empty.jsonl"], code: 65, words: ["empty.jsonl", "line 2"], without: ["pairs"]),
    Fault(lines: ["pairs: missing.jsonl"], code: 66, words: ["missing.jsonl", "gone.png"], without: ["pairs"]),
    Fault(
      lines: ["checkpoint: \(CommandTests.repository)/Fixtures/checkpoints/llama"], code: 65,
      words: ["projector"],
      without: ["checkpoint"]),
    Fault(lines: ["instruct: {steps: 3}"], code: 65, words: ["instruct.questions"]),
    Fault(lines: ["instruct: {questions: nowhere.jsonl}"], code: 66, words: ["nowhere.jsonl"]),
    Fault(lines: ["instruct: {questions: RUN.yaml}"], code: 65, words: ["RUN.yaml", "question"]),
    Fault(
      lines: ["instruct: {questions: q.jsonl, lora_rank: 0}"], code: 65, words: ["instruct.lora_rank", "0"]),
    Fault(lines: ["template: {question: \"Q:\"}"], code: 65, words: ["template.question", "{question}"]),
    Fault(lines: ["optimizer: {lr: 1.0e+38}"], code: 65, words: ["step", "not a finite number"]),
  ]

  @Test(arguments: faults) func faultsAreOneClearLine(fault: Fault) throws {
    let folder = try Self.folder(fault.lines, without: fault.without)
    let image = Self.checkpoint + "/images/0.png"
    let good = "{\"image\": \"\(image)\", \"caption\": \"a ring\"}\n"
    try (good + "{\"image\": \"\(image)\", \"caption\": \" \"}\n").write(
      toFile: folder + "/empty.jsonl", atomically: true, encoding: .utf8)
    try (good + "{\"image\": \"gone.png\", \"caption\": \"a ring\"}\n").write(
      toFile: folder + "/missing.jsonl", atomically: true, encoding: .utf8)
    let outcome = try Self.train(folder, "run")
    #expect(outcome.code == fault.code, "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.output.isEmpty, "\(outcome.errors)")
    for word in fault.words { #expect(outcome.errors.contains(word), "\(word): \(outcome.errors)") }
  }
}
