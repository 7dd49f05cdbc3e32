import GapDatasets
package import GapLinearAlgebra
package import GapModels
import GapTensorFiles

/// Images and captions as a run uses them: features, tokens, and what messages call them.
package struct TrainingSet {
  package let features: TrainingFeatures
  /// Paths of the images, by their numbers.
  package let images: [String]
  /// For each sample, the number of its image.
  package let imageOfSample: [Int]
  package let captions: [NamedCaption]
  /// Prompt and targets of each sample.
  package let samples: [TrainingSample]
  /// What captions of one image share; nil where no image has several.
  package let ids: [String]?

  /// Pairs that are left out, since their images cannot be read.
  package let skippedPairs: Int

  package var count: Int { samples.count }
  /// For each sample the path of its image.
  package var imagePaths: [String] { imageOfSample.map { images[$0] } }

  /// Reads a file of images and captions.
  ///
  /// - Parameters:
  ///   - features: `FILE` or `FILE::KEY` in place of images.
  ///   - cache: directory in which features are kept; nil keeps them in memory alone.
  /// - Throws: `DatasetError`, `ModelError`, `TensorFileError`, `TrainingError`.
  package init(
    pairs path: String, features: String?, checkpoint: Checkpoint, configuration: RunConfiguration,
    cache: String?,
    pool: WorkerPool, progress: (Double) -> Void = { _ in }
  ) throws {
    let stored = try features.map { try TensorReference(parsing: $0).tensor() }
    let skipsBad = configuration.skipsBadImages
    let file = try CaptionedImages(path: path, checksImages: stored == nil && !skipsBad)
    let records = file.records.map {
      NamedPair(image: $0.image, caption: $0.caption, id: $0.id, place: "\(file.path): line \($0.line)")
    }
    // Known before hours go into features.
    if path == configuration.pairs { try configuration.checkBatch(pairs: records.count) }
    let pairs = CheckpointPairs(records, features: stored)
    let source: FeatureSource
    if let stored {
      let width = configuration.projector == .checkpoint ? try checkpoint.model.requiredProjector().inputs : nil
      source = try .stored(stored, images: pairs.images.count, width: width)
    } else {
      source = .images(
        pairs.images, cache: try cache.map { try FeatureCache(directory: $0, checkpoint: checkpoint) })
    }
    let read = try TrainingFeatures(
      source, checkpoint: checkpoint, skipsBad: skipsBad, pool: pool, progress: progress)
    let bad = Set(read.bad.map(\.image))
    let kept = records.indices.filter { !bad.contains(pairs.imageOfRecord[$0]) }
    self.features = read
    images = pairs.images.map(\.path)
    skippedPairs = records.count - kept.count
    imageOfSample = kept.map { pairs.imageOfRecord[$0] }
    let captions = kept.map { pairs.captions[$0] }
    self.captions = captions
    ids = pairs.ids.map { ids in kept.map { ids[$0] } }
    let template = try CaptionTemplate(configuration, checkpoint)
    samples = try pool.map(captions.count) { _, i in try template.sample(captions[i]) }
    guard !samples.isEmpty else {
      throw TrainingError.badData(
        place: path, expected: "at least one image that can be read", found: "none",
        hint: "the first: \(read.bad.first.map { "\($0.fault)" } ?? "no pairs")")
    }
  }

  private init(_ whole: TrainingSet, _ members: [Int]) {
    features = whole.features
    images = whole.images
    imageOfSample = members.map { whole.imageOfSample[$0] }
    captions = members.map { whole.captions[$0] }
    samples = members.map { whole.samples[$0] }
    ids = whole.ids.map { ids in members.map { ids[$0] } }
    skippedPairs = 0
  }

  /// Samples made elsewhere, of images whose features are there.
  init(
    features: TrainingFeatures, images: [String], imageOfSample: [Int], captions: [NamedCaption],
    samples: [TrainingSample]
  ) {
    self.features = features
    self.images = images
    self.imageOfSample = imageOfSample
    self.captions = captions
    self.samples = samples
    ids = nil
    skippedPairs = 0
  }

  /// Some of the samples, with the features of all.
  package func subset(_ members: [Int]) -> TrainingSet { TrainingSet(self, members) }

  /// Features of some samples, [samples · rows, width].
  package func features(of samples: [Int], on pool: WorkerPool) throws -> Block<Float> {
    try features(samples.map { imageOfSample[$0] }, on: pool)
  }
}

/// How a caption becomes tokens that are to be predicted.
struct CaptionTemplate: Sendable {
  private let tokenizer: Tokenizer
  private let prompt: [Int32]
  private let end: String
  private let last: [Int32]

  /// Tokens of what ends a text that is tokenised without it.
  var ending: [Int32] { end.isEmpty ? last : tokenizer.encode(end, addingSpecialTokens: false) }

  /// - Throws: `TrainingError.badValue` when the tokenizer has no EOS that is asked for.
  init(_ configuration: RunConfiguration, _ checkpoint: Checkpoint) throws {
    tokenizer = checkpoint.tokenizer
    prompt = tokenizer.encode(configuration.prompt, addingSpecialTokens: false)
    switch configuration.end {
    case .text(let text): (end, last) = (text, [])
    case .eos:
      guard let token = tokenizer.endToken else {
        throw TrainingError.badValue(
          place: checkpoint.tokenizerPath, key: "template.end",
          expected: "text, since the tokenizer has no EOS token",
          found: "eos")
      }
      (end, last) = ("", [token])
    }
  }

  /// - Throws: `ModelError.captionWithoutTokens`; `TokenizerError.textTooLong`.
  func sample(_ caption: NamedCaption) throws -> TrainingSample {
    let targets = try tokenizer.encode(caption.text + end, from: caption.place)
    guard !targets.isEmpty else { throw ModelError.captionWithoutTokens(place: caption.place) }
    return TrainingSample(prompt: prompt, targets: targets + last)
  }
}
