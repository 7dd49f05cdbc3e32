import GapLayers
package import GapLinearAlgebra
package import GapMetrics
package import GapModels

/// What a projector is worth on data that it was not trained on.
package struct EvaluationRecord: Sendable, Equatable {
  /// What ended with this evaluation.
  package enum Stage: String, Sendable {
    case aligned
    case instructed
  }

  /// Steps that were done; 0 is the start.
  package let step: Int
  /// The stage that has just ended; nil within one.
  package let stage: Stage?
  /// Gap metrics by readout.
  package let metrics: [(readout: Readout, entries: [MetricEntry])]
  /// `ntp_loss`, `perplexity`; at the end of a stage also what questions and captions gave.
  package let evaluation: [MetricEntry]
  package let seconds: Double

  package static func == (a: EvaluationRecord, b: EvaluationRecord) -> Bool {
    a.step == b.step && a.stage == b.stage && a.evaluation == b.evaluation
      && a.metrics.map(\.readout) == b.metrics.map(\.readout)
      && a.metrics.map(\.entries) == b.metrics.map(\.entries)
  }
}

/// Held-out images and captions, with what does not depend on the projector worked out once.
package struct HeldOut {
  package let checkpoint: Checkpoint
  package let decoder: Decoder
  package let set: TrainingSet
  package let readouts: [Readout]
  private let texts: [Block<Float>]
  private let imagePrompt: [Int32]
  /// Questions about the images; nil without.
  package let questions: QuestionSet?
  private let configuration: RunConfiguration
  private var pool: WorkerPool
  /// Images, each once, and for each sample its place among them.
  private let images: [Int]
  private let placeOfSample: [Int]

  /// Images that go through together.
  private static let batch = 32

  /// - Throws: what reading captions throws; `ModelError.badSetting` for a layer that is not there.
  package init(
    _ configuration: RunConfiguration, checkpoint: Checkpoint, set: TrainingSet, questions: QuestionSet? = nil,
    readouts: [Readout], pool: WorkerPool
  ) throws {
    self.configuration = configuration
    self.questions = questions
    self.checkpoint = checkpoint
    self.set = set
    self.pool = pool
    decoder = try checkpoint.model.requiredDecoder()
    self.readouts = readouts
    texts = try CheckpointReading(
      checkpoint: checkpoint, captions: set.captions, readouts: readouts,
      textPrompt: configuration.contrastive.textPrompt, pool: pool
    ).texts()
    imagePrompt = checkpoint.tokenizer.encode(configuration.contrastive.imagePrompt, addingSpecialTokens: false)
    let distinct = Array(Set(set.imageOfSample)).sorted()
    let places = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
    images = distinct
    placeOfSample = set.imageOfSample.map { places[$0] ?? 0 }
  }

  /// Measures the projector as it is.
  ///
  /// - Parameters:
  ///   - stage: the stage that ended; nil within one. At the end of one all metrics are taken, questions asked and
  ///     captions written.
  ///   - vectors: what `pairs` gives of this projector, if the caller has it.
  /// - Throws: `MetricError`, `TensorFileError`, `ModelError`.
  package func evaluate(
    _ projector: TrainableProjector, step: Int, stage: EvaluationRecord.Stage? = nil,
    vectors: [(readout: Readout, pair: EmbeddingPair)]? = nil
  ) throws -> EvaluationRecord {
    let clock = ContinuousClock()
    let started = clock.now
    let metrics = try (vectors ?? pairs(projector)).map { readout, pair in
      (
        readout: readout,
        entries: try stage == nil
          ? CoreMeasurement(of: pair, retrieves: true).metrics
          : GapMeasurement(of: pair, options: options).metrics
      )
    }
    return EvaluationRecord(
      step: step, stage: stage, metrics: metrics,
      evaluation: try answers(.images(projector), answering: stage != nil),
      seconds: started.duration(to: clock.now) / .seconds(1))
  }

  /// All metrics, without resampling: seeds tell how sure they are.
  private var options: MeasurementOptions {
    var options = MeasurementOptions()
    options.seed = configuration.seed
    options.resamples = 0
    return options
  }

  /// Vectors of images and captions at every readout.
  package func pairs(_ projector: TrainableProjector) throws -> [(readout: Readout, pair: EmbeddingPair)] {
    let vectors = ReadoutVectors(
      pass: ReadoutPass(decoder: decoder, pool: pool),
      tokens: ReadoutTokens(beginning: checkpoint.beginning, imagePrompt: imagePrompt, captions: []))
    var rows = readouts.map { _ in [[Float]]() }
    for range in Pieces(of: 0..<images.count, size: Self.batch).all {
      let visual = try tokens(images[range].map { $0 }, projector)
      for (place, own) in try vectors.images(visual, perImage: visual.rows / range.count, readouts).enumerated()
      {
        rows[place] += own
      }
    }
    return try readouts.enumerated().map { place, readout in
      let block = Block<Float>.zeros(rows[place].count, rows[place].first?.count ?? 0)
      for (i, numbers) in rows[place].enumerated() {
        block.writeRow(i) { row in for k in row.indices { row[k] = numbers[k] } }
      }
      let pair = try EmbeddingPair(
        image: VectorRows(block, places: placeOfSample, label: "image vectors, readout \(readout)"),
        text: VectorRows(texts[place], places: Array(0..<set.count), label: "text vectors, readout \(readout)"),
        ids: set.ids, threads: pool.threads)
      return (readout, pair)
    }
  }

  private func tokens(_ images: [Int], _ projector: TrainableProjector) throws -> Block<Float> {
    try projector.forward(
      set.features(images, on: pool), images: images.count, path: checkpoint.model.path, on: pool
    ).0
  }

  /// Mean over all supervised tokens; NaN without a head, or where nothing precedes the first token.
  package func nextTokenLoss(_ prefix: EvaluationPrefix) throws -> Double {
    guard let head = decoder.head else { return .nan }
    let loss = NextTokenLoss(head: head)
    let samples = Dictionary(grouping: 0..<set.count) { placeOfSample[$0] }
    var (total, count) = (0.0, 0)
    for range in Pieces(of: 0..<images.count, size: Self.batch).all {
      let (pasts, ends) = try prefix.read(Array(images[range]), of: set, checkpoint, on: pool)
      let members = range.flatMap { place in
        (samples[place] ?? []).map { (sample: set.samples[$0], image: place - range.lowerBound) }
      }
      // The first token of a sample without a prompt is told by the prefix.
      let early = members.filter { $0.sample.prompt.isEmpty }
      if !early.isEmpty {
        guard let ends else { return .nan }
        total += try loss.losses(
          ends.picked(early.map(\.image), on: pool), targets: early.map { $0.sample.targets[0] }, on: pool
        ).reduce(0, +)
      }
      let fed = members.map { $0.sample.prompt + $0.sample.targets.dropLast() }
      let later = members.indices.filter { !fed[$0].isEmpty }
      if !later.isEmpty {
        let states = try decoder.extend(
          decoder.embed(later.flatMap { fed[$0] }, on: pool), lengths: later.map { fed[$0].count },
          pasts: later.map { pasts[members[$0].image] }, on: pool
        ).states
        var (places, targets, start) = ([Int](), [Int32](), 0)
        for member in later {
          let sample = members[member].sample
          let own = sample.targets.dropFirst(sample.prompt.isEmpty ? 1 : 0)
          start += fed[member].count
          places += start - own.count..<start
          targets += own
        }
        total += try loss.losses(states.picked(places, on: pool), targets: targets, on: pool).reduce(0, +)
      }
      count += members.reduce(0) { $0 + $1.sample.targets.count }
    }
    return total / Double(count)
  }

  /// What the decoder makes of every image after a prefix: the loss, questions and captions.
  ///
  /// - Parameter answering: whether questions are asked and captions written, too.
  package func answers(_ prefix: EvaluationPrefix, answering: Bool = true) throws -> [MetricEntry] {
    let loss = try nextTokenLoss(prefix)
    var entries = [MetricEntry("ntp_loss", loss), MetricEntry("perplexity", exponential(loss))]
    guard answering else { return entries }
    if let questions {
      entries += try QuestionEvaluation(questions, checkpoint: checkpoint, pool: pool).entries(
        questioned(prefix))
    }
    return entries
      + (try CaptionEvaluation(configuration, set, checkpoint: checkpoint, pool: pool).entries(prefix))
  }

  /// The same prefix for the images that questions are about: captions by their numbers there.
  private func questioned(_ prefix: EvaluationPrefix) throws -> EvaluationPrefix {
    guard case .captions = prefix, let questions else { return prefix }
    return .captions(try trueCaptions(of: questions.samples))
  }

  /// Tokens of a true caption of each image of `other`, which are among the images here.
  private func trueCaptions(of other: TrainingSet) throws -> [[Int32]] {
    var captions: [String: [Int32]] = [:]
    for sample in 0..<set.count where captions[set.images[set.imageOfSample[sample]]] == nil {
      captions[set.images[set.imageOfSample[sample]]] = checkpoint.tokenizer.encode(
        set.captions[sample].text, addingSpecialTokens: false)
    }
    return other.images.map { captions[$0] ?? [] }
  }

  /// What the decoder tells at best, given a true caption, and at least, given nothing.
  package func bounds() throws -> (ceiling: [MetricEntry], floor: [MetricEntry]) {
    (try answers(.captions(trueCaptions(of: set))), try answers(.nothing))
  }

  /// The same data for a decoder with adapters: text vectors are read again.
  package func adapted(_ decoder: Decoder) throws -> HeldOut {
    try HeldOut(
      configuration, checkpoint: checkpoint.with(decoder), set: set, questions: questions, readouts: readouts,
      pool: pool)
  }

  /// The same on other threads.
  package func on(_ pool: WorkerPool) -> HeldOut {
    var result = self
    result.pool = pool
    return result
  }
}
