package import GapLinearAlgebra

/// A trainable low-rank addition to a linear layer, with its gradient.
///
/// ```
/// y += s (x Aᵀ) Bᵀ        dA = s (dy B)ᵀ x      dB = s dyᵀ (x Aᵀ)      dx += s (dy B) A
/// ```
///
/// - Source: Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR 2022; as PEFT, s = α / rank, no dropout.
package struct LowRankAdapter: Sendable {
  /// A, [rank, inputs].
  package let down: Block<Float>
  /// B, [outputs, rank].
  package let up: Block<Float>
  /// Where the gradients of A and B are added to.
  package let downGradient: Block<Float>
  package let upGradient: Block<Float>
  /// s.
  package let scale: Float

  package init(
    down: Block<Float>, up: Block<Float>, downGradient: Block<Float>, upGradient: Block<Float>, scale: Float
  ) {
    precondition(down.rows == up.columns && downGradient.rows == down.rows && upGradient.rows == up.rows)
    self.down = down
    self.up = up
    self.downGradient = downGradient
    self.upGradient = upGradient
    self.scale = scale
  }

  /// The adapter that adds only to the outputs `range` of this one; A is shared.
  package func outputs(_ range: Range<Int>) -> LowRankAdapter {
    LowRankAdapter(
      down: down, up: up.rows(range), downGradient: downGradient, upGradient: upGradient.rows(range),
      scale: scale)
  }

  /// Tokens that one thread works on at a time.
  private static let rows = 128

  /// Adds what it gives for `x` [tokens, inputs] to `y` [tokens, outputs].
  func add(_ x: Block<Float>, to y: Block<Float>, on pool: WorkerPool) throws {
    let inner = try scaled(x, by: down, on: pool)
    let pieces = Pieces(of: 0..<x.rows, size: Self.rows)
    try pool.forEach(pieces.count) { _, piece in
      let part = Block<Float>.zeros(pieces[piece].count, up.rows)
      Products.inner(inner.rows(pieces[piece]), up, into: part)
      for (i, row) in pieces[piece].enumerated() {
        part.row(i) { part in y.writeRow(row) { ActivationKernels.add(part, to: &$0) } }
      }
    }
  }

  /// Adds the gradients of A and B, and that of the input to `dx`.
  ///
  /// - Parameters:
  ///   - dy: [tokens, outputs].
  ///   - x: [tokens, inputs], what entered.
  func addGradients(_ dy: Block<Float>, at x: Block<Float>, to dx: Block<Float>, on pool: WorkerPool) throws {
    let inner = try scaled(x, by: down, on: pool)
    try Products.addCross(dy, inner, to: upGradient, on: pool)
    let slope = Block<Float>.zeros(dy.rows, up.columns)
    Products.product(dy, up, into: slope)
    try slope.forEachRow(on: pool) { _, row in for k in row.indices { row[k] *= scale } }
    try Products.addCross(slope, x, to: downGradient, on: pool)
    let pieces = Pieces(of: 0..<dy.rows, size: Self.rows)
    try pool.forEach(pieces.count) { _, piece in
      Products.product(slope.rows(pieces[piece]), down, into: dx.rows(pieces[piece]), adding: true)
    }
  }

  /// s x Aᵀ, [tokens, rank].
  private func scaled(_ x: Block<Float>, by down: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    let inner = Block<Float>.zeros(x.rows, down.rows)
    let pieces = Pieces(of: 0..<x.rows, size: Self.rows)
    try pool.forEach(pieces.count) { _, piece in
      Products.inner(x.rows(pieces[piece]), down, into: inner.rows(pieces[piece]))
    }
    try inner.forEachRow(on: pool) { _, row in for k in row.indices { row[k] *= scale } }
    return inner
  }
}
