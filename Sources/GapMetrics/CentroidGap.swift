/// The distance between the centres of the two modalities.
///
/// ```
/// Δ = mean(x̂) − mean(ŷ)
/// ```
///
/// The modality gap proper. 0: the clouds share a centre; on the unit sphere at most 2. It sees only the centres:
/// two clouds with one centre may still lie apart pair by pair (`GapDecomposition`).
///
/// - Source: Liang et al., *Mind the Gap*, NeurIPS 2022; "L2M" in Schrodi et al., ICLR 2025.
public struct CentroidGap: Sendable, Equatable {
  /// `‖Δ‖`, 0…2.
  public let distance: Double
  /// `‖Δ‖² − tr Cov(x̂ − ŷ)/n`, ddof 1.
  ///
  /// `‖Δ‖` of two equal clouds is above 0 by chance alone; this is 0 on average, and may be negative.
  public let squaredUnbiased: Double
  /// `‖mean(X) − mean(Y)‖`, before scaling to unit length.
  public let rawDistance: Double
  /// Cosine between `mean(x̂)` and `mean(ŷ)`; nil when one of them is 0.
  public let cosine: Double?
  /// `‖Δ‖` in units of the spread within the modalities, `sqrt((tr Cov x̂ + tr Cov ŷ)/2)`, ddof 1; nil when neither
  /// has any spread.
  public let standardizedDistance: Double?
  /// `|Δ_k|`, dimension by dimension, [d].
  public let absoluteDifferences: [Double]

  /// Takes them from the moments of the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(d), d the width.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let m = pair.moments
    let n = Double(m.count)
    let delta = Vector.difference(m.imageMean, m.textMean)
    let squared = Vector.squaredLength(delta)
    distance = squared.squareRoot()
    squaredUnbiased = squared - (m.squaredDistances.reduce(0, +) - n * squared) / (n - 1) / n
    rawDistance = Vector.squaredLength(Vector.difference(m.rawImageMean, m.rawTextMean)).squareRoot()
    let lengths = (Vector.squaredLength(m.imageMean) * Vector.squaredLength(m.textMean)).squareRoot()
    cosine = lengths > 0 ? Vector.dot(m.imageMean, m.textMean) / lengths : nil
    let spread = (Vector.trace(m.imageScatter) + Vector.trace(m.textScatter)) / (n - 1) / 2
    standardizedDistance = spread > 0 ? distance / spread.squareRoot() : nil
    absoluteDifferences = delta.map(abs)
  }
}
