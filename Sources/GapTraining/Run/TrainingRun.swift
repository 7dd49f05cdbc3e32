public import GapDatasets
import GapLinearAlgebra
public import GapMetrics
public import GapModels

/// One run as `embgap train` does it, from a configuration to a run directory.
public struct TrainingRun {
  /// What the run is told to do.
  public let configuration: RunConfiguration
  /// The run's directory.
  public let directory: String

  /// What a run came to.
  public struct Outcome: Sendable {
    /// Steps of the whole run, both stages.
    public let steps: Int
    /// Step that this process began with: 0, or where an earlier one was stopped.
    public let resumedAt: Int
    /// Trained parameters.
    public let parameters: Int
    /// Next-token loss of the last step, of either stage; nil when there is none, or no step was left to be done.
    public let ntpLoss: Double?
    /// The contrastive loss of the last step.
    public let contrastiveLoss: Double?
    /// Mean seconds of a step in this process.
    public let secondsPerStep: Double
    /// Where the trained projector lies.
    public let projectorFile: String
    /// The gap of the trained projector: on held-out pairs, or without these on a sample of the training pairs.
    public let measurement: GapMeasurement
    /// The vectors that were measured.
    public let pair: EmbeddingPair
    /// Where that gap was read: the contrastive readout, or `input`.
    public let readout: Readout
    /// What was read, for the report.
    public let inputs: [InputRecord]
    /// Seconds of this process.
    public let seconds: Double
    /// Pairs that were left out, since their images cannot be read.
    public let skippedPairs: Int
  }

  /// A run that writes into `directory`.
  public init(_ configuration: RunConfiguration, directory: String) {
    self.configuration = configuration
    self.directory = directory
  }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - resumes: goes on from the saved state, if there is one.
  ///   - progress: told what is being done and the share of the whole that is done, 0…1, from the calling thread.
  /// - Throws: `TrainingError`, `ModelError`, `DatasetError`, `TensorFileError`, `TokenizerError`, `MetricError`.
  public func run(
    resumes: Bool, progress: (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let started = clock.now
    let pool = WorkerPool(threads: configuration.threads)
    let checkpoint = try Checkpoint(configuration.parts).packed(configuration.precision.resolved)
    try check(checkpoint)
    let run = try RunDirectory(directory, resumes: resumes)
    try run.begin(configuration)
    let cache = directory + "/features"
    let set = try TrainingSet(
      pairs: configuration.pairs, features: configuration.features, checkpoint: checkpoint,
      configuration: configuration, cache: cache, pool: pool
    ) { progress("vision features", $0) }
    let material = try TrainingMaterial(configuration, checkpoint: checkpoint, set: set, pool: pool) {
      progress("text vectors", $0)
    }
    let heldOut = try configuration.evaluation.map { evaluation in
      let held = try TrainingSet(
        pairs: evaluation.pairs, features: evaluation.features, checkpoint: checkpoint,
        configuration: configuration, cache: cache, pool: pool
      ) { progress("vision features, held out", $0) }
      let questions = try evaluation.questions.map { file in
        try QuestionSet(
          file, known: [held, set], checkpoint: checkpoint, configuration: configuration, cache: cache,
          pool: pool
        ) { progress("vision features of questions", $0) }
      }
      return try HeldOut(
        configuration, checkpoint: checkpoint, set: held, questions: questions,
        readouts: configuration.evaluatedReadouts, pool: pool)
    }
    let lessons = try configuration.instruct.map { instruct in
      try QuestionSet(
        instruct.questions, known: [set], checkpoint: checkpoint, configuration: configuration, cache: cache,
        pool: pool
      ) { progress("vision features of questions", $0) }
    }
    var trainer = try AlignmentTrainer(configuration, material, pool: pool)
    let isInstructing = try run.isInstructing()
    var totals = Totals(resumedAt: 0)
    if !isInstructing {
      if run.hasState {
        try run.restore(&trainer)
      } else {
        try run.clearMetrics()
        if let heldOut { try run.add(MetricLines.line(heldOut.evaluate(trainer.projector, step: 0))) }
      }
      totals.resumedAt = trainer.completed
      try train(&trainer, run, heldOut, &totals, progress)
      if lessons != nil { try run.save(trainer.projector, to: run.alignedProjectorFile) }
    }
    var final = checkpoint
    if let lessons,
      var second = try AlignmentTrainer.instructing(
        configuration, checkpoint, lessons, projector: trainer.projector, pool: pool)
    {
      if isInstructing {
        try run.restore(&second)
        totals.resumedAt = trainer.steps + second.completed
      } else {
        try run.save(second)
      }
      final = checkpoint.with(second.material.decoder)
      try train(&second, run, heldOut, &totals, progress)
    }
    progress("report", 1)
    let readout = configuration.objective.contrasts ? configuration.contrastive.readout : .input
    let reported = heldOut?.set ?? sample(of: set)
    func vectors(_ checkpoint: Checkpoint, _ projector: TrainableProjector) throws -> EmbeddingPair {
      try HeldOut(configuration, checkpoint: checkpoint, set: reported, readouts: [readout], pool: pool)
        .pairs(projector)[0].pair
    }
    let pair = try vectors(final, trainer.projector)
    let start = try vectors(checkpoint, AlignmentTrainer.projector(configuration, material))
    try run.save([
      MomentVectors(moment: "start", readout: readout, pair: start),
      MomentVectors(
        moment: "\(configuration.objective.rawValue), \(trainer.steps) steps", readout: readout, pair: pair),
    ])
    return Outcome(
      steps: trainer.steps + (configuration.instruct?.steps ?? 0), resumedAt: totals.resumedAt,
      parameters: trainer.projector.count, ntpLoss: totals.last?.losses.ntp,
      contrastiveLoss: totals.lastAligned?.losses.contrastive,
      secondsPerStep: totals.seconds / Double(max(1, totals.steps)),
      projectorFile: run.projectorFile,
      measurement: try GapMeasurement(of: pair, options: options), pair: pair,
      readout: readout, inputs: try inputs(checkpoint, set),
      seconds: started.duration(to: clock.now) / .seconds(1),
      skippedPairs: set.skippedPairs)
  }

  /// What the steps of this process came to.
  private struct Totals {
    var resumedAt: Int
    var steps = 0
    var seconds = 0.0
    var last: StepRecord?
    var lastAligned: StepRecord?
  }

  /// Takes the steps of one stage that are left, with its evaluations and states.
  private func train(
    _ trainer: inout AlignmentTrainer, _ run: RunDirectory, _ heldOut: HeldOut?, _ totals: inout Totals,
    _ progress: (String, Double) -> Void
  ) throws {
    let isInstructing = trainer.adapters != nil
    if trainer.completed == trainer.steps { try run.save(trainer) }
    while trainer.completed < trainer.steps {
      let record = try trainer.step()
      totals.last = record
      if !isInstructing { totals.lastAligned = record }
      totals.seconds += record.seconds
      totals.steps += 1
      try run.add(MetricLines.line(record, isInstructing: isInstructing))
      let isLast = trainer.completed == trainer.steps
      if let heldOut, let every = configuration.evaluation?.every,
        isLast || !isInstructing && trainer.completed % every == 0
      {
        let stage: EvaluationRecord.Stage? = isLast ? (isInstructing ? .instructed : .aligned) : nil
        let own = try isInstructing ? heldOut.adapted(trainer.material.decoder) : heldOut
        try run.add(MetricLines.line(own.evaluate(trainer.projector, step: trainer.completed, stage: stage)))
      }
      if isLast || trainer.completed % configuration.saveEvery == 0 { try run.save(trainer) }
      progress(
        (isInstructing ? "instruction step" : "step") + " \(trainer.completed) of \(trainer.steps)",
        Double(trainer.completed) / Double(trainer.steps))
    }
  }

  private var options: MeasurementOptions {
    var options = MeasurementOptions()
    options.seed = configuration.seed
    return options
  }

  /// Pairs of the training set that a gap is measured on where none are held out.
  private static let sampleSize = 5000

  private func sample(of set: TrainingSet) -> TrainingSet {
    guard set.count > Self.sampleSize else { return set }
    var generator = SeededGenerator(seed: configuration.seed, purpose: "report")
    return set.subset(generator.sample(Self.sampleSize, of: set.count).sorted())
  }

  private func inputs(_ checkpoint: Checkpoint, _ set: TrainingSet) throws -> [InputRecord] {
    try checkpoint.model.files.map { file in
      try InputRecord(
        file: file.path, dtype: file.types.joined(separator: "+"), shape: [file.tensors], hashing: false)
    } + [
      try InputRecord(
        file: configuration.evaluation?.pairs ?? configuration.pairs, dtype: "captions", shape: [set.count],
        hashing: false)
    ]
  }

  /// Finds what is wrong before anything is worked out.
  private func check(_ checkpoint: Checkpoint) throws {
    let decoder = try checkpoint.model.requiredDecoder()
    if configuration.projector == .checkpoint { _ = try checkpoint.model.requiredProjector() }
    if configuration.features == nil, checkpoint.model.vision == nil {
      throw checkpoint.model.missingVision ?? VisionLanguageModel.noVision(checkpoint.model.path)
    }
    if configuration.objective.predictsTokens, decoder.head == nil {
      throw ModelError.tensorMissing(
        path: checkpoint.model.path, name: "lm_head.weight", shape: "(vocabulary, width)", candidates: [])
    }
    if configuration.objective.contrasts, case .layer(let layer) = configuration.contrastive.readout,
      layer > decoder.blocks.count
    {
      throw TrainingError.badValue(
        place: configuration.parts.checkpoint ?? configuration.parts.decoder ?? "model",
        key: "contrastive.readout",
        expected: "layer:0 to layer:\(decoder.blocks.count), the decoder's layers", found: "layer:\(layer)")
    }
  }
}
