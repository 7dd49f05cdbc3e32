package import GapLinearAlgebra

/// The tokens of captions and prompts, and what stands before them.
package struct ReadoutTokens: Sendable {
  /// The token that every sequence begins with, or none.
  package let beginning: [Int32]
  /// Tokens of the image's prompt.
  package let imagePrompt: [Int32]
  /// Tokens of each caption.
  package let captions: [[Int32]]
  /// Tokens of each caption, a space and the text's prompt as one string.
  package let promptedCaptions: [[Int32]]

  package init(
    beginning: Int32?, imagePrompt: [Int32] = [], captions: [[Int32]], promptedCaptions: [[Int32]]? = nil
  ) {
    self.beginning = beginning.map { [$0] } ?? []
    self.imagePrompt = imagePrompt
    self.captions = captions
    self.promptedCaptions = promptedCaptions ?? captions
  }
}

/// Reads vectors off a decoder, for images from their visual tokens and for captions from their tokens.
///
/// - Source: definitions in `Readout`; checked against transformers, sample by sample
///   (`Fixtures/generators/checkpoints.py`).
package struct ReadoutVectors {
  /// nil where there is no decoder: then `input` is the only readout.
  package let pass: ReadoutPass?
  package let tokens: ReadoutTokens
  private let embeddings: TokenEmbeddings
  private let pool: WorkerPool

  package init(pass: ReadoutPass, tokens: ReadoutTokens) {
    self.init(pass: pass, embeddings: pass.decoder.tokenEmbeddings, tokens: tokens, pool: pass.pool)
  }

  /// - Parameter pass: nil where `input` is the only readout that will be asked for; others are then a programmer error.
  package init(pass: ReadoutPass?, embeddings: TokenEmbeddings, tokens: ReadoutTokens, pool: WorkerPool) {
    self.pass = pass
    self.embeddings = embeddings
    self.tokens = tokens
    self.pool = pool
  }

  /// One vector an image.
  ///
  /// - Parameters:
  ///   - visual: [images · perImage, input width].
  ///   - readouts: what is wanted; all come from one pass, but `last`, which has its own.
  ///   - progress: told the share that is done, 0…1.
  /// - Returns: for each readout, [images][C].
  package func images(
    _ visual: Block<Float>, perImage: Int, _ readouts: [Readout], progress: (Double) -> Void = { _ in }
  ) throws -> [[[Float]]] {
    let count = visual.rows / perImage
    let spans = (0..<count).map { $0 * perImage..<($0 + 1) * perImage }
    let lead = tokens.beginning.count
    return try vectors(readouts, count, progress) { index in
      visual.mean(of: spans[index])
    } plain: { index in
      (ReadoutSequence(leading: tokens.beginning, visual: spans[index]), lead..<lead + perImage)
    } prompted: { index in
      ReadoutSequence(leading: tokens.beginning, visual: spans[index], trailing: tokens.imagePrompt)
    } visual: {
      visual
    }
  }

  /// One vector a caption of those in `range`.
  package func captions(
    _ range: Range<Int>, _ readouts: [Readout], progress: (Double) -> Void = { _ in }
  ) throws -> [[[Float]]] {
    let lead = tokens.beginning.count
    return try vectors(readouts, range.count, progress) { index in
      let own = tokens.captions[range.lowerBound + index]
      return try embeddings.rows(of: own, on: pool).mean(of: 0..<own.count)
    } plain: { index in
      let own = tokens.captions[range.lowerBound + index]
      return (ReadoutSequence(leading: tokens.beginning + own), lead..<lead + own.count)
    } prompted: { index in
      ReadoutSequence(leading: tokens.beginning + tokens.promptedCaptions[range.lowerBound + index])
    } visual: {
      nil
    }
  }

  private func vectors(
    _ readouts: [Readout], _ count: Int, _ progress: (Double) -> Void, input: (Int) throws -> [Float],
    plain: (Int) -> (ReadoutSequence, span: Range<Int>), prompted: (Int) -> ReadoutSequence,
    visual: () -> Block<Float>?
  ) throws -> [[[Float]]] {
    var result = [[[Float]]](repeating: Array(repeating: [], count: count), count: readouts.count)
    var byLayer: [Int: [Int]] = [:]
    for (place, readout) in readouts.enumerated() {
      switch readout {
      case .input: for i in 0..<count { result[place][i] = try input(i) }
      case .layer(let layer): byLayer[layer, default: []].append(place)
      case .last:
        guard let pass else { preconditionFailure("this readout needs a decoder") }
        let final = pass.decoder.blocks.count
        try pass.run(
          (0..<count).map(prompted), visual: visual(), through: final, progress: progress
        ) { layer, i, states in
          if layer == final { result[place][i] = states.mean(of: states.rows - 1..<states.rows) }
        }
      }
    }
    guard let deepest = byLayer.keys.max() else { return result }
    guard let pass else { preconditionFailure("this readout needs a decoder") }
    let items = (0..<count).map(plain)
    try pass.run(
      items.map(\.0), visual: visual(), through: deepest, progress: progress
    ) { layer, i, states in
      guard let places = byLayer[layer] else { return }
      let mean = states.mean(of: items[i].span)
      for place in places { result[place][i] = mean }
    }
    return result
  }
}
