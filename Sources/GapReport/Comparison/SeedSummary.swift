import GapMetrics

/// Numbers of several seeds in one: their mean and what they range over.
struct SeedSummary {
  let mean: Double
  let low: Double
  let high: Double
  /// 95% interval of the mean; the range where there are fewer than three.
  let interval: Interval

  /// - Returns: nil where there is no number.
  init?(_ values: [Double]) {
    guard let low = values.min(), let high = values.max() else { return nil }
    mean = values.reduce(0, +) / Double(values.count)
    interval =
      values.count > 2
      ? StudentT.interval(values) ?? Interval(low: low, high: high) : Interval(low: low, high: high)
    self.low = low
    self.high = high
  }
}
