/// Refuses data that cannot be drawn, with the place of the fault.
enum Checked {
  /// Beyond this, differences and margins would overflow.
  static let largest = 1e300

  /// Refuses an empty list, and values that are not finite or, on a logarithmic axis, not positive.
  static func values(_ values: [Double], series: String, kind: PlotScale.Kind = .linear) throws(PlotError) {
    guard !values.isEmpty else { throw .emptySeries(series: series) }
    for (index, value) in values.enumerated() {
      guard abs(value) <= largest else { throw .notFinite(series: series, index: index, value: value) }
      guard kind == .linear || value >= 1 / largest else {
        throw .notPositive(series: series, index: index, value: value)
      }
    }
  }

  static func count(
    _ found: Int, is expected: Int, series: String, quantity: String
  ) throws(PlotError) {
    guard found == expected else {
      throw .countMismatch(series: series, quantity: quantity, expected: expected, found: found)
    }
  }

  /// Refuses the ends of intervals that are out of order.
  static func intervals(lower: [Double], upper: [Double], series: String) throws(PlotError) {
    for index in lower.indices where lower[index] > upper[index] {
      throw .invertedInterval(series: series, index: index, lower: lower[index], upper: upper[index])
    }
  }

  static func references(_ lines: [ReferenceLine], kind: PlotScale.Kind = .linear) throws(PlotError) {
    for line in lines { try values([line.value], series: line.label, kind: kind) }
  }
}
