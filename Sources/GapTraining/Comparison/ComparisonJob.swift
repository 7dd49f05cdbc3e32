import GapLinearAlgebra
import GapMetrics
import GapModels

/// One run that is to be made.
struct ComparisonJob: Sendable {
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
    same.saveEvery = 1
    if !same.objective.contrasts {
      let own = same.contrastive
      same.contrastive = RunConfiguration.Contrastive()
      same.contrastive.imagePrompt = own.imagePrompt
      same.contrastive.textPrompt = own.textPrompt
      (same.ntpWeight, same.contrastiveWeight) = (1, 1)
    }
    return same.yaml
  }

  /// What a run is made with.
  struct Bench: Sendable {
    let data: ComparisonData
    let directory: ComparisonDirectory?
    let stop: StopRequest
    let pool: WorkerPool
    let keepsVectors: Bool
  }

  static func interrupted(_ directory: ComparisonDirectory?) -> TrainingError {
    .interrupted(
      path: directory?.path ?? "the comparison", reason: "between two steps",
      hint: "the same command and --resume")
  }

  /// Trains both stages, or what is left of them, and keeps the result.
  ///
  /// - Parameter progress: told of steps of the first stage that are done.
  /// - Throws: `TrainingError.interrupted` when the run was asked to stop, and is kept as far as it is.
  func run(_ bench: Bench, progress: (Int) -> Void) throws -> StoredRun {
    do {
      return try trained(bench, progress)
    } catch let fault as TrainingError {
      guard case .nonFinite = fault else { throw fault }
      throw TrainingError.stopped(
        fault: fault,
        saved: "that is arm \(arm), seed \(seed), \(steps) steps; finished runs are kept (go on with: --resume)"
      )
    }
  }

  private func trained(_ bench: Bench, _ progress: (Int) -> Void) throws -> StoredRun {
    let clock = ContinuousClock()
    let started = clock.now
    let (data, pool) = (bench.data, bench.pool)
    let own = bench.directory?.movable(key) ?? key
    let name =
      "\(own)arm: \(arm)\nvectors: \(bench.keepsVectors)\nproducts: \(data.identity.precision)\n"
      + "\(RunIdentity.dataKey): \(data.identity.data)\n"
    var result = try bench.directory?.stored(name, threads: pool.threads) ?? StoredRun(key: name)
    guard !result.isFinished else {
      progress(steps)
      return result
    }
    guard !bench.stop.isAsked else { throw Self.interrupted(bench.directory) }
    let before = result.seconds
    func keep(_ trainer: AlignmentTrainer?) throws {
      result.seconds = before + started.duration(to: clock.now) / .seconds(1)
      try bench.directory?.save(result, trainer, threads: pool.threads)
    }
    func keepIfAsked(_ trainer: AlignmentTrainer) throws {
      guard bench.stop.isAsked else { return }
      try keep(trainer)
      throw Self.interrupted(bench.directory)
    }
    let contrasts = configuration.objective.contrasts
    let texts =
      try contrasts
      ? data.texts[configuration.contrastive.readout].map {
        try TrainingMaterial.compared($0, configuration, on: pool)
      } : nil
    let material = TrainingMaterial(
      checkpoint: data.checkpoint, decoder: data.decoder, set: data.set, texts: texts)
    let heldOut = data.heldOut.on(pool)
    var trainer = try AlignmentTrainer(configuration, material, pool: pool)
    /// Evaluates; a moment that has a name is kept whole, others as places on the basis.
    func look(_ moment: String? = nil, stage: EvaluationRecord.Stage? = nil) throws -> EvaluationRecord {
      let vectors = try heldOut.pairs(trainer.projector)
      if bench.keepsVectors {
        if let moment {
          result.vectors += try vectors.map { readout, pair in
            try MomentVectors(moment: moment, readout: readout, pair: pair)
          }
        }
        try result.trajectory.add(vectors, step: trainer.completed)
      }
      return try heldOut.evaluate(
        trainer.projector, step: trainer.completed, stage: stage, vectors: vectors)
    }
    let isInstructing = result.state?.isInstructing ?? false
    if isInstructing {
      progress(steps)
    } else {
      if let state = result.state {
        try state.restore(&trainer)
        progress(trainer.completed)
      } else {
        result.curve = [.init(evaluation: try look("start"), step: nil)]
      }
      let every = configuration.evaluation?.every ?? steps
      while trainer.completed < steps {
        try keepIfAsked(trainer)
        let record = try trainer.step()
        result.stepSeconds += record.seconds
        if record.skipped != nil { result.skippedSteps += 1 }
        let isLast = trainer.completed == steps
        if isLast || trainer.completed % every == 0 {
          let evaluation = try look(
            isLast ? "\(arm), \(steps) steps" : nil, stage: isLast ? .aligned : nil)
          result.curve.append(.init(evaluation: evaluation, step: record))
        }
        if !isLast, trainer.completed % configuration.saveEvery == 0 { try keep(trainer) }
        progress(1)
      }
    }
    if let lessons = data.lessons,
      var second = try AlignmentTrainer.instructing(
        configuration, data.checkpoint, lessons, projector: trainer.projector, pool: pool)
    {
      if isInstructing, let state = result.state { try state.restore(&second) }
      while second.completed < second.steps {
        try keepIfAsked(second)
        if try second.step().skipped != nil { result.skippedSteps += 1 }
        if second.completed % configuration.saveEvery == 0 { try keep(second) }
      }
      result.instructed = try heldOut.adapted(second.material.decoder).evaluate(
        second.projector, step: second.completed, stage: .instructed)
    }
    result.isFinished = true
    try keep(nil)
    return result
  }

  /// What a comparison says of a finished run.
  func run(_ stored: StoredRun) -> ComparisonRun {
    ComparisonRun(
      arm: arm, seed: seed, steps: steps, varied: varied,
      readout: configuration.objective.contrasts ? configuration.contrastive.readout : nil, curve: stored.curve,
      instructed: stored.instructed, seconds: stored.seconds,
      secondsPerStep: stored.stepSeconds / Double(steps),
      skippedSteps: stored.skippedSteps)
  }
}
