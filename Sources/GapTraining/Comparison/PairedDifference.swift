package import GapMetrics

/// What an arm differs by from another, seed by seed.
package struct PairedDifference: Sendable {
  package let mean: Double
  /// 95% interval of the mean, Student's t with n − 1 degrees of freedom; nil for one seed.
  package let interval: Interval?
  package let count: Int

  /// - Parameter differences: one a seed, at least one.
  package init(_ differences: [Double]) {
    mean = differences.reduce(0, +) / Double(differences.count)
    interval = StudentT.interval(differences)
    count = differences.count
  }
}
