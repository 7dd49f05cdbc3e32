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
  /// - Parameter options: limit and seed of the sample that uniformities use; the rest has no effect.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(n d² + m² d); n pairs of width d, m = min(n, limit).
  public init(of pair: EmbeddingPair, options: MeasurementOptions = MeasurementOptions()) throws {
    try pair.requireEqualDimensions()
    var stages = MeasurementStages(pair: pair, options: options) { _, _ in }
    try stages.core()
    try stages.uniformities()
    metrics = stages.ordered()
    sampled = stages.sampled
    warnings = stages.warnings
  }
}
