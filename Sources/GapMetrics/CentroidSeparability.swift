/// How well the nearest centroid tells the modality of a held-out row.
///
/// Five folds, pair i in fold i mod 5; centroids from the other folds. ½: no gap that centres can see; 1: every row
/// lies nearer to its own modality. It still moves where `LinearSeparability` sits at 1.
public struct CentroidSeparability: Sendable, Equatable {
  /// Share of the 2n rows nearer (Euclidean, on unit rows) to their own modality's centroid, 0…1.
  public let accuracy: Double

  /// Takes it from the second pass over the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(1).
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    accuracy = Double(pair.projections.nearerToOwn) / Double(2 * pair.count)
  }
}
