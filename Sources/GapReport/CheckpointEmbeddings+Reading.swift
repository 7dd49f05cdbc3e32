import GapDatasets
import GapLinearAlgebra
import GapMetrics
import GapModels
import GapTensorFiles

extension CheckpointEmbeddings {
  /// Reads the vectors, batch by batch: memory holds one batch's states beside the vectors, weights stay mapped.
  ///
  /// - Parameters:
  ///   - request: what is to be read.
  ///   - progress: told what is being done and the share of the whole that is done, 0…1, from the calling thread.
  /// - Throws: `ModelError`, `TokenizerError`, `TensorFileError`, `DatasetError`; `ReportError` when disk or memory are too
  ///   small.
  public init(
    _ request: CheckpointRequest, progress: (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws {
    let checkpoint = try Checkpoint(request.parts)
    try self.init(request, checkpoint, progress)
  }

  private init(
    _ request: CheckpointRequest, _ checkpoint: Checkpoint, _ progress: (String, Double) -> Void
  ) throws {
    let pool = WorkerPool(threads: request.threads)
    let features = try request.features.map { try TensorReference(parsing: $0).tensor() }
    let file = try CaptionedImages(
      path: request.pairs, checksImages: features == nil && !request.skipsBadImages)
    let named = file.records.map {
      NamedPair(image: $0.image, caption: $0.caption, id: $0.id, place: "\(file.path): line \($0.line)")
    }
    let pairs = CheckpointPairs(named, features: features)
    let reading = try CheckpointReading(
      checkpoint: checkpoint, captions: pairs.captions, readouts: Self.readouts(request.readout, checkpoint),
      imagePrompt: request.imagePrompt, textPrompt: request.textPrompt, pool: pool)
    let source = try Self.source(request, checkpoint, pairs, features)
    if request.checksLimits {
      try CheckpointNeeds(
        request, checkpoint, images: source.count, captions: pairs.captions.count, readouts: reading.readouts
      ).check()
    }
    let work = ReadingWork(reading, images: source.count, request)

    var bad: [(image: Int, fault: ModelError)] = []
    var inside = InsideMetrics(request, reading, pairs, pool)
    let clock = ContinuousClock()
    var images: [Block<Float>] = []
    let imageTime = try clock.measure {
      images = try reading.images(
        source,
        bad: { image, fault in
          guard request.skipsBadImages else { throw fault }
          bad.append((image, fault))
        }, visit: { try inside.add(images: $0, visual: $1) },
        progress: { progress("images, \(Decimal.grouped(source.count)) in all", work.images(done: $0)) })
    }
    var texts: [Block<Float>] = []
    let textTime = try clock.measure {
      texts = try reading.texts { progress("captions", work.captions(done: $0)) }
    }
    let badImages = Set(bad.map(\.image))
    let kept = pairs.imageOfRecord.indices.filter { !badImages.contains(pairs.imageOfRecord[$0]) }
    vectors = reading.readouts.indices.map { k in
      let name = "readout \(reading.readouts[k])"
      return Vectors(
        readout: reading.readouts[k],
        image: VectorRows(
          images[k], places: kept.map { pairs.imageOfRecord[$0] }, label: "image vectors, \(name)"),
        text: VectorRows(texts[k], places: kept, label: "text vectors, \(name)"))
    }
    ids = pairs.ids.map { ids in kept.map { ids[$0] } }
    records = Array(kept)
    captions = kept.map { file.records[$0].caption }
    names = kept.map { record in
      let image = file.records[record].image
      return file.records[record].id ?? image.split(separator: "/").last.map(String.init) ?? image
    }
    let paths = kept.map { file.records[$0].image }
    self.images = features == nil ? paths : nil
    skippedPairs = pairs.captions.count - kept.count
    inputs = try Self.inputs(request, file, checkpoint, features)
    try inside.finish { progress("modality integration rate", work.inside(done: $0)) }
    metrics = inside.metrics
    sampled = inside.sampled
    warnings = Self.warnings(request, reading, pairs, bad, skippedPairs) + inside.warnings
    speed = ReadingSpeed(
      images: source.count - bad.count, imageSeconds: imageTime / .seconds(1),
      tokens: reading.captions.reduce(0) { $0 + $1.count }, tokenSeconds: textTime / .seconds(1))
  }

  private static func readouts(_ choice: ReadoutChoice, _ checkpoint: Checkpoint) throws -> [Readout] {
    switch choice {
    case .one(let readout): [readout]
    case .layers: try [.input] + (0...checkpoint.model.requiredDecoder().blocks.count).map { .layer($0) }
    }
  }

  private static func source(
    _ request: CheckpointRequest, _ checkpoint: Checkpoint, _ pairs: CheckpointPairs, _ features: Tensor?
  ) throws -> FeatureSource {
    let projector = try checkpoint.model.requiredProjector()
    if let features { return try .stored(features, images: pairs.images.count, for: projector) }
    let cache = try request.cache.map { try FeatureCache(directory: $0, checkpoint: checkpoint) }
    return .images(pairs.images, cache: cache)
  }

  private static func inputs(
    _ request: CheckpointRequest, _ file: CaptionedImages, _ checkpoint: Checkpoint, _ features: Tensor?
  ) throws -> [InputRecord] {
    var records = try checkpoint.model.files.map { file in
      try InputRecord(
        file: file.path, dtype: file.types.joined(separator: "+"), shape: [file.tensors],
        hashing: request.isHashing)
    }
    records.append(
      try InputRecord(
        file: request.pairs, dtype: "captions", shape: [file.records.count], hashing: request.isHashing))
    if let features {
      records.append(
        try InputRecord(
          file: features.path, dtype: features.elementType.name, shape: features.shape,
          hashing: request.isHashing))
    }
    return records
  }

  private static func warnings(
    _ request: CheckpointRequest, _ reading: CheckpointReading, _ pairs: CheckpointPairs,
    _ bad: [(image: Int, fault: ModelError)], _ skipped: Int
  ) -> [GapWarning] {
    var warnings: [GapWarning] = []
    let readsLayers = reading.readouts.contains { if case .layer = $0 { true } else { false } }
    if readsLayers && reading.checkpoint.beginning == nil {
      warnings.append(
        GapWarning(
          code: "no_bos_sink",
          message:
            "the tokenizer has no BOS token, so none is put in front: the first content token becomes the"
            + " attention sink, and layer readouts of short captions are dominated by it"))
    }
    if let first = bad.first {
      warnings.append(
        GapWarning(
          code: "skipped_images",
          message: "\(bad.count) of \(pairs.images.count) images cannot be read; \(skipped) pairs are left out"
            + " (the first: \(first.fault))"))
    }
    if let ids = pairs.ids {
      warnings.append(
        GapWarning(
          code: "shared_images",
          message:
            "\(ids.count) captions of \(Set(ids).count) images: an image counts once among images, as with"
            + " --ids"))
    }
    return warnings
  }
}

/// How much of the whole work each part is, for the progress bar: by numbers of multiplications.
private struct ReadingWork {
  private let image: Double
  private let caption: Double
  private let rest: Double

  init(_ reading: CheckpointReading, images: Int, _ request: CheckpointRequest) {
    let model = reading.checkpoint.model
    let side = model.vision.map { $0.configuration.imageSide } ?? 0
    let patches = model.vision?.tokens(height: side, width: side) ?? 256
    let vision = model.vision.map {
      Double($0.configuration.layers * $0.configuration.width * $0.configuration.width * 12)
    }
    let decoder = model.decoder.map {
      Double(
        $0.configuration.layers * $0.configuration.width
          * ($0.configuration.width * 4 + $0.configuration.feedForwardWidth * 3))
    }
    let deepest =
      reading.readouts.map { readout -> Double in
        switch readout {
        case .input: 0
        case .layer(let layer): Double(layer) / Double(max(model.decoder?.blocks.count ?? 1, 1))
        case .last: 1
        }
      }.max() ?? 0
    let tokens = Double(reading.captions.reduce(0) { $0 + $1.count })
    let visual = Double(images * patches)
    image = visual * ((vision ?? 0) + deepest * (decoder ?? 0)) + 1
    caption = tokens * deepest * (decoder ?? 0) + 1
    rest = request.integrationRate == nil ? 0 : (visual + tokens) * (decoder ?? 0)
  }

  private var whole: Double { image + caption + rest }

  func images(done share: Double) -> Double { share * image / whole }
  func captions(done share: Double) -> Double { (image + share * caption) / whole }
  func inside(done share: Double) -> Double { (image + caption + share * rest) / whole }
}
