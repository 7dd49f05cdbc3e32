import GapLinearAlgebra

/// The Fréchet distance between the two modalities, each taken as a Gaussian.
///
/// ```
/// ‖Δ‖² + tr Σx + tr Σy − 2 tr (Σx Σy)^½,   ddof 1
/// ```
///
/// 0 for equal means and covariances; it adds to the squared centroid distance what the shapes differ by. With fewer
/// rows than dimensions the covariances are not full and the value rises with n: compare only at equal n.
///
/// `tr (Σx Σy)^½` is the nuclear norm of `X_c Y_cᵀ/(n − 1)`, or of the product of two triangles with the same Gram
/// matrices: one SVD, no complex roots, valid for n < d.
///
/// - Source: Heusel et al. 2017 (FID); the identity is in METRICS terms tr (ΣxΣy)^½ = ‖Tx Tyᵀ‖_*/(n − 1).
public struct FrechetDistance: Sendable, Equatable {
  /// 0…, in squared units of the unit sphere.
  public let value: Double

  init(of pair: EmbeddingPair, factors: CentredFactors) throws {
    let (x, y) = (factors.image.triangle, factors.text.triangle)
    let product = Block(Buffer<Double>(repeating: 0, count: x.rows * y.rows), rows: x.rows, columns: y.rows)
    Products.inner(x, y, into: product)
    let nuclear = try Factorization.singularValues(destroying: product).reduce(0, +)
    let m = pair.moments
    let shift = Vector.squaredLength(Vector.difference(m.imageMean, m.textMean))
    let spread = Vector.trace(m.imageScatter) + Vector.trace(m.textScatter)
    value = shift + (spread - 2 * nuclear) / Double(pair.count - 1)
  }

  /// Finds it from both sides' factors.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw; `LinearAlgebraError`.
  /// - Complexity: O(min(n, d)³ + n d²), n pairs of width d.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    try self.init(of: pair, factors: CentredFactors(of: pair))
  }
}
