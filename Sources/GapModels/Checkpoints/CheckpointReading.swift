import GapLayers
package import GapLinearAlgebra

/// A caption, and where it stands.
package struct NamedCaption: Sendable, Equatable {
  package let text: String
  /// Such as `pairs.jsonl: line 3`, for messages.
  package let place: String

  package init(text: String, place: String) {
    self.text = text
    self.place = place
  }
}

/// The vectors of one readout.
package struct ReadVectors: Sendable {
  package let readout: Readout
  /// [images, width].
  package let image: Block<Float>
  /// [captions, width].
  package let text: Block<Float>
}

/// Reads vectors off a checkpoint for images and captions, batch after batch.
package struct CheckpointReading {
  package let checkpoint: Checkpoint
  package let readouts: [Readout]
  package let pool: WorkerPool
  /// Tokens of each caption, without BOS.
  package let captions: [[Int32]]
  private let vectors: ReadoutVectors

  /// Captions that are read between two reports of progress.
  private static let captionBatch = 64

  /// - Parameters:
  ///   - imagePrompt: what follows the image at readout `last`; empty for nothing.
  ///   - textPrompt: what follows the caption and a space at readout `last`; empty for nothing.
  /// - Throws: `TokenizerError.textTooLong`; `ModelError.captionWithoutTokens`, `.unknownFamily` when a readout needs a decoder that is not read,
  ///   `.badSetting` for a layer that is not there.
  package init(
    checkpoint: Checkpoint, captions: [NamedCaption], readouts: [Readout], imagePrompt: String = "",
    textPrompt: String = "", pool: WorkerPool
  ) throws {
    self.checkpoint = checkpoint
    self.readouts = readouts
    self.pool = pool
    let tokenizer = checkpoint.tokenizer
    self.captions = try pool.map(captions.count) { _, i in
      let tokens = try tokenizer.encode(captions[i].text, from: captions[i].place)
      guard !tokens.isEmpty else { throw ModelError.captionWithoutTokens(place: captions[i].place) }
      return tokens
    }
    let prompted: [[Int32]]? =
      textPrompt.isEmpty || !readouts.contains(.last)
      ? nil
      : try pool.map(captions.count) { _, i in
        let tokens = try tokenizer.encode(captions[i].text + " " + textPrompt, from: captions[i].place)
        guard !tokens.isEmpty else { throw ModelError.captionWithoutTokens(place: captions[i].place) }
        return tokens
      }
    let tokens = ReadoutTokens(
      beginning: checkpoint.beginning,
      imagePrompt: tokenizer.encode(imagePrompt, addingSpecialTokens: false), captions: self.captions,
      promptedCaptions: prompted)
    var pass: ReadoutPass?
    if readouts.contains(where: { $0 != .input }) {
      let decoder = try checkpoint.model.requiredDecoder()
      for case .layer(let layer) in readouts where layer > decoder.blocks.count {
        throw ModelError.badSetting(
          path: checkpoint.model.path, key: "--readout",
          expected: "layer:0 to layer:\(decoder.blocks.count), the decoder's layers", found: "layer:\(layer)")
      }
      pass = ReadoutPass(decoder: decoder, pool: pool)
    }
    vectors = ReadoutVectors(
      pass: pass, embeddings: checkpoint.model.embeddings, tokens: tokens, pool: pool)
  }

  /// Vectors of all captions.
  ///
  /// - Returns: for each readout, [captions, width].
  package func texts(progress: (Double) -> Void = { _ in }) throws -> [Block<Float>] {
    let targets = try readouts.map { Block<Float>.zeros(captions.count, try checkpoint.width(of: $0)) }
    for range in Pieces(of: 0..<captions.count, size: Self.captionBatch).all {
      let rows = try vectors.captions(range, readouts) { share in
        progress((Double(range.lowerBound) + share * Double(range.count)) / Double(captions.count))
      }
      for (target, rows) in zip(targets, rows) { Self.copy(rows, Array(range), to: target) }
      progress(Double(range.upperBound) / Double(captions.count))
    }
    return targets
  }

  /// Vectors of all images.
  ///
  /// - Parameters:
  ///   - bad: told of an image that cannot be used; when it returns, the image's rows stay zero.
  ///   - visit: gets each batch's visual tokens, [images · tokens, C], for what else is read from them.
  /// - Returns: for each readout, [images, width].
  package func images(
    _ source: FeatureSource, bad: (_ image: Int, _ fault: ModelError) throws -> Void,
    visit: (_ images: [Int], _ visual: Block<Float>) throws -> Void = { _, _ in },
    progress: (Double) -> Void = { _ in }
  ) throws -> [Block<Float>] {
    let targets = try readouts.map { Block<Float>.zeros(source.count, try checkpoint.width(of: $0)) }
    var done = 0.0
    // Encoding and decoding a batch take about as long as each other.
    let total = 2 * Double(max(source.count, 1))
    progress(0)
    try FeaturePass(checkpoint: checkpoint, source: source, pool: pool).run(bad: bad) { batch in
      let count = Double(batch.images.count)
      progress((done + count) / total)
      let visual = try checkpoint.model.visualTokens(batch.features, images: batch.images.count, on: pool)
      let rows = try vectors.images(visual, perImage: visual.rows / batch.images.count, readouts) {
        progress((done + count * (1 + $0)) / total)
      }
      for (target, rows) in zip(targets, rows) { Self.copy(rows, batch.images, to: target) }
      try visit(batch.images, visual)
      done += 2 * count
      progress(done / total)
    }
    return targets
  }

  private static func copy(_ rows: [[Float]], _ places: [Int], to target: Block<Float>) {
    for (place, numbers) in zip(places, rows) {
      target.writeRow(place) { row in for k in row.indices { row[k] = numbers[k] } }
    }
  }
}
