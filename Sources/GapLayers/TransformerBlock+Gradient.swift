package import GapLinearAlgebra

extension TransformerBlock {
  /// What the gradient needs.
  package struct Saved: Sendable {
    /// What the norms were applied to, [tokens, width] each: the block's input and its middle where norms come first,
    /// the two sums where they come after.
    let first: Block<Float>
    let second: Block<Float>
    let attention: Attention.Saved
    let feedForward: FeedForward.Saved
  }

  /// As `forward`, keeping what the gradient needs.
  package func forwardSaving(_ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws -> Saved {
    let input = isPostNorm ? nil : try x.copied(on: pool)
    let (attended, attentionSaved) = try attention.forwardSaving(
      isPostNorm ? x : attentionNorm.forward(x, on: pool), sequences, on: pool)
    try Self.add(attended, attentionScale, to: x, on: pool)
    let first = try input ?? x.copied(on: pool)
    if isPostNorm { try x.forEachRow(on: pool) { _, row in attentionNorm.apply(to: &row) } }
    let middle = isPostNorm ? nil : try x.copied(on: pool)
    let (fed, feedForwardSaved) = try feedForward.forwardSaving(
      isPostNorm ? x : feedForwardNorm.forward(x, on: pool), on: pool)
    try Self.add(fed, feedForwardScale, to: x, on: pool)
    let second = try middle ?? x.copied(on: pool)
    if isPostNorm { try x.forEachRow(on: pool) { _, row in feedForwardNorm.apply(to: &row) } }
    return Saved(first: first, second: second, attention: attentionSaved, feedForward: feedForwardSaved)
  }

  /// Replaces the gradient of the output by that of the input.
  ///
  /// - Parameter gradient: [tokens, width].
  package func applyGradient(
    to gradient: Block<Float>, _ saved: Saved, _ sequences: Sequences, on pool: WorkerPool
  ) throws {
    if isPostNorm { try feedForwardNorm.applyGradient(at: saved.second, to: gradient, on: pool) }
    let fed = try feedForward.inputGradient(
      Self.scaled(gradient, feedForwardScale, on: pool), saved.feedForward, on: pool)
    if !isPostNorm { try feedForwardNorm.applyGradient(at: saved.second, to: fed, on: pool) }
    try gradient.add(fed, on: pool)
    if isPostNorm { try attentionNorm.applyGradient(at: saved.first, to: gradient, on: pool) }
    let attended = try attention.inputGradient(
      Self.scaled(gradient, attentionScale, on: pool), saved.attention, sequences, on: pool)
    if !isPostNorm { try attentionNorm.applyGradient(at: saved.first, to: attended, on: pool) }
    try gradient.add(attended, on: pool)
  }

  private static func scaled(_ x: Block<Float>, _ scale: [Float]?, on pool: WorkerPool) throws -> Block<Float> {
    guard let scale else { return x }
    let y = try x.copied(on: pool)
    try y.forEachRow(on: pool) { _, row in ActivationKernels.multiply(&row, by: scale.span) }
    return y
  }
}
