import EmbeddingGap
import Foundation
import Testing

/// The second stage of `embgap train`, and `embgap export`, as a user runs them.
@Suite struct InstructCommandTests {
  /// A run with questions about the checkpoint's own images.
  static func folder() throws -> String {
    let folder = try TrainCommandTests.folder([
      "instruct: {questions: lessons.jsonl, steps: 30, batch: 4, lora_rank: 2, lora_alpha: 4}",
      "evaluation: {pairs: \(TrainCommandTests.checkpoint)/pairs.jsonl, questions: asked.jsonl, every: 3, attributes: [a, red]}",
      "save: {every: 2}",
    ])
    var (lessons, asked) = ("", "")
    for i in 0..<6 {
      let image = "\(TrainCommandTests.checkpoint)/images/\(i % 3).png"
      lessons += "{\"image\": \"\(image)\", \"question\": \"what is it?\", \"answer\": \"a ring\"}\n"
      asked +=
        "{\"image\": \"\(image)\", \"question\": \"what is it?\", \"answer\": \"a ring\", \"kind\": \"thing\","
        + " \"choices\": [\"a ring\", \"two boats\"]}\n"
    }
    try lessons.write(toFile: folder + "/lessons.jsonl", atomically: true, encoding: .utf8)
    try asked.write(toFile: folder + "/asked.jsonl", atomically: true, encoding: .utf8)
    return folder
  }

  @Test func tooFewQuestionsAreToldBeforeTheFirstStage() throws {
    let folder = try Self.folder()
    let outcome = try TrainCommandTests.train(folder, "run", ["--set", "instruct.batch=7"])
    #expect(outcome.code == 65 && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("7 questions") && outcome.errors.contains("instruct.batch=6"), "\(outcome.errors)"
    )
    #expect(!FileManager.default.fileExists(atPath: folder + "/run/state.safetensors"))
  }

  @Test func bothStagesAreLearntEvaluatedAndSaved() throws {
    let folder = try Self.folder()
    let outcome = try TrainCommandTests.train(folder, "run", ["--set", "instruct.lr=0.02"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = try TrainCommandTests.lines(folder + "/run/metrics.jsonl")
    let steps = lines.filter { $0["ntp_loss"] != nil }
    #expect(steps.filter { $0["stage"] == nil }.map { $0["step"] as? Int } == [1, 2, 3, 4, 5])
    let lessons = steps.filter { $0["stage"] as? String == "instruct" }
    #expect(lessons.map { $0["step"] as? Int } == Array(1...30))
    // One answer to one question is soon known by heart.
    let first = try #require(lessons.first?["ntp_loss"] as? Double)
    let last = try #require(lessons.last?["ntp_loss"] as? Double)
    #expect(last < 0.5 * first)
    for stage in ["aligned", "instructed"] {
      let line = try #require(lines.first { $0["stage"] as? String == stage })
      let evaluation = try #require(line["evaluation"] as? [String: Double])
      let keys = [
        "questions", "questions_thing", "choices", "choices_thing", "caption_exact_match", "attribute_f1",
      ]
      for key in keys { #expect((0...1).contains(evaluation[key] ?? -1), "\(key)") }
      #expect(abs(exp(evaluation["ntp_loss"] ?? 0) - (evaluation["perplexity"] ?? 0)) < 1e-6)
      if stage == "instructed" { #expect(evaluation["questions"] == 1 && evaluation["choices"] == 1) }
    }
    let adapter = try TensorFile(path: folder + "/run/adapter/adapter_model.safetensors")
    let layer = "base_model.model.model.language_model.layers.0.self_attn.q_proj."
    #expect(adapter.tensors.contains { $0.name == layer + "lora_A.weight" && $0.shape[0] == 2 })
    #expect(adapter.tensors.contains { $0.name == layer + "lora_B.weight" && $0.shape[1] == 2 })
    let settings = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(filePath: folder + "/run/adapter/adapter_config.json"))) as? [String: Any])
    #expect(settings["r"] as? Int == 2 && settings["lora_alpha"] as? Int == 4)
    #expect(settings["peft_type"] as? String == "LORA")
    for name in ["projector-aligned.safetensors", "curve.png", "questions.png", "pca.png"] {
      #expect(FileManager.default.fileExists(atPath: folder + "/run/" + name), "\(name)")
    }
  }

  @Test func aProjectorRateOfZeroLeavesTheAlignedProjector() throws {
    let folder = try Self.folder()
    func run(_ name: String, _ rate: String) throws -> (aligned: [Float], final: [Float]) {
      #expect(try TrainCommandTests.train(folder, name, ["--set", "instruct.projector_lr=\(rate)"]).code == 0)
      func values(_ file: String) throws -> [Float] {
        let file = try TensorFile(path: folder + "/" + name + "/" + file)
        return try file.tensors.sorted { $0.name < $1.name }.flatMap { try $0.elements() as [Float] }
      }
      return (try values("projector-aligned.safetensors"), try values("projector.safetensors"))
    }
    let still = try run("still", "0")
    #expect(still.aligned == still.final)
    let moved = try run("moved", "0.01")
    #expect(moved.aligned == still.aligned && moved.final != moved.aligned)
  }

  /// Killed within either stage, and gone on with: the run that was never stopped.
  @Test func resumingEitherStageEqualsNeverHavingStopped() throws {
    let folder = try Self.folder()
    let more = ["--set", "steps=60", "--set", "instruct.steps=60", "--set", "evaluation.every=25"]
    #expect(try TrainCommandTests.train(folder, "whole", more).code == 0)
    let files = ["projector.safetensors", "adapter/adapter_model.safetensors"]
    for stop in [20, 80] {
      let out = "stopped-\(stop)"
      let process = Process()
      process.executableURL = URL(filePath: CommandTests.command)
      process.arguments = ["train", "--config", folder + "/RUN.yaml", "--out", folder + "/" + out] + more
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      func done() -> Int { (try? TrainCommandTests.comparable(folder + "/\(out)/metrics.jsonl").count) ?? 0 }
      while process.isRunning && done() < stop { usleep(200) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal && done() >= stop)
      #expect(try TrainCommandTests.train(folder, out, more + ["--resume"]).code == 0)
      #expect(
        try TrainCommandTests.comparable(folder + "/whole/metrics.jsonl")
          == TrainCommandTests.comparable(folder + "/\(out)/metrics.jsonl"))
      for file in files {
        #expect(
          FileManager.default.contentsEqual(
            atPath: folder + "/whole/" + file, andPath: folder + "/\(out)/" + file), "\(stop): \(file)")
      }
    }
  }

  @Test func exportsHoldTheSameNumbersUnderOtherNames() throws {
    let folder = try TrainCommandTests.folder(["objective: ntp"])
    #expect(try TrainCommandTests.train(folder, "run").code == 0)
    for (format, file) in [("llava", "mm_projector.bin"), ("hf", "projector.safetensors")] {
      let outcome = try CommandTests.run([
        "export", "--checkpoint-or-run", folder + "/run", "--format", format, "--out", folder + "/" + file,
      ])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let own = try TensorFile(path: folder + "/run/projector.safetensors")
    let llava = try TensorFile(path: folder + "/mm_projector.bin")
    let names = [
      "model.mm_projector.0.weight", "model.mm_projector.0.bias", "model.mm_projector.2.weight",
      "model.mm_projector.2.bias",
    ]
    #expect(llava.tensors.map(\.name) == names)
    let hf = try TensorFile(path: folder + "/projector.safetensors")
    #expect(
      hf.tensors.map(\.name).sorted()
        == ["linear_1.bias", "linear_1.weight", "linear_2.bias", "linear_2.weight"].map {
          "multi_modal_projector." + $0
        })
    func numbers(_ file: TensorFile, _ ending: String) throws -> [Float] {
      try #require(file.tensors.first { $0.name.hasSuffix(ending) }).elements()
    }
    for (a, b) in [("0.weight", "linear_1.weight"), ("2.bias", "linear_2.bias")] {
      #expect(try numbers(llava, a) == numbers(own, b))
      #expect(try numbers(hf, b) == numbers(own, b))
    }
    // The checkpoint's own projector goes the same way; one without a projector is refused in one line.
    let stored = try CommandTests.run([
      "export", "--checkpoint-or-run", TrainCommandTests.checkpoint, "--format", "llava", "--out",
      folder + "/own.bin",
    ])
    #expect(stored.code == 0, "\(stored.errors)")
    let none = try CommandTests.run([
      "export", "--checkpoint-or-run", CommandTests.repository + "/Fixtures/checkpoints/llama", "--format",
      "hf",
      "--out", folder + "/none",
    ])
    #expect(none.code == 65 && none.errors.split(separator: "\n").count == 1, "\(none.errors)")
  }
}
