package import GapLinearAlgebra

extension Normalization {
  /// Replaces the gradient of one output row by that of the input row `x`.
  package func applyGradient(at x: Span<Float>, to gradient: inout MutableSpan<Float>) {
    switch self {
    case .rootMeanSquare(let weight, let offset, let epsilon):
      ActivationKernels.normalizeBySquareGradient(
        at: x, weight: weight.span, offset: offset, epsilon: epsilon, to: &gradient)
    case .layer(let weight, _, let epsilon):
      ActivationKernels.normalizeByDeviationGradient(
        at: x, weight: weight.span, epsilon: epsilon, to: &gradient)
    }
  }

  /// Replaces gradients of outputs by those of the inputs `x`, row by row.
  ///
  /// - Parameters:
  ///   - x: [tokens, width], what was normalised.
  ///   - gradient: [tokens, width].
  package func applyGradient(at x: Block<Float>, to gradient: Block<Float>, on pool: WorkerPool) throws {
    try gradient.forEachRow(on: pool) { i, row in x.row(i) { applyGradient(at: $0, to: &row) } }
  }

  /// The same for groups of `width` columns: the heads of queries or keys.
  package func applyGradientToHeads(at x: Block<Float>, to gradient: Block<Float>, on pool: WorkerPool) throws {
    let pieces = Pieces(of: 0..<x.rows, size: 16)
    try pool.forEach(pieces.count) { _, piece in
      applyGradientToHeads(at: x.rows(pieces[piece]), to: gradient.rows(pieces[piece]))
    }
  }
}
