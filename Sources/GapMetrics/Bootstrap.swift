import GapLinearAlgebra

/// A 95% interval.
public struct Interval: Sendable, Equatable {
  /// Lower end.
  public let low: Double
  /// Upper end.
  public let high: Double

  /// An interval from its ends.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// The 2.5th and 97.5th percentiles.
  package init(percentilesOf values: [Double]) {
    let sorted = values.sorted()
    low = Sample.quantile(0.025, ofSorted: sorted)
    high = Sample.quantile(0.975, ofSorted: sorted)
  }
}

/// Percentile bootstrap of the metrics that are means over pairs.
///
/// Pairs are drawn with replacement; with ids, images with all their captions, for captions of one image are not
/// independent. `matching_margin` holds a product of two means; it is resampled through its linear part,
///
/// ```
/// margin* = n/(n−1) · (mean* c − mean*(x̂·ȳ + ŷ·x̄) + x̄·ȳ),
/// ```
///
/// which leaves out a term of order 1/n. (Resampled literally, a pair drawn twice would meet itself among the
/// unpaired ones and pull the margin down.)
///
/// - Source: Efron & Tibshirani, *An Introduction to the Bootstrap*, chapter 13.
public struct PairBootstrap: Sendable, Equatable {
  /// Intervals by metric key.
  public let intervals: [String: Interval]

  /// Resamples.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - resamples: how often.
  ///   - seed: of the draws; resample b has its own stream.
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(n · resamples).
  public init(of pair: EmbeddingPair, resamples: Int = 1000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let units = ResamplingUnits(of: pair)
    let replicates = try pair.pool.map(resamples) { _, b in
      var generator = SeededGenerator(seed: seed, purpose: "bootstrap", index: UInt64(b))
      return units.replicate(&generator)
    }
    var intervals: [String: Interval] = [:]
    for (k, key) in ResamplingUnits.keys.enumerated() {
      let values = replicates.map { $0[k] }
      if values.allSatisfy(\.isFinite) { intervals[key] = Interval(percentilesOf: values) }
    }
    self.intervals = intervals
  }
}

/// What is drawn: sums over the pairs of each image.
private struct ResamplingUnits: Sendable {
  /// Sums of c, ‖x̂−ŷ‖, ‖x̂−ŷ‖², x̂·ȳ + ŷ·x̄, and of both lengths about their means, plain and squared.
  private let sums: [SIMD8<Double>]
  /// Pairs in each unit; empty when every unit is one pair.
  private let counts: [Double]
  private let imageNorm: Double
  private let textNorm: Double
  private let centre: Double
  private let pairs: Double

  static let keys = [
    "paired_cosine.mean", "cosine_gap", "matching_margin", "mean_pair_distance", "alignment", "norm.image",
    "norm.text", "norm.image_std", "norm.text_std", "norm.ratio",
  ]

  init(of pair: EmbeddingPair) {
    let m = pair.moments
    let p = pair.projections
    imageNorm = Sample(pair.image.norms).mean
    textNorm = Sample(pair.text.norms).mean
    centre = Vector.dot(m.imageMean, m.textMean)
    pairs = Double(pair.count)
    var sums = [SIMD8<Double>](repeating: .zero, count: pair.groupRepresentatives.count)
    var counts = [Double](repeating: 0, count: sums.count)
    for i in 0..<pair.count {
      let x = pair.image.norms[i] - imageNorm
      let y = pair.text.norms[i] - textNorm
      sums[pair.groups[i]] += SIMD8(
        m.cosines[i], m.squaredDistances[i].squareRoot(), m.squaredDistances[i],
        p.imageOnText[i] + p.textOnImage[i], x, x * x, y, y * y)
      counts[pair.groups[i]] += 1
    }
    self.sums = sums
    self.counts = pair.hasIDs ? counts : []
  }

  /// The metrics of one resample, in the order of `keys`.
  func replicate(_ generator: inout SeededGenerator) -> [Double] {
    var total = SIMD8<Double>.zero
    var n = 0.0
    for _ in sums.indices {
      let unit = generator.index(below: sums.count)
      total += sums[unit]
      n += counts.isEmpty ? 1 : counts[unit]
    }
    let means = total / n
    let image = imageNorm + means[4]
    let text = textNorm + means[6]
    let margin = pairs / (pairs - 1) * (means[0] - means[3] + centre)
    func std(_ square: Double, _ mean: Double) -> Double {
      (max(0, square - mean * mean) * n / (n - 1)).squareRoot()
    }
    return [
      means[0], 1 - means[0], margin, means[1], means[2], image, text, std(means[5], means[4]),
      std(means[7], means[6]), image / text,
    ]
  }
}

/// Percentile bootstrap of retrieval scores over the ranks of the queries; the gallery is never resampled (that would
/// put duplicates into it).
public struct RankBootstrap: Sendable, Equatable {
  /// Intervals of `r1`, `r5`, `r10`, `mrr`.
  public let intervals: [String: Interval]

  /// Resamples the ranks.
  ///
  /// - Throws: nothing of its own.
  /// - Complexity: O(q · resamples), q queries.
  public init(of direction: RetrievalDirection, name: String, resamples: Int, seed: UInt64, threads: Int = 0)
    throws
  {
    let values = direction.ranks.map { rank in
      SIMD4<Double>(rank <= 1 ? 1 : 0, rank <= 5 ? 1 : 0, rank <= 10 ? 1 : 0, 1 / Double(rank))
    }
    let replicates = try WorkerPool(threads: threads).map(resamples) { _, b in
      var generator = SeededGenerator(seed: seed, purpose: name, index: UInt64(b))
      var total = SIMD4<Double>.zero
      for _ in values.indices { total += values[generator.index(below: values.count)] }
      return total / Double(values.count)
    }
    var intervals: [String: Interval] = [:]
    for (k, key) in ["r1", "r5", "r10", "mrr"].enumerated() {
      intervals[key] = Interval(percentilesOf: replicates.map { $0[k] })
    }
    self.intervals = intervals
  }
}
