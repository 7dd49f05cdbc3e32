package import GapLinearAlgebra

/// The normalisation in front of a layer, with stored weights.
package enum Normalization: Sendable {
  /// `x / √(mean x² + ε) · (w + offset)`; Gemma stores w − 1, so its offset is 1.
  case rootMeanSquare(weight: [Float], offset: Float, epsilon: Float)
  /// `(x − mean) / √(variance + ε) · w + b`.
  case layer(weight: [Float], bias: [Float], epsilon: Float)

  package var width: Int {
    switch self {
    case .rootMeanSquare(let weight, _, _), .layer(let weight, _, _): weight.count
    }
  }

  /// Normalises one row in place.
  package func apply(to row: inout MutableSpan<Float>) {
    switch self {
    case .rootMeanSquare(let weight, let offset, let epsilon):
      ActivationKernels.normalizeBySquare(&row, weight: weight.span, offset: offset, epsilon: epsilon)
    case .layer(let weight, let bias, let epsilon):
      ActivationKernels.normalizeByDeviation(&row, weight: weight.span, bias: bias.span, epsilon: epsilon)
    }
  }

  /// Writes one row, normalised.
  package func apply(_ x: Span<Float>, into row: inout MutableSpan<Float>) {
    switch self {
    case .rootMeanSquare(let weight, let offset, let epsilon):
      ActivationKernels.normalizeBySquare(
        x, weight: weight.span, offset: offset, epsilon: epsilon, into: &row)
    case .layer:
      ActivationKernels.copy(x, to: &row)
      apply(to: &row)
    }
  }

  /// - Parameter x: [tokens, width].
  /// - Returns: the normalised rows, in memory of their own.
  package func forward(_ x: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    let y = try x.copied(on: pool)
    try y.forEachRow(on: pool) { _, row in apply(to: &row) }
    return y
  }

  /// Normalises every group of `width` columns of every row, in place: the heads of queries or keys.
  package func applyToHeads(of x: Block<Float>, on pool: WorkerPool) throws {
    precondition(x.columns % width == 0)
    let pieces = Pieces(of: 0..<x.rows, size: 16)
    try pool.forEach(pieces.count) { _, piece in applyToHeads(of: x.rows(pieces[piece])) }
  }
}
