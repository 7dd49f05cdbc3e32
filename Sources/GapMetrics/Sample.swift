/// Mean, spread and quantiles of numbers, in Double.
package struct Sample: Sendable {
  package let mean: Double
  /// Standard deviation with n − 1; 0 for a single number.
  package let standardDeviation: Double

  /// Two passes, so that a small spread around a large mean keeps its digits.
  package init(_ values: [Double]) {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardDeviation = values.count > 1 ? (squares / (n - 1)).squareRoot() : 0
  }

  /// The quantile `q` (0…1) by linear interpolation between order statistics, as numpy.percentile's default.
  package static func quantile(_ q: Double, ofSorted values: [Double]) -> Double {
    precondition(!values.isEmpty && q >= 0 && q <= 1)
    let place = q * Double(values.count - 1)
    let below = Int(place.rounded(.down))
    let above = Swift.min(below + 1, values.count - 1)
    return values[below] + (values[above] - values[below]) * (place - Double(below))
  }
}
