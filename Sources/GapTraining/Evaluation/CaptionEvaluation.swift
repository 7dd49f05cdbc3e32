package import GapLinearAlgebra
package import GapMetrics
package import GapModels

/// What captions the decoder writes for held-out images, greedily, against the true ones.
///
/// `caption_exact_match`: the share that equals a true caption, but for white space. `attribute_f1`: the mean over images
/// of the F1 of the words among `attributes`, counted with repetition, the best of the image's captions.
package struct CaptionEvaluation {
  package let checkpoint: Checkpoint
  package let set: TrainingSet
  private let attributes: Set<String>
  private let images: [Int]
  private let prompt: [Int32]
  private let end: RunConfiguration.TemplateEnd
  private let pool: WorkerPool

  /// Images that go through together.
  private static let batch = 64

  /// - Parameters:
  ///   - checkpoint: with the decoder that writes.
  ///   - set: whose first images are written about, as many as the configuration says.
  package init(_ configuration: RunConfiguration, _ set: TrainingSet, checkpoint: Checkpoint, pool: WorkerPool)
  {
    self.checkpoint = checkpoint
    self.set = set
    self.pool = pool
    attributes = Set(configuration.evaluation?.attributes ?? [])
    images = Array(Set(set.imageOfSample).sorted().prefix(configuration.evaluation?.captions ?? 0))
    prompt = set.samples.first?.prompt ?? []
    end = configuration.end
  }

  /// - Throws: `TensorFileError`, `ModelError`.
  package func entries(_ prefix: EvaluationPrefix) throws -> [MetricEntry] {
    guard !images.isEmpty else { return [] }
    let written = try captions(prefix)
    guard !written.isEmpty else { return [] }
    let references = Dictionary(grouping: 0..<set.count) { set.imageOfSample[$0] }
    var (exact, shared) = (0, 0.0)
    for (image, words) in zip(images, written) {
      let own = (references[image] ?? []).map { Self.words(set.captions[$0].text) }
      if own.contains(words) { exact += 1 }
      shared += own.map { agreement(words, $0) }.max() ?? 0
    }
    let match = MetricEntry("caption_exact_match", Double(exact) / Double(images.count))
    return attributes.isEmpty ? [match] : [match, MetricEntry("attribute_f1", shared / Double(images.count))]
  }

  /// Words of the caption that is written for each image; none where there is nothing to begin with.
  func captions(_ prefix: EvaluationPrefix) throws -> [[String]] {
    let decoder = try checkpoint.model.requiredDecoder()
    let longest = set.samples.map(\.targets.count).max() ?? 0
    let tokenizer = checkpoint.tokenizer
    let generator = try GreedyGenerator(
      decoder: decoder, ends: Set([tokenizer.endToken].compactMap { $0 }), limit: longest + longest / 2 + 8,
      pool: pool)
    var ending: String?
    if case .text(let text) = end, !text.isEmpty { ending = text }
    var results: [[String]] = []
    for range in Pieces(of: 0..<images.count, size: Self.batch).all {
      let (pasts, ends) = try prefix.read(Array(images[range]), of: set, checkpoint, on: pool)
      guard let (states, after) = try begun(decoder, pasts, ends) else { return [] }
      let tokens = try generator.continuations(states, after) { tokens in
        ending.map { tokenizer.decode(tokens).contains($0) } ?? false
      }
      results += tokens.map { tokens in
        let text = tokenizer.decode(tokens, skippingSpecialTokens: true)
        return Self.words(
          ending.flatMap { end in text.ranges(of: end).first.map { String(text[..<$0.lowerBound]) } } ?? text)
      }
    }
    return results
  }

  /// The last state of each sequence after the prompt.
  private func begun(
    _ decoder: Decoder, _ pasts: [DecoderPast], _ ends: Block<Float>?
  ) throws -> (Block<Float>, [DecoderPast])? {
    guard !prompt.isEmpty else { return ends.map { ($0, pasts) } }
    let (states, after) = try decoder.extend(
      decoder.embed(pasts.flatMap { _ in prompt }, on: pool), lengths: pasts.map { _ in prompt.count },
      pasts: pasts,
      on: pool)
    return (try states.picked(pasts.indices.map { ($0 + 1) * prompt.count - 1 }, on: pool), after)
  }

  private static func words(_ text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// F1 of the attributes in two captions; 1 where neither has any.
  private func agreement(_ a: [String], _ b: [String]) -> Double {
    func counts(_ words: [String]) -> [String: Int] {
      words.filter(attributes.contains).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    let (one, other) = (counts(a), counts(b))
    let total = one.values.reduce(0, +) + other.values.reduce(0, +)
    guard total > 0 else { return 1 }
    return 2 * Double(one.reduce(0) { $0 + min($1.value, other[$1.key] ?? 0) }) / Double(total)
  }
}
