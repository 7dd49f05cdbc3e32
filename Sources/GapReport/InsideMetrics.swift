import GapLayers
import GapLinearAlgebra
import GapMetrics
import GapModels

/// The metrics that need the model and not only vectors, `mir` and `vocabulary_lens`, fed with visual tokens as they
/// are made.
///
/// Both look at no more than `request.tokenLimit` tokens: a seeded sample of images with all their captions.
struct InsideMetrics {
  private(set) var metrics: [MetricEntry] = []
  private(set) var sampled: [String: Int] = [:]
  private(set) var warnings: [GapWarning] = []

  private let request: CheckpointRequest
  private let reading: CheckpointReading
  private let pool: WorkerPool
  /// For each image, its records.
  private let records: [[Int]]
  /// For each image, the texts of its captions.
  private let texts: [[String]]
  /// Images in a random order, of which the first are the sample.
  private let order: [Int]
  /// Images of the sample; nil until the first tokens tell how many fit.
  private var chosen: Set<Int>?
  private var lens: VocabularyLens?
  private var kept: [(images: [Int], visual: Block<Float>)] = []

  init(_ request: CheckpointRequest, _ reading: CheckpointReading, _ pairs: CheckpointPairs, _ pool: WorkerPool)
  {
    self.request = request
    self.reading = reading
    self.pool = pool
    var records = [[Int]](repeating: [], count: pairs.images.count)
    for (record, image) in pairs.imageOfRecord.enumerated() { records[image].append(record) }
    self.records = records
    texts = records.map { $0.map { pairs.captions[$0].text } }
    var generator = SeededGenerator(seed: request.seed, purpose: "images inside the model")
    order = generator.permutation(of: pairs.images.count).map { Int($0) }
    if request.usesVocabularyLens {
      let checkpoint = reading.checkpoint
      lens = VocabularyLens(
        embeddings: checkpoint.model.embeddings, tokenizer: checkpoint.tokenizer, pool: pool)
    }
  }

  private var isWanted: Bool { lens != nil || takesRate }

  private var takesRate: Bool {
    request.integrationRate != nil && reading.checkpoint.model.decoder != nil
  }

  /// Takes a batch of images with their visual tokens, [images · tokens, C].
  mutating func add(images: [Int], visual: Block<Float>) throws {
    guard isWanted else { return }
    let perImage = visual.rows / images.count
    let chosen = self.chosen ?? sample(perImage: perImage)
    self.chosen = chosen
    let places = images.indices.filter { chosen.contains(images[$0]) }
    guard !places.isEmpty else { return }
    let own = try Block.joined(places.map { visual.rows($0 * perImage..<($0 + 1) * perImage) }, on: pool)
    let members = places.map { images[$0] }
    try lens?.add(own, captions: members.map { texts[$0] })
    if takesRate { kept.append((members, own)) }
  }

  /// As many images of the random order as the limit has room for, at least one.
  private func sample(perImage: Int) -> Set<Int> {
    guard request.tokenLimit > 0 else { return Set(order) }
    var left = request.tokenLimit
    var chosen: Set<Int> = []
    for image in order {
      left -= perImage + records[image].reduce(0) { $0 + reading.captions[$1].count }
      if left < 0 && !chosen.isEmpty { break }
      chosen.insert(image)
    }
    return chosen
  }

  /// Works out what is left to do when all images were added.
  mutating func finish(progress: (Double) -> Void) throws {
    let used = chosen?.count ?? 0
    if takesRate { try addRate(progress) }
    if let lens, used > 0 {
      metrics.append(MetricEntry("vocabulary_lens", .object(lens.metrics)))
      note("vocabulary_lens", used)
    }
    if used < records.count, used > 0, isWanted {
      warnings.append(
        GapWarning(
          code: "sampled",
          message: "mir and vocabulary_lens: a seeded sample of \(used) images of \(records.count)"
            + " (--token-limit \(request.tokenLimit))"))
    }
    warnings += unavailable()
  }

  private mutating func note(_ key: String, _ used: Int) {
    if used < records.count { sampled[key] = used }
  }

  /// What could not be worked out for want of a decoder.
  private func unavailable() -> [GapWarning] {
    guard request.integrationRate != nil, let reason = reading.checkpoint.model.missingDecoder else {
      return []
    }
    return [GapWarning(code: "undefined", message: "mir is not defined: \(reason)")]
  }

  private mutating func addRate(_ progress: (Double) -> Void) throws {
    guard let mode = request.integrationRate, let decoder = reading.checkpoint.model.decoder, !kept.isEmpty
    else {
      return
    }
    let visual = try Block.joined(kept.map(\.visual), on: pool)
    let perImage = kept.flatMap { part in
      part.images.map { _ in part.visual.rows / part.images.count }
    }
    let captions = kept.flatMap { part in part.images.flatMap { records[$0].map { reading.captions[$0] } } }
    let rate = try ModalityIntegrationRate(
      visual: visual, perImage: perImage, captions: captions, beginning: reading.checkpoint.beginning,
      decoder: decoder, mode: mode, pool: pool, progress: progress)
    kept = []
    metrics.append(MetricEntry("mir", rate.value))
    metrics.append(MetricEntry("mir_with_layer_0", rate.withLayerZero))
    metrics.append(MetricEntry("mir_layers", .list(rate.layers.map(\.value))))
    note("mir", chosen?.count ?? 0)
    if rate.value == nil {
      warnings.append(
        GapWarning(
          code: "undefined",
          message:
            "mir is not defined: the distances of all layers sum to \(rate.layers.dropFirst().reduce(0) { $0 + $1.value })"
        ))
    }
    if mode == .referenceFast {
      warnings.append(
        GapWarning(
          code: "mir_reference_fast",
          message:
            "mir is the published fast mode, in which two equal clouds are not 0 apart; --mir-mode exact is"))
    }
  }
}
