import GapImages
import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

/// An image file, and where it was named.
package struct NamedImage: Sendable, Equatable {
  package let path: String
  /// Such as `pairs.jsonl: line 3`, for messages.
  package let place: String

  package init(path: String, place: String) {
    self.path = path
    self.place = place
  }
}

/// Where the rows that enter a projector come from.
package enum FeatureSource: Sendable {
  /// Image files, through the checkpoint's own vision encoder; what was worked out once is kept in the cache, if any.
  case images([NamedImage], cache: FeatureCache?)
  /// [images, rows, width], or [images, width] for one row an image.
  case stored(Tensor)

  /// Number of images.
  package var count: Int {
    switch self {
    case .images(let images, _): images.count
    case .stored(let tensor): tensor.shape[0]
    }
  }

  /// Checks that a tensor can hold features of `count` images for this projector.
  ///
  /// - Throws: `ModelError.featuresDiffer`, `TensorFileError`.
  package static func stored(_ tensor: Tensor, images count: Int, for projector: Projector) throws
    -> FeatureSource
  { try stored(tensor, images: count, width: projector.inputs) }

  /// The same for features of a width, or of any.
  package static func stored(_ tensor: Tensor, images count: Int, width: Int?) throws -> FeatureSource {
    try tensor.requireNumbers()
    let rows = tensor.shape.dropFirst().dropLast().reduce(1, *)
    guard [2, 3].contains(tensor.shape.count), tensor.shape[0] == count, rows > 0,
      tensor.shape.last != 0, width == nil || tensor.shape.last == width
    else {
      throw ModelError.featuresDiffer(
        path: tensor.path + "::" + tensor.name,
        expected:
          "an array (\(count), rows, \(width.map(String.init) ?? "width")): images, feature rows, the projector's inputs",
        found: ModelWeights.text(tensor.shape))
    }
    return .stored(tensor)
  }
}

/// Features of some images, all with the same number of rows.
package struct FeatureBatch: Sendable {
  /// Which images, by number.
  package let images: [Int]
  /// [images · rows, width].
  package let features: Block<Float>
}

/// Goes through the images of a source in batches.
package struct FeaturePass {
  package let checkpoint: Checkpoint
  package let source: FeatureSource
  package let pool: WorkerPool

  /// Feature rows that are worked on together: enough to keep products large, few enough to bound memory and what an
  /// interruption loses.
  private static let batchRows = 1024
  /// Numbers of the pixels that are in memory together, where patches are so large that rows bound nothing.
  private static let batchNumbers = 1 << 24

  package init(checkpoint: Checkpoint, source: FeatureSource, pool: WorkerPool) {
    self.checkpoint = checkpoint
    self.source = source
    self.pool = pool
  }

  /// - Parameters:
  ///   - bad: told of an image that cannot be used; when it returns, the image is left out.
  ///   - visit: gets the batches, images in order but for those whose number of rows differs from their neighbours'.
  package func run(
    bad: (_ image: Int, _ fault: ModelError) throws -> Void, visit: (FeatureBatch) throws -> Void
  ) throws {
    switch source {
    case .stored(let tensor): try stored(tensor, visit)
    case .images(let images, let cache): try read(images, cache, bad, visit)
    }
  }

  private func stored(_ tensor: Tensor, _ visit: (FeatureBatch) throws -> Void) throws {
    let width = tensor.shape[tensor.shape.count - 1]
    let rows = tensor.shape.dropFirst().dropLast().reduce(1, *)
    for range in Pieces(of: 0..<tensor.shape[0], size: max(1, Self.batchRows / rows)).all {
      let features = Block<Float>.zeros(range.count * rows, width)
      try features.buffer.write(0..<features.extent) { try tensor.read(rows: range, into: &$0) }
      try visit(FeatureBatch(images: Array(range), features: features))
      tensor.release(rows: range)
    }
  }

  private func read(
    _ images: [NamedImage], _ cache: FeatureCache?,
    _ bad: (Int, ModelError) throws -> Void, _ visit: (FeatureBatch) throws -> Void
  ) throws {
    guard let vision = checkpoint.model.vision, let selection = checkpoint.model.selection else {
      throw checkpoint.model.missingVision ?? VisionLanguageModel.noVision(checkpoint.model.path)
    }
    let processor = try checkpoint.processor.get()
    let side = vision.configuration.imageSide
    let size = max(
      1, min(Self.batchRows / vision.tokens(height: side, width: side), Self.batchNumbers / (3 * side * side)))
    let width = vision.configuration.width * selection.layers.count
    for range in Pieces(of: 0..<images.count, size: size).all {
      let kept = range.map { cache?.features(of: images[$0].path, width: width) }
      // Products of a batch depend in their last bits on which images are in it. Where one is missing all go through
      // again, so that a pass that was stopped ends with the bits of one that was not; what is kept is used as it is.
      let isMissing = kept.map { $0 == nil }
      let again = isMissing.contains(true) ? Array(range) : []
      let square = checkpoint.expandsToSquare
      let pixels = try pool.map(again.count) { _, place in
        Self.pixels(of: images[again[place]], processor, square, most: vision.configuration.mostPixels)
      }
      var made: [(image: Int, pixels: PixelValues)] = []
      for (image, result) in zip(again, pixels) {
        switch result {
        case .success(let values): made.append((image, values))
        case .failure(let fault): if isMissing[image - range.lowerBound] { try bad(image, fault) }
        }
      }
      var features = Dictionary(
        uniqueKeysWithValues: range.compactMap { image in kept[image - range.lowerBound].map { (image, $0) } })
      for run in Self.runs(made.map { [$0.pixels.height, $0.pixels.width] }) {
        try encode(made[run].map { $0 }) { image, rows in
          guard isMissing[image - range.lowerBound] else { return }
          features[image] = rows
          try cache?.keep(rows, of: images[image].path)
        }
      }
      let ready = range.filter { features[$0] != nil }
      for run in Self.runs(ready.map { [features[$0]?.rows ?? 0] }) {
        let members = Array(ready[run])
        try visit(
          FeatureBatch(images: members, features: .joined(members.compactMap { features[$0] }, on: pool)))
      }
    }
  }

  private static func pixels(
    of image: NamedImage, _ processor: ImageProcessor, _ square: Bool, most: Int
  ) -> Result<PixelValues, ModelError> {
    do throws(ImageError) {
      let picture = try RGBImage(contentsOf: image.path)
      let (width, height) = processor.outputSize(of: picture, expandsToSquare: square)
      guard width * height <= most else {
        throw ImageError.dimensions(width: width, height: height, maximumPixels: most)
      }
      return .success(try processor.pixels(of: picture, expandsToSquare: square))
    } catch {
      return .failure(.badImage(place: image.place, fault: error))
    }
  }

  /// Encodes images of one size and hands over the rows of each.
  private func encode(
    _ items: [(image: Int, pixels: PixelValues)], _ each: (Int, Block<Float>) throws -> Void
  ) throws {
    guard let (height, width) = items.first.map({ ($0.pixels.height, $0.pixels.width) }) else { return }
    let pixels = Block<Float>.zeros(items.count, 3 * height * width)
    for (place, item) in items.enumerated() {
      let values = item.pixels.values
      pixels.writeRow(place) { row in for k in row.indices { row[k] = values[k] } }
    }
    let features = try checkpoint.model.features(pixels, height: height, width: width, on: pool)
    let rows = features.rows / items.count
    for (place, item) in items.enumerated() {
      try each(item.image, features.rows(place * rows..<(place + 1) * rows))
    }
  }

  /// Runs of equal neighbours.
  private static func runs(_ keys: [[Int]]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (place, key) in keys.enumerated() {
      if let last = runs.last, keys[last.lowerBound] == key {
        runs[runs.count - 1] = last.lowerBound..<place + 1
      } else {
        runs.append(place..<place + 1)
      }
    }
    return runs
  }
}
