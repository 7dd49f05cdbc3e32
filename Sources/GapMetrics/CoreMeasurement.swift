/// The core metrics of a pair of embeddings alone, as they are wanted for every layer of a model.
///
/// The keys are those of METRICS's table "Core"; values are the same as `GapMeasurement`'s.
public struct CoreMeasurement: Sendable, Equatable {
  /// Key by key, in the order of METRICS.
  public let metrics: [MetricEntry]
  /// How many pairs a sampled metric used, by key.
  public let sampled: [String: Int]
  /// What is not defined and why, collapsed cones.
  public let warnings: [GapWarning]

  /// Measures a pair of embeddings.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - options: limits and seed of the samples that uniformities and retrieval use; the rest has no effect.
  ///   - retrieves: adds `retrieval`.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(n d² + m² d); n pairs of width d, m = min(n, limit).
  public init(
    of pair: EmbeddingPair, options: MeasurementOptions = MeasurementOptions(), retrieves: Bool = false
  ) throws {
    try pair.requireEqualDimensions()
    var stages = MeasurementStages(pair: pair, options: options) { _, _ in }
    try stages.core()
    try stages.uniformities()
    if retrieves { try stages.retrieve() }
    metrics = stages.ordered()
    sampled = stages.sampled
    warnings = stages.warnings
  }
}
