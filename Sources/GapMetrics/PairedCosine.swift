/// The cosines between the two members of each pair.
///
/// ```
/// c_i = x̂_i · ŷ_i
/// ```
///
/// Near 1, an image and its text point the same way; near 0 they are unrelated. A high value alone proves nothing:
/// when all rows share one direction, unpaired cosines are as high (compare `UnpairedCosine`).
public struct PairedCosine: Sendable, Equatable {
  /// Mean, −1…1.
  public let mean: Double
  /// Standard deviation (ddof 1).
  public let std: Double
  /// Smallest and largest.
  public let min: Double
  /// Largest.
  public let max: Double
  /// Percentiles by linear interpolation, as numpy's.
  public let p05: Double
  /// First quartile.
  public let p25: Double
  /// Median.
  public let median: Double
  /// Third quartile.
  public let p75: Double
  /// 95th percentile.
  public let p95: Double

  /// Sums up the cosines of a pair of embeddings.
  ///
  /// - Throws: `MetricError.dimensionsDiffer` when the widths differ.
  /// - Complexity: O(n log n), n pairs.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let sample = Sample(pair.moments.cosines)
    mean = sample.mean
    std = sample.standardDeviation
    let sorted = pair.moments.cosines.sorted()
    min = sorted[0]
    max = sorted[sorted.count - 1]
    p05 = Sample.quantile(0.05, ofSorted: sorted)
    p25 = Sample.quantile(0.25, ofSorted: sorted)
    median = Sample.quantile(0.5, ofSorted: sorted)
    p75 = Sample.quantile(0.75, ofSorted: sorted)
    p95 = Sample.quantile(0.95, ofSorted: sorted)
  }

  /// `1 − mean(c)`, 0…2: 0 when every pair coincides in direction.
  public var gap: Double { 1 - mean }
}

extension EmbeddingPair {
  func requireEqualDimensions() throws(MetricError) {
    guard hasEqualDimensions else {
      throw .dimensionsDiffer(
        image: image.source.label, imageWidth: imageDimension, text: text.source.label, textWidth: textDimension
      )
    }
  }
}
