import GapLayers
package import GapLinearAlgebra
package import GapMetrics
package import GapModels

/// What a projector is worth on data that it was not trained on.
package struct EvaluationRecord: Sendable, Equatable {
  /// Steps that were done; 0 is the start.
  package let step: Int
  /// Gap metrics by readout.
  package let metrics: [(readout: Readout, entries: [MetricEntry])]
  /// `ntp_loss`, `perplexity`.
  package let evaluation: [MetricEntry]
  package let seconds: Double

  package static func == (a: EvaluationRecord, b: EvaluationRecord) -> Bool {
    a.step == b.step && a.evaluation == b.evaluation && a.metrics.map(\.readout) == b.metrics.map(\.readout)
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
  private let pool: WorkerPool
  /// Images, each once, and for each sample its place among them.
  private let images: [Int]
  private let placeOfSample: [Int]

  /// Images that go through together.
  private static let batch = 32

  /// - Throws: what reading captions throws; `ModelError.badSetting` for a layer that is not there.
  package init(
    _ configuration: RunConfiguration, checkpoint: Checkpoint, set: TrainingSet, readouts: [Readout],
    pool: WorkerPool
  ) throws {
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
  /// - Throws: `MetricError`, `TensorFileError`, `ModelError`.
  package func evaluate(_ projector: TrainableProjector, step: Int) throws -> EvaluationRecord {
    let clock = ContinuousClock()
    let started = clock.now
    let metrics = try pairs(projector).map { readout, pair in
      (readout: readout, entries: try CoreMeasurement(of: pair, retrieves: true).metrics)
    }
    let loss = try nextTokenLoss(projector)
    return EvaluationRecord(
      step: step, metrics: metrics,
      evaluation: [MetricEntry("ntp_loss", loss), MetricEntry("perplexity", exponential(loss))],
      seconds: started.duration(to: clock.now) / .seconds(1))
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
        ids: set.ids)
      return (readout, pair)
    }
  }

  private func tokens(_ images: [Int], _ projector: TrainableProjector) throws -> Block<Float> {
    try projector.forward(
      set.features(images, on: pool), images: images.count, path: checkpoint.model.path, on: pool
    ).0
  }

  /// Mean over all supervised tokens.
  private func nextTokenLoss(_ projector: TrainableProjector) throws -> Double {
    guard let head = decoder.head else { return .nan }
    let lead = checkpoint.beginning.map { [$0] } ?? []
    let loss = NextTokenLoss(head: head)
    var (total, count) = (0.0, 0)
    for range in Pieces(of: 0..<set.count, size: Self.batch).all {
      let visual = try tokens(range.map { set.imageOfSample[$0] }, projector)
      let each = visual.rows / range.count
      let items = range.map { sample in
        let place = sample - range.lowerBound
        return ReadoutSequence(
          leading: lead, visual: place * each..<(place + 1) * each,
          trailing: set.samples[sample].prompt + set.samples[sample].targets.dropLast())
      }
      let pass = ReadoutPass(decoder: decoder, pool: pool)
      let sequences = Sequences(lengths: items.map(\.length))
      let last = decoder.blocks.count
      try decoder.run(pass.inputs(items, sequences, visual), sequences, through: last, on: pool) {
        layer, states in
        guard layer == last else { return }
        for sample in range {
          let end = sequences.rows(of: sample - range.lowerBound).upperBound
          let targets = set.samples[sample].targets
          total += try loss.losses(states.rows(end - targets.count..<end), targets: targets, on: pool).reduce(
            0, +)
          count += targets.count
        }
      }
    }
    return total / Double(count)
  }
}
