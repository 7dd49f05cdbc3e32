package import GapLinearAlgebra

/// One transformer block, with frozen weights.
///
/// ```
/// norm first:  h = x + s₁ · attention(norm₁ x)      y = h + s₂ · feedForward(norm₂ h)
/// norm after:  h = norm₁(x + attention x)           y = norm₂(h + feedForward h)
/// ```
///
/// The scales s are 1 but for DINOv2; the norm comes after in OPT-350m alone.
package struct TransformerBlock: Sendable {
  package let attentionNorm: Normalization
  package var attention: Attention
  package let attentionScale: [Float]?
  package let feedForwardNorm: Normalization
  package var feedForward: FeedForward
  package let feedForwardScale: [Float]?
  package let isPostNorm: Bool

  package init(
    attentionNorm: Normalization, attention: Attention, attentionScale: [Float]? = nil,
    feedForwardNorm: Normalization, feedForward: FeedForward, feedForwardScale: [Float]? = nil,
    isPostNorm: Bool = false
  ) {
    self.isPostNorm = isPostNorm
    self.attentionNorm = attentionNorm
    self.attention = attention
    self.attentionScale = attentionScale
    self.feedForwardNorm = feedForwardNorm
    self.feedForward = feedForward
    self.feedForwardScale = feedForwardScale
  }

  /// The same block with weights packed when they are first used.
  package func packed(_ precision: ProductPrecision) -> TransformerBlock {
    var block = self
    block.attention.query = attention.query.packed(precision)
    block.attention.key = attention.key.packed(precision)
    block.attention.value = attention.value.packed(precision)
    block.attention.output = attention.output.packed(precision)
    block.feedForward.up = feedForward.up.packed(precision)
    block.feedForward.gate = feedForward.gate?.packed(precision)
    block.feedForward.down = feedForward.down.packed(precision)
    return block
  }

  /// Replaces x [tokens, width] by the block's output.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws {
    let attended = isPostNorm ? x : try attentionNorm.forward(x, on: pool)
    try Self.add(attention.forward(attended, sequences, on: pool), attentionScale, to: x, on: pool)
    try feed(x, on: pool)
  }

  /// What comes after attention has been added to x.
  func feed(_ x: Block<Float>, on pool: WorkerPool) throws {
    if isPostNorm { try x.forEachRow(on: pool) { _, row in attentionNorm.apply(to: &row) } }
    let fed = isPostNorm ? x : try feedForwardNorm.forward(x, on: pool)
    try Self.add(feedForward.forward(fed, on: pool), feedForwardScale, to: x, on: pool)
    if isPostNorm { try x.forEachRow(on: pool) { _, row in feedForwardNorm.apply(to: &row) } }
  }

  static func add(
    _ part: Block<Float>, _ scale: [Float]?, to x: Block<Float>, on pool: WorkerPool
  ) throws {
    guard let scale else { return try x.add(part, on: pool) }
    try x.forEachRow(on: pool) { i, row in
      part.row(i) { ActivationKernels.add($0, timesEach: scale.span, to: &row) }
    }
  }
}
