public import GapMetrics
public import GapModels

/// What a report of a checkpoint says beyond what its vectors give.
public struct ReportExtras: Sendable, Equatable {
  /// How the vectors were read off; nil for a dump of vectors.
  public var readout: String?
  /// Keys beyond those of the vectors: `layers`, `mir`, `vocabulary_lens`.
  public var metrics: [MetricEntry] = []
  /// How many pairs, queries or images a sampled metric used, by key.
  public var sampled: [String: Int] = [:]
  /// What a careful reviewer would raise.
  public var warnings: [GapWarning] = []
  /// Pairs left out because their image cannot be read.
  public var skippedPairs = 0
  /// Some pairs of every layer, to be looked at.
  public var layerProjections: [LayerProjection] = []

  /// Nothing but how vectors were read.
  public init(readout: Readout? = nil) { self.readout = readout?.description }

  /// What was found while vectors were read off a checkpoint, and the core metrics of its layers, if they were read.
  ///
  /// - Parameters:
  ///   - embeddings: what was read.
  ///   - readout: how.
  ///   - ids: for each pair, the name that captions of one image share.
  ///   - badPairs: whether rows that are not finite or of length zero stop or are left out, layer by layer.
  ///   - options: limits and seed of what is sampled.
  ///   - threads: the most threads at work, 0 for all processors.
  ///   - progress: told the share of the layers that is done, 0…1.
  /// - Throws: `MetricError`, naming the layer.
  public init(
    _ embeddings: CheckpointEmbeddings, readout: ReadoutChoice, ids: [String]?, badPairs: BadPairs = .refuse,
    options: MeasurementOptions = MeasurementOptions(), threads: Int = 0, progress: (Double) -> Void = { _ in }
  ) throws {
    self.readout = readout.description
    metrics = embeddings.metrics
    sampled = embeddings.sampled
    warnings = embeddings.warnings
    skippedPairs = embeddings.skippedPairs
    guard readout == .layers else { return }
    var layers: [[MetricEntry]] = []
    for vectors in embeddings.vectors.dropFirst() {
      let pair = try EmbeddingPair(
        image: vectors.image, text: vectors.text, ids: ids, badPairs: badPairs, threads: threads)
      let core = try CoreMeasurement(of: pair, options: options)
      layers.append(core.metrics)
      warnings += core.warnings.map {
        GapWarning(code: $0.code, message: "\(vectors.readout): \($0.message)")
      }
      for (key, count) in core.sampled { sampled["layers." + key] = count }
      layerProjections.append(
        try LayerProjection(
          vectors.readout.description, of: pair, layers: embeddings.vectors.count - 1, seed: options.seed))
      progress(Double(layers.count) / Double(embeddings.vectors.count - 1))
    }
    metrics.insert(MetricEntry("layers", .table(layers)), at: 0)
  }
}
