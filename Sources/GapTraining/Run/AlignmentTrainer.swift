package import GapLinearAlgebra
package import GapModels

/// A checkpoint and the data that its projector is trained on, with what is worked out once for all steps.
package struct TrainingMaterial {
  package let checkpoint: Checkpoint
  package let decoder: Decoder
  package let set: TrainingSet
  /// Readout vectors of all captions, [samples, C]; nil without a contrastive loss.
  package let texts: Block<Float>?

  /// - Throws: what reading captions throws.
  package init(
    _ configuration: RunConfiguration, checkpoint: Checkpoint, set: TrainingSet, pool: WorkerPool,
    progress: (Double) -> Void = { _ in }
  ) throws {
    self.checkpoint = checkpoint
    decoder = try checkpoint.model.requiredDecoder()
    self.set = set
    guard configuration.objective.contrasts else {
      texts = nil
      return
    }
    let texts = try CheckpointReading(
      checkpoint: checkpoint, captions: set.captions, readouts: [configuration.contrastive.readout],
      textPrompt: configuration.contrastive.textPrompt, pool: pool
    ).texts(progress: progress)[0]
    self.texts = try Self.compared(texts, configuration, on: pool)
  }

  /// Text vectors as samples are compared with them: in a permuted order for the control.
  package static func compared(
    _ texts: Block<Float>, _ configuration: RunConfiguration, on pool: WorkerPool
  ) throws -> Block<Float> {
    guard configuration.contrastive.shuffles else { return texts }
    var generator = SeededGenerator(seed: configuration.seed, purpose: "shuffled captions")
    return try texts.picked(generator.permutation(of: texts.rows).map(Int.init), on: pool)
  }

  package init(checkpoint: Checkpoint, decoder: Decoder, set: TrainingSet, texts: Block<Float>?) {
    self.checkpoint = checkpoint
    self.decoder = decoder
    self.set = set
    self.texts = texts
  }
}

/// What one step did; losses are those before the update.
package struct StepRecord: Sendable, Equatable {
  /// From 1.
  package let step: Int
  package let losses: StepLosses
  /// nil without a contrastive loss.
  package let temperature: Double?
  package let rate: Double
  package let gradientNorm: Double
  /// Where nothing was changed, since a number was not finite: how many steps of the stage that befell so far.
  package let skipped: Int?
  package let seconds: Double
}

/// Trains a projector, and adapters of the decoder where there are some, step by step.
package struct AlignmentTrainer {
  package let configuration: RunConfiguration
  package let material: TrainingMaterial
  package let projector: TrainableProjector
  /// Adapters that the material's decoder has, trained beside the projector.
  package let adapters: DecoderAdapters?
  package let scale: ContrastiveScale
  package private(set) var optimizer: AdamW
  package let schedule: LearningRateSchedule
  package let order: BatchOrder
  /// Steps of the whole run.
  package let steps: Int
  /// Steps that are done.
  package private(set) var completed = 0
  private let pool: WorkerPool
  private let learnsScale: Bool

  /// Threads that work.
  package var threads: Int { pool.threads }

  /// - Parameters:
  ///   - start: the projector to begin with; nil for the one that the configuration says.
  ///   - projectorRate: its learning rate where that differs from the configuration's.
  /// - Throws: `TrainingError.badData` when there are fewer samples than a batch has; `ModelError`, `TensorFileError`.
  package init(
    _ configuration: RunConfiguration, _ material: TrainingMaterial, projector start: TrainableProjector? = nil,
    adapters: DecoderAdapters? = nil, projectorRate: Double? = nil, pool: WorkerPool
  ) throws {
    self.adapters = adapters
    self.configuration = configuration
    self.material = material
    self.pool = pool
    if adapters == nil {
      try configuration.checkBatch(pairs: material.set.count)
    } else {
      try configuration.checkBatch(questions: material.set.count)
    }
    order = BatchOrder(seed: configuration.seed, samples: material.set.count, batch: configuration.batch)
    switch configuration.duration {
    case .steps(let count): steps = count
    case .epochs(let count): steps = count * order.stepsPerEpoch
    }
    let warmup = Int((configuration.warmup * Double(steps)).rounded(.up))
    schedule = LearningRateSchedule(
      kind: configuration.schedule, peak: configuration.rate, warmupSteps: warmup, steps: steps)
    projector = try start ?? Self.projector(configuration, material)
    scale = ContrastiveScale(temperature: configuration.contrastive.temperature)
    learnsScale = configuration.objective.contrasts && configuration.contrastive.learnsTemperature
    let factor = projectorRate.map { $0 / configuration.rate } ?? 1
    var groups = [ParameterGroup(projector.values, decays: true, rateFactor: factor)]
    if learnsScale { groups.append(ParameterGroup(scale.values, decays: false)) }
    if let adapters {
      groups.append(ParameterGroup(adapters.values, decays: true, gradient: adapters.gradient))
    }
    optimizer = AdamW(configuration.optimizer, groups: groups)
  }

  /// The projector that a run starts from: it depends on its shape and the seed alone.
  package static func projector(
    _ configuration: RunConfiguration, _ material: TrainingMaterial
  ) throws -> TrainableProjector {
    switch configuration.projector {
    case .checkpoint:
      let stored = try material.checkpoint.model.requiredProjector()
      _ = try stored.tokens(of: material.set.features.rows, path: material.checkpoint.model.path)
      return try TrainableProjector(stored)
    case .new(let depth, let hidden, let outputScale):
      var generator = SeededGenerator(seed: configuration.seed, purpose: "projector")
      return .new(
        depth: depth, inputs: material.set.features.width, hidden: hidden, outputs: material.decoder.inputWidth,
        outputScale: Float(outputScale),
        generator: &generator)
    }
  }

  private var objective: AlignmentObjective {
    var objective = AlignmentObjective(configuration.objective)
    objective.ntpWeight = configuration.ntpWeight
    objective.contrastiveWeight = configuration.contrastiveWeight
    objective.loss = configuration.contrastive.loss
    objective.readout = configuration.contrastive.readout
    objective.imagePrompt = material.checkpoint.tokenizer.encode(
      configuration.contrastive.imagePrompt, addingSpecialTokens: false)
    return objective
  }

  /// Losses and gradients of batches, with the projector as it is now.
  private var gradient: AlignmentGradient {
    let (set, pool) = (material.set, pool)
    return AlignmentGradient(
      decoder: material.decoder, beginning: material.checkpoint.beginning.map { [$0] } ?? [],
      projector: projector,
      objective: objective, scale: scale, texts: material.texts, samples: set.samples,
      microBatch: configuration.microBatch, path: material.checkpoint.model.path, pool: pool
    ) { try set.features(of: $0, on: pool) }
  }

  /// One step.
  ///
  /// - Throws: `TrainingError.nonFinite` when a loss or the gradient is not finite and the run is to stop then.
  package mutating func step() throws -> StepRecord {
    let clock = ContinuousClock()
    let started = clock.now
    let rate = schedule.rate(completed)
    let members = order.members(
      of: completed, contrasted: configuration.contrastive.batch ?? configuration.batch)
    optimizer.clearGradients()
    let temperature = configuration.objective.contrasts ? scale.temperature : nil
    let spare = Buffer<Float>(repeating: 0, count: scale.values.count)
    let losses = try gradient.add(
      members.batch, others: members.others, to: optimizer.groups[0].gradient,
      learnsScale ? optimizer.groups[1].gradient : spare)
    let norm = try optimizer.gradientNorm(on: pool)
    var isSkipped = false
    for (what, value) in [
      ("temperature", temperature), ("ntp_loss", losses.ntp), ("contrastive_loss", losses.contrastive),
      ("grad_norm", norm),
    ] {
      guard let value, !value.isFinite else { continue }
      guard configuration.onNonFinite == .skip else {
        throw TrainingError.nonFinite(step: completed + 1, what: what, hint: "on_nonfinite: skip")
      }
      isSkipped = true
    }
    if !isSkipped {
      try optimizer.step(rate: rate, norm: norm, on: pool)
      if learnsScale { scale.clamp() }
      // What an update has spoilt no later step mends, so that it is no step to skip.
      guard try optimizer.isFinite(on: pool) else {
        throw TrainingError.nonFinite(
          step: completed + 1, what: "a trained number after the update", hint: "optimizer.clip: 1")
      }
    }
    completed += 1
    return StepRecord(
      step: completed, losses: losses, temperature: temperature, rate: rate, gradientNorm: norm,
      skipped: isSkipped ? completed - optimizer.count : nil,
      seconds: started.duration(to: clock.now) / .seconds(1))
  }

  /// Goes on from where a run was.
  ///
  /// - Parameter updates: updates that the optimiser has made, skipped steps not counted.
  package mutating func resume(at step: Int, updates: Int) {
    completed = step
    optimizer.count = updates
  }
}

extension RunConfiguration {
  /// The second stage as a run of its own; nil without one.
  package var instructStage: RunConfiguration? {
    guard let instruct else { return nil }
    var stage = self
    stage.objective = .ntp
    stage.pairs = instruct.questions
    stage.duration = .steps(instruct.steps)
    stage.rate = instruct.rate
    stage.batch = instruct.batch ?? batch
    stage.contrastive.batch = nil
    return stage
  }
}

extension RunConfiguration {
  /// Checks that a batch of the first stage has enough samples.
  ///
  /// - Throws: `TrainingError.badData`.
  func checkBatch(pairs count: Int) throws {
    let needed = max(batch, contrastive.batch ?? 0)
    guard count < needed else { return }
    throw TrainingError.badData(
      place: pairs, expected: "at least \(needed) pairs, one batch", found: "\(count)",
      hint: "a smaller batch, for example --set batch=\(count)")
  }

  /// The same for the second stage.
  func checkBatch(questions count: Int) throws {
    guard let instruct, case let needed = instruct.batch ?? batch, count < needed else { return }
    throw TrainingError.badData(
      place: instruct.questions, expected: "at least \(needed) questions, one batch", found: "\(count)",
      hint: "a smaller batch, for example --set instruct.batch=\(count)")
  }
}

extension AlignmentTrainer {
  /// The trainer of the second stage, which begins with what the first one left.
  ///
  /// - Parameters:
  ///   - configuration: the whole run's.
  ///   - questions: what is learnt.
  ///   - projector: of the first stage; it is trained on in place.
  /// - Returns: nil when the configuration has no second stage.
  package static func instructing(
    _ configuration: RunConfiguration, _ checkpoint: Checkpoint, _ questions: QuestionSet,
    projector: TrainableProjector, pool: WorkerPool
  ) throws -> AlignmentTrainer? {
    guard let instruct = configuration.instruct, let stage = configuration.instructStage else { return nil }
    let decoder = try checkpoint.model.requiredDecoder()
    var generator = SeededGenerator(seed: configuration.seed, purpose: "adapters")
    let adapters = DecoderAdapters(decoder, rank: instruct.rank, alpha: instruct.alpha, generator: &generator)
    let material = TrainingMaterial(
      checkpoint: checkpoint, decoder: adapters.applied(to: decoder), set: questions.samples, texts: nil)
    return try AlignmentTrainer(
      stage, material, projector: projector, adapters: adapters, projectorRate: instruct.projectorRate,
      pool: pool)
  }
}
