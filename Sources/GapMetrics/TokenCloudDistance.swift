package import GapLinearAlgebra

/// How the Modality Integration Rate takes the root of the covariances' product.
public enum MIRMode: String, CaseIterable, Sendable {
  /// The exact Fréchet distance.
  case exact
  /// The authors' fast mode, in which the product stands for its root: for comparison with published tables.
  case referenceFast = "reference-fast"
}

/// The Fréchet distance between the image tokens and the text tokens of one layer: a term of the Modality Integration
/// Rate.
///
/// ```
/// ‖z̄ᵢ − z̄ₜ‖² + tr Σᵢ + tr Σₜ − 2 tr (Σᵢ Σₜ)^½     exact
/// ‖z̄ᵢ − z̄ₜ‖² + tr Σᵢ + tr Σₜ − 2 tr  Σᵢ Σₜ        reference-fast
/// ```
///
/// Both clouds are scaled by 1/mean‖text token‖ and cleared of outliers first (`TokenCloud`); ddof 1. Exactly, equal
/// clouds are 0 apart; in the reference's fast mode they are not, since its iteration for the root stays where it
/// starts.
///
/// - Source: Huang et al., ICCV 2025; `Fixtures/generators/checkpoint_readouts.py`.
package struct TokenCloudDistance: Sendable, Equatable {
  /// The distance, 0… when exact.
  package let value: Double
  /// Tokens of unusual length that were replaced.
  package let imageOutliers: Int
  package let textOutliers: Int

  /// - Parameters:
  ///   - image: [n, d] tokens.
  ///   - text: [m, d] tokens.
  /// - Throws: `MetricError.badCloud` for fewer than two tokens, numbers that are not finite, or text tokens of length
  ///   zero; `LinearAlgebraError`.
  /// - Complexity: O((n + m) d² + min(n, d)³); memory O(d²) beside the tokens.
  package init(image: Block<Float>, text: Block<Float>, mode: MIRMode, pool: WorkerPool) throws {
    precondition(image.columns == text.columns)
    let norms = try [image, text].map { try TokenCloud.norms($0, pool) }
    for (name, lengths) in zip(["image", "text"], norms) {
      guard lengths.count >= 2 else {
        throw MetricError.badCloud(modality: name, reason: "\(lengths.count) tokens, at least 2 are needed")
      }
      guard lengths.allSatisfy(\.isFinite) else {
        throw MetricError.badCloud(modality: name, reason: "a token with a number that is not finite")
      }
    }
    let length = Sample(norms[1]).mean
    guard length > 0 else {
      throw MetricError.badCloud(modality: "text", reason: "all tokens have length zero")
    }
    let clouds = try zip([image, text], norms).map {
      try TokenCloud($0, norms: $1, scale: 1 / length, pool: pool)
    }
    imageOutliers = clouds[0].outliers
    textOutliers = clouds[1].outliers
    let moments = try clouds.map { try $0.moments(pool) }
    let factors = try pool.map(2) { _, side in
      try CentredFactors.triangle(clouds[side], mean: moments[side].mean, scatter: moments[side].scatter)
    }
    let product = Block(
      Buffer<Double>(repeating: 0, count: factors[0].rows * factors[1].rows), rows: factors[0].rows,
      columns: factors[1].rows)
    let tiles = Tile.covering(rows: product.rows, columns: product.columns, side: 256)
    try pool.forEach(tiles.count) { _, piece in
      let tile = tiles[piece]
      Products.inner(
        factors[0].rows(tile.rows), factors[1].rows(tile.columns),
        into: product.rows(tile.rows).columns(tile.columns))
    }
    let freedoms = clouds.map { Double($0.count - 1) }
    let shift = Vector.squaredLength(Vector.difference(moments[0].mean, moments[1].mean))
    let spread = moments[0].spread / freedoms[0] + moments[1].spread / freedoms[1]
    switch mode {
    case .exact:
      let nuclear = try Factorization.singularValues(destroying: product).reduce(0, +)
      value = max(0, shift + spread - 2 * nuclear / (freedoms[0] * freedoms[1]).squareRoot())
    case .referenceFast:
      let squares = (0..<product.rows).reduce(0.0) { $0 + product.row($1) { RowKernels.dot($0, $0) } }
      value = shift + spread - 2 * squares / (freedoms[0] * freedoms[1])
    }
  }
}
