public import GapDatasets
import GapLinearAlgebra
public import GapMetrics
public import GapModels
import GapTensorFiles

/// One run as `embgap train` does it, from a configuration to a run directory.
public struct TrainingRun {
  /// What the run is told to do.
  public let configuration: RunConfiguration
  /// The run's directory.
  public let directory: String

  /// Whether a run that needs more disk or memory than there is is refused before it begins.
  public var checksLimits = true

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
    /// For each measured pair its caption.
    public let captions: [String]
    /// For each measured pair the path of its image.
    public let images: [String]
    /// What was read, for the report.
    public let inputs: [InputRecord]
    /// Seconds of this process.
    public let seconds: Double
    /// Pairs that were left out, since their images cannot be read.
    public let skippedPairs: Int
    /// Steps of both stages that changed nothing, since a number was not finite.
    public let skippedSteps: Int
    /// What is wrong with the newest state, where the one before it was gone on with.
    public let damage: TrainingError?
    /// The run's directory is this process' own as long as this value lives.
    public let lock: DirectoryLock
  }

  /// A run that writes into `directory`.
  public init(_ configuration: RunConfiguration, directory: String) {
    self.configuration = configuration
    self.directory = directory
  }

  /// Whether a directory holds a run that `resumes` goes on with.
  public static func isBegun(_ directory: String) -> Bool {
    FilePath.exists(directory + "/config.yaml")
  }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - resumes: goes on from the saved state, if there is one.
  ///   - stop: asked from another thread, the run saves its state after the step that it is at, and throws
  ///     `TrainingError.interrupted`.
  ///   - progress: told what is being done and the share of the whole that is done, 0…1, from the calling thread.
  /// - Throws: `TrainingError`, `ModelError`, `DatasetError`, `TensorFileError`, `TokenizerError`, `MetricError`.
  public func run(
    resumes: Bool, stop: StopRequest = StopRequest(),
    progress: (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let started = clock.now
    let pool = WorkerPool(threads: configuration.threads)
    let stored = try Checkpoint(configuration.parts)
    try check(stored)
    var run = try RunDirectory(directory, resumes: resumes)
    try run.check(configuration)
    let saved = try run.newestState()
    try saved?.state.check(threads: pool.threads)
    let identity = try RunIdentity(configuration, stored)
    try saved?.state.check(identity)
    if checksLimits {
      try ResourceNeeds(
        configuration, stored, features: run.featuresFolder, written: ResourceNeeds.bytes(in: directory)
      ).check(directory)
    }
    try run.begin(configuration, identity)
    let checkpoint = try stored.packed(configuration.precision.resolved)
    let cache = run.featuresFolder
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
    if let lessons { try configuration.checkBatch(questions: lessons.count) }
    var trainer = try AlignmentTrainer(configuration, material, pool: pool)
    let name = "\(configuration.objective.rawValue), \(trainer.steps) steps"
    let isInstructing = saved?.state.isInstructing ?? false
    var totals = Totals(resumedAt: 0)
    var way: Way?
    if !isInstructing {
      if let saved {
        try run.restore(&trainer, to: saved.state)
        way = try run.trajectory(of: name, upTo: saved.state.step).map { Way(name: name, trajectory: $0) }
      } else {
        try run.clearMetrics()
        way = Way(name: name)
        if let heldOut { try evaluate(trainer, heldOut, run, &way) }
      }
      totals.resumedAt = trainer.completed
      try sayingWhatIsSaved(run) {
        try train(&trainer, run, heldOut, stop, &totals, &way, progress)
        if lessons != nil { try run.save(trainer.projector, to: run.alignedProjectorFile) }
      }
    }
    var final = checkpoint
    if let lessons,
      var second = try AlignmentTrainer.instructing(
        configuration, checkpoint, lessons, projector: trainer.projector, pool: pool)
    {
      if isInstructing, let saved {
        try run.restore(&second, to: saved.state)
        totals.resumedAt = trainer.steps + second.completed
      }
      final = checkpoint.with(second.material.decoder)
      try sayingWhatIsSaved(run) {
        if !isInstructing { try run.save(second) }
        way = nil
        try train(&second, run, heldOut, stop, &totals, &way, progress)
      }
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
      MomentVectors(moment: name, readout: readout, pair: pair),
    ])
    return Outcome(
      steps: trainer.steps + (configuration.instruct?.steps ?? 0), resumedAt: totals.resumedAt,
      parameters: trainer.projector.count, ntpLoss: totals.last?.losses.ntp,
      contrastiveLoss: totals.lastAligned?.losses.contrastive,
      secondsPerStep: totals.seconds / Double(max(1, totals.steps)),
      projectorFile: run.projectorFile,
      measurement: try GapMeasurement(of: pair, options: options), pair: pair,
      readout: readout, captions: reported.captions.map(\.text), images: reported.imagePaths,
      inputs: try inputs(checkpoint, set),
      seconds: started.duration(to: clock.now) / .seconds(1),
      skippedPairs: set.skippedPairs, skippedSteps: run.skippedSteps, damage: saved?.fault, lock: run.lock)
  }

  /// What the first stage went through, and what it is called.
  private struct Way {
    let name: String
    var trajectory = Trajectory()
  }

  /// Adds an evaluation to the run's files.
  private func evaluate(
    _ trainer: AlignmentTrainer, _ heldOut: HeldOut, _ run: RunDirectory, _ way: inout Way?,
    stage: EvaluationRecord.Stage? = nil
  ) throws {
    let vectors = try heldOut.pairs(trainer.projector)
    let record = try heldOut.evaluate(
      trainer.projector, step: trainer.completed, stage: stage, vectors: vectors)
    try run.add(MetricLines.line(record))
    guard way != nil else { return }
    try way?.trajectory.add(vectors, step: trainer.completed)
    if let way { try run.save(way.trajectory, of: way.name) }
  }

  /// What the steps of this process came to.
  private struct Totals {
    var resumedAt: Int
    var steps = 0
    var seconds = 0.0
    var last: StepRecord?
    var lastAligned: StepRecord?

    mutating func add(_ record: StepRecord, isInstructing: Bool) {
      last = record
      if !isInstructing { lastAligned = record }
      seconds += record.seconds
      steps += 1
    }
  }

  /// Works on a run; a fault says what is saved.
  private func sayingWhatIsSaved(_ run: RunDirectory, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let fault as TrainingError {
      if case .interrupted = fault { throw fault }
      // Read again, checksum and all: what is said to be whole is whole.
      let saved = (try? run.newestState())?.state
      let stage = saved?.isInstructing == true ? "instruction step" : "step"
      throw TrainingError.stopped(
        fault: fault,
        saved: saved.map { "the last good checkpoint is that of \(stage) \($0.step), \($0.path)" }
          ?? "no checkpoint was saved before")
    }
  }

  /// Takes the steps of one stage that are left, with its evaluations and states.
  private func train(
    _ trainer: inout AlignmentTrainer, _ run: RunDirectory, _ heldOut: HeldOut?, _ stop: StopRequest,
    _ totals: inout Totals, _ way: inout Way?, _ progress: (String, Double) -> Void
  ) throws {
    let isInstructing = trainer.adapters != nil
    let name = isInstructing ? "instruction step" : "step"
    // A process that was killed after its last state may have left what it trained as it was before.
    if trainer.completed == trainer.steps { try run.saveTrained(trainer) }
    var savedAt: Int?
    stop.begin()
    while trainer.completed < trainer.steps, !stop.isAsked {
      let record = try trainer.step()
      totals.add(record, isInstructing: isInstructing)
      try run.add(MetricLines.line(record, isInstructing: isInstructing))
      let isLast = trainer.completed == trainer.steps
      if let heldOut, let every = configuration.evaluation?.every,
        isLast || !isInstructing && trainer.completed % every == 0
      {
        let stage: EvaluationRecord.Stage? = isLast ? (isInstructing ? .instructed : .aligned) : nil
        let own = try isInstructing ? heldOut.adapted(trainer.material.decoder) : heldOut
        try evaluate(trainer, own, run, &way, stage: stage)
      }
      if isLast || trainer.completed % configuration.saveEvery == 0 {
        try run.save(trainer)
        savedAt = trainer.completed
      }
      progress(
        "\(name) \(trainer.completed) of \(trainer.steps)", Double(trainer.completed) / Double(trainer.steps))
    }
    guard stop.end() else { return }
    if savedAt != trainer.completed { try run.save(trainer) }
    throw TrainingError.interrupted(
      path: directory, reason: "after \(name) \(trainer.completed) of \(trainer.steps)",
      hint: "embgap train --out \(MessageText.argument(directory)) --resume")
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
