public import GapMetrics

/// What an arm differs by from another, seed by seed.
public struct PairedDifference: Sendable {
  /// Mean of the differences.
  public let mean: Double
  /// 95% interval of the mean, Student's t with n − 1 degrees of freedom; nil for one seed.
  public let interval: Interval?
  /// Seeds.
  public let count: Int

  /// Sums up differences.
  ///
  /// - Parameter differences: one a seed, at least one.
  public init(_ differences: [Double]) {
    mean = differences.reduce(0, +) / Double(differences.count)
    interval = StudentT.interval(differences)
    count = differences.count
  }
}
