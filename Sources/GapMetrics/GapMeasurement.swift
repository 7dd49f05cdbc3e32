/// How a measurement is done.
public struct MeasurementOptions: Sendable, Equatable {
  /// Of every sample, resample and permutation.
  public var seed: UInt64 = 0
  /// Bootstrap resamples and permutations; 0 turns off intervals and permutation tests.
  public var resamples = 1000
  /// Above this many pairs, quadratic metrics use a seeded sample of that many.
  public var exactLimit = 5000
  /// The most retrieval queries in each direction; the gallery is always complete.
  public var retrievalQueries = 50_000
  /// The rows that the PCA's explained variance speaks of.
  public var projectionFit = ProjectionFit.joint

  /// The defaults.
  public init() {}
}

/// Every metric of a pair of embeddings that needs vectors only, with uncertainty and warnings.
///
/// The keys and definitions are METRICS's. What cannot be defined on this input is nil, with a warning that says why.
public struct GapMeasurement: Sendable, Equatable {
  /// Number of pairs that were measured.
  public let pairs: Int
  /// Width of an image row.
  public let dimension: Int
  /// Pairs left out as bad.
  public let droppedPairs: Int
  /// Key by key, in the order in which they are printed.
  public let metrics: [MetricEntry]
  /// 95% intervals by dotted key; metrics that are not in it have none, since no honest one is known.
  public let intervals: [String: Interval]
  /// How many pairs or queries a sampled metric used, by key.
  public let sampled: [String: Int]
  /// Permutation p by key; empty when resampling is off.
  public let permutationP: [String: Double]
  /// What a careful reviewer would raise.
  public let warnings: [GapWarning]
  /// Ranks of every query, for figures and for comparison with another report; nil when the widths differ.
  public let retrieval: Retrieval?

  /// Measures a pair of embeddings.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - options: limits, seed, resamples.
  ///   - progress: told what is being done and the share of the whole that is done, 0…1, from the calling thread.
  /// - Throws: what the sources throw; `LinearAlgebraError` when LAPACK fails.
  /// - Complexity: that of `Retrieval` and `Neighbourhoods`, O(n² d), above all else.
  public init(
    of pair: EmbeddingPair, options: MeasurementOptions = MeasurementOptions(),
    progress: @escaping (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws {
    var stages = MeasurementStages(pair: pair, options: options, progress: progress)
    if pair.hasEqualDimensions {
      try stages.core()
      try stages.distributions()
      try stages.spectra()
      try stages.retrieve()
    }
    try stages.neighbourhoods()
    if options.resamples > 0 { try stages.uncertainty() }
    progress("done", 1)
    pairs = pair.count
    dimension = pair.imageDimension
    droppedPairs = pair.droppedPairs
    metrics = stages.ordered()
    intervals = stages.intervals
    sampled = stages.sampled
    permutationP = stages.permutationP
    warnings = GapWarning.about(pair) + stages.warnings
    retrieval = stages.retrieval
  }
}
