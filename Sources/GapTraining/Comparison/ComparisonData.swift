import GapLinearAlgebra
import GapModels

/// What all runs of one setting share: the checkpoint, features, tokens, text vectors.
struct ComparisonData {
  let checkpoint: Checkpoint
  let decoder: Decoder
  let set: TrainingSet
  let lessons: QuestionSet?
  let heldOut: HeldOut
  /// Text vectors of the training captions by readout.
  let texts: [Readout: Block<Float>]
  /// Of the data, for runs that are kept.
  let identity: RunIdentity

  /// - Parameter limits: the directory whose disk must have room, as memory must; nil not to look.
  init(
    _ configuration: RunConfiguration, arms: [ComparisonArm], limits: String?, pool: WorkerPool,
    progress: (String, Double) -> Void
  ) throws {
    let stored = try Checkpoint(configuration.parts)
    if let limits {
      let isNarrow = try Self.runsSideBySide(stored.model.requiredDecoder())
      try ResourceNeeds(configuration, stored, features: nil, sideBySide: isNarrow ? pool.threads : 1).check(
        limits)
    }
    identity = try RunIdentity(configuration, stored)
    let checkpoint = try stored.packed(configuration.precision.resolved)
    self.checkpoint = checkpoint
    decoder = try checkpoint.model.requiredDecoder()
    let own = try TrainingSet(
      pairs: configuration.pairs, features: configuration.features, checkpoint: checkpoint,
      configuration: configuration, cache: nil, pool: pool
    ) { progress("vision features", $0) }
    set = own
    guard let evaluation = configuration.evaluation else { preconditionFailure("a plan has held-out data") }
    let held = try TrainingSet(
      pairs: evaluation.pairs, features: evaluation.features, checkpoint: checkpoint,
      configuration: configuration,
      cache: nil, pool: pool
    ) { progress("vision features, held out", $0) }
    let questions = try evaluation.questions.map {
      try QuestionSet(
        $0, known: [held, own], checkpoint: checkpoint, configuration: configuration, cache: nil, pool: pool)
    }
    lessons = try configuration.instruct.map {
      try QuestionSet(
        $0.questions, known: [own], checkpoint: checkpoint, configuration: configuration, cache: nil, pool: pool
      )
    }
    if let lessons { try configuration.checkBatch(questions: lessons.count) }
    heldOut = try HeldOut(
      configuration, checkpoint: checkpoint, set: held, questions: questions,
      readouts: configuration.evaluatedReadouts, pool: pool)
    let contrasted = arms.map { $0.applied(to: configuration) }.filter(\.objective.contrasts)
    let readouts = Set(contrasted.map(\.contrastive.readout)).sorted { "\($0)" < "\($1)" }
    let vectors = try CheckpointReading(
      checkpoint: checkpoint, captions: own.captions, readouts: readouts,
      textPrompt: configuration.contrastive.textPrompt, pool: pool
    ).texts { progress("text vectors", $0) }
    texts = Dictionary(uniqueKeysWithValues: zip(readouts, vectors))
  }

  /// Whether a run is too small to keep several threads busy, so that runs go side by side.
  var runsSideBySide: Bool { Self.runsSideBySide(decoder) }

  private static func runsSideBySide(_ decoder: Decoder) -> Bool { decoder.configuration.width <= 256 }
}
