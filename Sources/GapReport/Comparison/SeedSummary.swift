/// Numbers of several seeds in one: their mean and what they range over.
struct SeedSummary {
  let mean: Double
  let low: Double
  let high: Double

  /// - Returns: nil where there is no number.
  init?(_ values: [Double]) {
    guard let low = values.min(), let high = values.max() else { return nil }
    mean = values.reduce(0, +) / Double(values.count)
    self.low = low
    self.high = high
  }
}
