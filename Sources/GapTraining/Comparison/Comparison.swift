import GapLinearAlgebra
package import GapMetrics
import GapModels
import Synchronization

/// Trains every arm with every seed and budget, and measures all on the same held-out data.
///
/// Arms share start, batches and steps of a seed: what differs is the loss alone.
public struct Comparison: Sendable {
  /// What is compared.
  public let plan: ComparisonPlan

  /// A comparison that is still to be made.
  public init(_ plan: ComparisonPlan) { self.plan = plan }

  /// What a comparison came to.
  public struct Outcome: Sendable {
    package let plan: ComparisonPlan
    package let runs: [ComparisonRun]
    /// What the decoder tells of the held-out data, setting by setting, given true captions and given nothing.
    package let bounds: [(ceiling: [MetricEntry], floor: [MetricEntry])]
    /// Held-out vectors of the first seed and setting, before and after.
    package let vectors: [MomentVectors]
    /// Seconds of the whole.
    public let seconds: Double
  }

  /// Makes all runs.
  ///
  /// - Parameter progress: told what is being done and the share of the whole that is done, 0…1; from any thread, from
  ///   several at once where runs go side by side.
  /// - Throws: `TrainingError`, `ModelError`, `DatasetError`, `TensorFileError`, `TokenizerError`, `MetricError`.
  public func run(
    progress: @Sendable (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let started = clock.now
    let pool = WorkerPool(threads: plan.configuration.threads)
    var results: [ComparisonRun] = []
    var bounds: [(ceiling: [MetricEntry], floor: [MetricEntry])] = []
    var vectors: [MomentVectors] = []
    var known: [String: ComparisonRun] = [:]
    var kept: (key: [String], data: ComparisonData, bounds: (ceiling: [MetricEntry], floor: [MetricEntry]))?
    let done = Mutex(0.0)
    let total = Double(plan.runs * plan.budgets.reduce(0, +)) / Double(plan.budgets.count)
    for (place, setting) in plan.settings.enumerated() {
      let key = Self.dataKey(setting.configuration)
      if kept?.key != key {
        kept = nil
        let data = try ComparisonData(setting.configuration, arms: plan.arms, pool: pool) { stage, _ in
          progress(stage, done.withLock { $0 / total })
        }
        kept = (key, data, try data.heldOut.bounds())
      }
      guard let (_, data, settled) = kept else { preconditionFailure("data was just read") }
      bounds.append(settled)
      let jobs = plan.seeds.flatMap { seed in
        plan.budgets.flatMap { steps in plan.arms.map { Job(arm: $0, seed: seed, steps: steps, in: setting) } }
      }
      let fresh = jobs.filter { known[$0.key] == nil }
      let repeated = jobs.filter { known[$0.key] != nil }.reduce(0) { $0 + $1.steps }
      done.withLock { $0 += Double(repeated) }
      let side = data.runsSideBySide ? pool : WorkerPool(threads: 1)
      let inner = data.runsSideBySide ? WorkerPool(threads: 1) : pool
      let keepsVectors = place == 0
      let first = plan.seeds[0]
      let made = try side.map(fresh.count) { _, i in
        let job = fresh[i]
        let result = try job.run(data, keepsVectors: keepsVectors && job.seed == first, pool: inner) {
          done.withLock { total in total += 1 }
          progress("training", min(1, done.withLock { $0 / total }))
        }
        return result
      }
      for (job, result) in zip(fresh, made) {
        known[job.key] = result.run
        vectors += result.vectors
      }
      // What does not depend on the varied keys is the same run under every setting.
      results += jobs.compactMap { known[$0.key]?.with(setting.values) }
    }
    return Outcome(
      plan: plan, runs: results, bounds: bounds, vectors: vectors,
      seconds: started.duration(to: clock.now) / .seconds(1))
  }

  /// What decides the data that runs share.
  private static func dataKey(_ configuration: RunConfiguration) -> [String] {
    let names = [
      "checkpoint", "vision", "llm", "projector_file", "features", "pairs", "template", "evaluation",
      "skip_bad_images",
    ]
    let lines = configuration.yaml.split(separator: "\n").map(String.init)
    return lines.filter { line in names.contains { line.hasPrefix($0 + ":") } } + [
      configuration.contrastive.imagePrompt, configuration.contrastive.textPrompt,
      "\(configuration.contrastive.readout)",
      configuration.instruct?.questions ?? "",
    ]
  }
}

/// One run that is to be made.
private struct Job: Sendable {
  let arm: ComparisonArm
  let seed: UInt64
  let steps: Int
  let configuration: RunConfiguration
  let varied: [(key: String, value: String)]

  init(arm: ComparisonArm, seed: UInt64, steps: Int, in setting: ComparisonPlan.Setting) {
    self.arm = arm
    self.seed = seed
    self.steps = steps
    varied = setting.values
    var configuration = arm.applied(to: setting.configuration)
    configuration.seed = seed
    configuration.duration = .steps(steps)
    self.configuration = configuration
  }

  /// Equal for runs that are the same: without a contrastive loss, its settings make no difference.
  var key: String {
    var same = configuration
    same.threads = 0
    if !same.objective.contrasts {
      let own = same.contrastive
      same.contrastive = RunConfiguration.Contrastive()
      same.contrastive.imagePrompt = own.imagePrompt
      same.contrastive.textPrompt = own.textPrompt
      (same.ntpWeight, same.contrastiveWeight) = (1, 1)
    }
    return same.yaml
  }

  /// Trains both stages.
  ///
  /// - Parameter progress: told after every step of the first stage.
  func run(
    _ data: ComparisonData, keepsVectors: Bool, pool: WorkerPool, progress: () -> Void
  ) throws -> (run: ComparisonRun, vectors: [MomentVectors]) {
    let clock = ContinuousClock()
    let started = clock.now
    let readout = configuration.contrastive.readout
    let contrasts = configuration.objective.contrasts
    let texts =
      try contrasts
      ? data.texts[readout].map { try TrainingMaterial.compared($0, configuration, on: pool) } : nil
    let material = TrainingMaterial(
      checkpoint: data.checkpoint, decoder: data.decoder, set: data.set, texts: texts)
    let heldOut = data.heldOut.on(pool)
    var trainer = try AlignmentTrainer(configuration, material, pool: pool)
    var vectors: [MomentVectors] = []
    func keep(_ moment: String) throws {
      guard keepsVectors else { return }
      vectors += try heldOut.pairs(trainer.projector).map { readout, pair in
        try MomentVectors(moment: moment, readout: readout, pair: pair)
      }
    }
    try keep("start")
    var curve = [ComparisonRun.Point(evaluation: try heldOut.evaluate(trainer.projector, step: 0), step: nil)]
    var seconds = 0.0
    let every = configuration.evaluation?.every ?? steps
    while trainer.completed < steps {
      let record = try trainer.step()
      seconds += record.seconds
      if trainer.completed == steps || trainer.completed % every == 0 {
        let stage: EvaluationRecord.Stage? = trainer.completed == steps ? .aligned : nil
        curve.append(
          ComparisonRun.Point(
            evaluation: try heldOut.evaluate(trainer.projector, step: trainer.completed, stage: stage),
            step: record))
      }
      progress()
    }
    try keep("\(arm), \(steps) steps")
    var instructed: EvaluationRecord?
    if let lessons = data.lessons,
      var second = try AlignmentTrainer.instructing(
        configuration, data.checkpoint, lessons, projector: trainer.projector, pool: pool)
    {
      while second.completed < second.steps { _ = try second.step() }
      instructed = try heldOut.adapted(second.material.decoder).evaluate(
        second.projector, step: second.completed, stage: .instructed)
    }
    let run = ComparisonRun(
      arm: arm, seed: seed, steps: steps, varied: varied, readout: contrasts ? readout : nil, curve: curve,
      instructed: instructed, seconds: started.duration(to: clock.now) / .seconds(1),
      secondsPerStep: seconds / Double(steps))
    return (run, vectors)
  }
}
