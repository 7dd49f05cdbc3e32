import Foundation
import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import GapTraining
import Testing

/// Five steps on tiny LLaVA checkpoints, from their own projectors, every step on all pairs: PyTorch's losses.
@Suite struct TrainingLadderTests {
  struct Run: Decodable, Sendable, CustomTestStringConvertible {
    struct Settings: Decodable, Sendable {
      let name: String
      let objective: String
      let readout: String?
      let prompt: String?
      let image_prompt: String?
      let text_prompt: String?
      let loss: String?
      let temperature: Double?
      let weights: [Double]?
      let lr: Double?
      let clip: Double?
      let weight_decay: Double?
      let cosine: Int?
    }
    let run: Settings
    let ntp_loss: [Double]
    let contrastive_loss: [Double]?
    let temperature: [Double]?
    let grad_norm: [Double]
    let lr: [Double]
    var testDescription: String { run.name }
  }

  static let runs = try? JSONDecoder().decode(
    [String: [Run]].self, from: Data(contentsOf: URL(filePath: ReferenceFiles.training + "ladder.json")))

  static let cases: [(String, Int)] = ["llava-clip-llama", "llava-siglip-qwen2"].flatMap { name in
    (0..<(runs?[name]?.count ?? 0)).map { (name, $0) }
  }

  @Test func referenceIsThere() { #expect(Self.cases.count == 20) }

  /// In one pass, and in parts with gradient caching.
  @Test(arguments: cases)
  func lossesOfEveryStepAgreeWithPyTorch(name: String, place: Int) throws {
    let expected = try #require(Self.runs?[name]?[place])
    for microBatch in [6, 4] { try follow(expected, name, microBatch: microBatch) }
    try follow(expected, name, microBatch: 4, packed: .single)
  }

  /// The first step in bf16, before the two runs part: factors have 8 bits, so that a loss of some 6 nats keeps three
  /// digits, and a cosine is off by up to 2⁻⁸, which the temperature of .07 makes .056 of the contrastive loss.
  @Test(.enabled(if: ProductPrecision.hasFastBFloat16), arguments: cases)
  func lossesInBFloat16StayNearPyTorchs(name: String, place: Int) throws {
    let expected = try #require(Self.runs?[name]?[place])
    try follow(
      expected, name, microBatch: 6, packed: .bfloat16, steps: 1, lossTolerance: 2e-2,
      contrastiveTolerance: 0.056, normTolerance: 3e-2)
  }

  private func follow(
    _ expected: Run, _ name: String, microBatch: Int, packed: ProductPrecision? = nil,
    steps: Int = 5, lossTolerance: Double = 1e-4, contrastiveTolerance: Double = 1e-4,
    normTolerance: Double = 1e-3
  ) throws {
    let run = expected.run
    let folder = ReferenceFiles.checkpoints + name
    let pool = WorkerPool(threads: 2)
    var checkpoint = try Checkpoint(ModelParts(checkpoint: folder))
    if let packed { checkpoint = try checkpoint.packed { _ in packed } }
    let decoder = try checkpoint.model.requiredDecoder()
    let captions = try String(contentsOfFile: folder + "/pairs.jsonl", encoding: .utf8).split(separator: "\n")
      .map {
        try JSONDecoder().decode([String: String].self, from: Data($0.utf8))["caption"] ?? ""
      }
    let file = try TensorFile(path: folder + "/expected.safetensors")
    let shape = try file.tensor(named: "features").shape
    let features = Block(try file.numbers("features"), rows: shape[0] * shape[1])
    func tokens(_ text: String) -> [Int32] { checkpoint.tokenizer.encode(text, addingSpecialTokens: false) }

    var objective = AlignmentObjective(try #require(Objective(rawValue: run.objective)))
    objective.readout = try #require(Readout(run.readout ?? "input"))
    objective.loss = try #require(ContrastiveLoss(rawValue: run.loss ?? "infonce"))
    objective.imagePrompt = tokens(run.image_prompt ?? "")
    if let weights = run.weights {
      (objective.ntpWeight, objective.contrastiveWeight) = (weights[0], weights[1])
    }
    let reading = try CheckpointReading(
      checkpoint: checkpoint, captions: captions.map { NamedCaption(text: $0, place: "a pair") },
      readouts: [objective.readout], textPrompt: run.text_prompt ?? "", pool: pool)
    let projector = try TrainableProjector(try checkpoint.model.requiredProjector())
    let scale = ContrastiveScale(temperature: run.temperature ?? 0.07)
    let each = shape[1]
    let gradient = AlignmentGradient(
      decoder: decoder, beginning: checkpoint.beginning.map { [$0] } ?? [], projector: projector,
      objective: objective, scale: scale, texts: try reading.texts()[0],
      samples: captions.map { TrainingSample(prompt: tokens(run.prompt ?? ""), targets: tokens($0 + "\n")) },
      microBatch: microBatch, path: folder, pool: pool
    ) { members in
      try .joined(members.map { features.rows($0 * each..<($0 + 1) * each) }, on: pool)
    }
    var settings = AdamWSettings()
    settings.clip = run.clip ?? 0
    settings.weightDecay = run.weight_decay ?? 0
    let groups = [ParameterGroup(projector.values, decays: true), ParameterGroup(scale.values, decays: false)]
    var optimizer = AdamW(settings, groups: groups)
    let schedule = LearningRateSchedule(
      kind: run.cosine == nil ? .constant : .cosine, peak: run.lr ?? 1e-3, warmupSteps: run.cosine ?? 0,
      steps: 5)
    for step in 0..<steps {
      optimizer.clearGradients()
      if objective.kind.contrasts {
        #expect(abs(scale.temperature - (try #require(expected.temperature)[step])) < 1e-5)
      }
      let losses = try gradient.add(Array(0..<shape[0]), to: groups[0].gradient, groups[1].gradient)
      let what = "\(name) \(run.name), parts of \(microBatch), step \(step)"
      if let ntp = losses.ntp {
        #expect(
          abs(ntp - expected.ntp_loss[step]) < lossTolerance, "\(what): ntp \(ntp), \(expected.ntp_loss[step])")
      }
      #expect((losses.ntp == nil) == (run.objective == "contrastive"))
      if let contrastive = losses.contrastive {
        let wanted = try #require(expected.contrastive_loss)[step]
        #expect(
          abs(contrastive - wanted) < contrastiveTolerance, "\(what): contrastive \(contrastive), \(wanted)")
      }
      #expect((losses.contrastive == nil) == (run.objective == "ntp"))
      let norm = try optimizer.gradientNorm(on: pool)
      #expect(
        abs(norm - expected.grad_norm[step]) < normTolerance * expected.grad_norm[step], "\(what): norm \(norm)"
      )
      #expect(abs(schedule.rate(step) - expected.lr[step]) < 1e-9)
      try optimizer.step(rate: schedule.rate(step), norm: norm, on: pool)
      scale.clamp()
    }
  }
}
