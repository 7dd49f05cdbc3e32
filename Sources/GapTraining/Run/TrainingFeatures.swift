import GapLayers
package import GapLinearAlgebra
package import GapModels
import GapTensorFiles

/// What enters the projector for every image, worked out once: in memory where it fits, on disk where it does not.
package struct TrainingFeatures {
  private enum Store {
    /// [images · rows, width].
    case memory(Block<Float>)
    /// [images, rows, width] or [images, width].
    case stored(Tensor)
    case cache(FeatureCache, [NamedImage])
  }

  private let store: Store
  /// Feature rows of an image.
  package let rows: Int
  /// Numbers in a row.
  package let width: Int
  /// Images that cannot be used, and why.
  package let bad: [(image: Int, fault: ModelError)]

  /// Bytes of features that are kept in memory.
  static let memory = 4 << 30

  /// - Parameters:
  ///   - cache: where features are kept; needed for those that do not fit into memory.
  ///   - skipsBad: goes on without images that cannot be read.
  /// - Throws: `ModelError`, `TensorFileError`.
  package init(
    _ source: FeatureSource, checkpoint: Checkpoint, skipsBad: Bool, pool: WorkerPool,
    progress: (Double) -> Void = { _ in }
  ) throws {
    if case .stored(let tensor) = source {
      width = tensor.shape[tensor.shape.count - 1]
      rows = tensor.shape.dropFirst().dropLast().reduce(1, *)
      store = .stored(tensor)
      bad = []
      return
    }
    guard case .images(let images, let cache) = source else { preconditionFailure("features of another kind") }
    guard let vision = checkpoint.model.vision, let selection = checkpoint.model.selection else {
      throw checkpoint.model.missingVision ?? VisionLanguageModel.noVision(checkpoint.model.path)
    }
    width = vision.configuration.width * selection.layers.count
    var rows = 0
    var kept: Block<Float>?
    var bad: [(image: Int, fault: ModelError)] = []
    var done = 0
    let width = width
    try FeaturePass(checkpoint: checkpoint, source: source, pool: pool).run(
      bad: { image, fault in
        guard skipsBad else { throw fault }
        bad.append((image, fault))
      },
      visit: { batch in
        let own = batch.features.rows / batch.images.count
        if rows == 0 {
          rows = own
          let bytes = images.count * own * width * 4
          if bytes <= Self.memory || cache == nil { kept = .zeros(images.count * own, width) }
        }
        guard own == rows else {
          throw ModelError.featuresDiffer(
            path: images[batch.images[0]].place,
            expected: "\(rows) feature rows an image, as the images before",
            found: "\(own)")
        }
        if let kept {
          for (place, image) in batch.images.enumerated() {
            try kept.rows(image * own..<(image + 1) * own).add(
              batch.features.rows(place * own..<(place + 1) * own), on: pool)
          }
        }
        done += batch.images.count
        progress(Double(done) / Double(images.count))
      })
    self.rows = rows
    self.bad = bad
    if let kept {
      store = .memory(kept)
    } else if let cache {
      store = .cache(cache, images)
    } else {
      store = .memory(.zeros(0, width))
    }
  }

  /// Features of some images.
  ///
  /// - Returns: [images · rows, width].
  /// - Throws: `TensorFileError`; `ModelError.fileMissing` when a kept file is gone.
  package func callAsFunction(_ images: [Int], on pool: WorkerPool) throws -> Block<Float> {
    let target = Block<Float>.zeros(images.count * rows, width)
    for (place, image) in images.enumerated() {
      let own = target.rows(place * rows..<(place + 1) * rows)
      switch store {
      case .memory(let block): try own.add(block.rows(image * rows..<(image + 1) * rows), on: pool)
      case .stored(let tensor):
        try own.buffer.write(own.offset..<own.offset + own.extent) {
          try tensor.read(rows: image..<image + 1, into: &$0)
        }
      case .cache(let cache, let names):
        guard let kept = cache.features(of: names[image].path, width: width), kept.rows == rows else {
          throw ModelError.fileMissing(
            path: cache.directory, hint: "the kept features of \(names[image].path) are gone or were changed")
        }
        try own.add(kept, on: pool)
      }
    }
    return target
  }
}
