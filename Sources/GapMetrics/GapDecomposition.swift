/// What part of the distance within pairs is a shift of the whole modality.
///
/// ```
/// mean ‖x̂ − ŷ‖² = ‖Δ‖² + tr Cov(x̂ − ŷ)    (exact, ddof 0)
/// ```
///
/// Centring both modalities removes the first term and leaves the second.
public struct GapDecomposition: Sendable, Equatable {
  /// `‖Δ‖²`.
  public let centroid: Double
  /// `tr Cov(x̂ − ŷ)`, ddof 0: what centring cannot remove.
  public let residual: Double
  /// `centroid / (centroid + residual)`, 0…1; nil when every pair coincides.
  public let centroidFraction: Double?

  /// Takes it from the moments of the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(n + d).
  public init(of pair: EmbeddingPair) throws {
    let total = try PairDistance(of: pair).alignment
    centroid = Vector.squaredLength(Vector.difference(pair.moments.imageMean, pair.moments.textMean))
    residual = max(0, total - centroid)
    centroidFraction = total > 0 ? centroid / total : nil
  }
}
