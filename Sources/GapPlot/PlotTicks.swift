#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Chooses the values at which an axis is labelled.
///
/// Goals, in this order: every label is exact; values are 1, 2 or 5 times a power of ten apart (or powers of ten
/// themselves on a logarithmic axis); as many as allowed, never more. Values are integer multiples of the step, not
/// sums, so that rounding errors do not pile up.
public struct PlotTicks: Equatable, Sendable {
  /// The labelled values, increasing, inside the range.
  public let values: [Double]

  /// One label a value.
  public let labels: [String]

  /// Unlabelled values between, on a logarithmic axis of few decades.
  public let minor: [Double]

  /// Chooses ticks for a range.
  ///
  /// - Parameters:
  ///   - kind: the spacing of the axis.
  ///   - lower: the start of the range.
  ///   - upper: the end of the range, above `lower`; positive ends on a logarithmic axis. Anything else is a
  ///     programmer error.
  ///   - maximumCount: the most labels, at least 1. From 5 on there are at least 2.
  /// - Complexity: O(maximumCount).
  public init(kind: PlotScale.Kind, lower: Double, upper: Double, maximumCount: Int) {
    precondition(lower < upper && maximumCount >= 1, "ticks need an ordered range and a positive count")
    if kind == .logarithmic, let ticks = Self.logarithmic(lower, upper, maximumCount) {
      self = ticks
    } else {
      self = Self.linear(lower, upper, maximumCount)
    }
  }

  init(values: [Double], labels: [String], minor: [Double] = []) {
    assert(values.count == labels.count)
    self.values = values
    self.labels = labels
    self.minor = minor
  }

  // MARK: Linear

  /// A step mantissa · 10^exponent with mantissa 1, 2 or 5.
  private struct Step {
    var mantissa: Double
    var exponent: Int

    var size: Double { NumberText.scaled(mantissa, by: exponent) }

    var next: Step {
      switch mantissa {
      case 1: Step(mantissa: 2, exponent: exponent)
      case 2: Step(mantissa: 5, exponent: exponent)
      default: Step(mantissa: 1, exponent: exponent + 1)
      }
    }

    /// The multiples of the step inside a range, forgiving rounding at its ends.
    func multiples(_ lower: Double, _ upper: Double) -> (first: Double, last: Double) {
      ((lower / size - 1e-7).rounded(.up), (upper / size + 1e-7).rounded(.down))
    }
  }

  private static func linear(_ lower: Double, _ upper: Double, _ maximumCount: Int) -> PlotTicks {
    let rough = (upper - lower) / Double(maximumCount + 1)
    var step = Step(mantissa: 1, exponent: Int(log10(rough).rounded(.down)))
    while true {
      let (first, last) = step.multiples(lower, upper)
      if last - first + 1 <= Double(maximumCount) { break }
      step = step.next
    }
    let (first, last) = step.multiples(lower, upper)
    guard first <= last else { return PlotTicks(values: [], labels: []) }
    let multiples = stride(from: first, through: last, by: 1).map { $0 == 0 ? 0 : $0 }
    let values = multiples.map { NumberText.scaled($0 * step.mantissa, by: step.exponent) }
    return PlotTicks(values: values, labels: labels(values, step: step))
  }

  /// Labels with as many decimals as the step has, or all with the power of ten of the largest.
  private static func labels(_ values: [Double], step: Step) -> [String] {
    let largest = values.reduce(0) { max($0, abs($1)) }
    let exponent = largest == 0 ? step.exponent : Int((log10(largest) + 1e-9).rounded(.down))
    if exponent < 7, exponent >= -3, step.exponent >= -12 {
      return values.map { NumberText.fixed($0, decimals: max(0, -step.exponent)) }
    }
    let decimals = min(15, max(0, exponent - step.exponent))
    return values.map { $0 == 0 ? "0" : NumberText.scientific($0, exponent: exponent, decimals: decimals) }
  }

  // MARK: Logarithmic

  /// Powers of ten, or 1-2-5 steps between them; nil when the range is too short for either.
  private static func logarithmic(_ lower: Double, _ upper: Double, _ maximumCount: Int) -> PlotTicks? {
    let first = Int((log10(lower) - 1e-9).rounded(.up))
    let last = Int((log10(upper) + 1e-9).rounded(.down))
    let decades = last - first + 1
    guard decades >= 2 || log10(upper / lower) >= 0.9 else { return nil }
    let minor = decades <= 8 ? between(lower, upper, multiples: [2, 3, 4, 5, 6, 7, 8, 9]) : []
    for multiples in [[1, 2, 5], [1, 3]] as [[Double]] where decades <= 2 {
      let values = between(lower, upper, multiples: multiples)
      if values.count >= 2, values.count <= maximumCount {
        return PlotTicks(
          values: values, labels: values.map(label), minor: minor.filter { !values.contains($0) })
      }
    }
    guard decades >= 1 else { return nil }
    let skip = (decades + maximumCount - 1) / maximumCount
    let values = stride(from: first, through: last, by: skip).map { NumberText.scaled(1, by: $0) }
    return PlotTicks(values: values, labels: values.map(label), minor: skip == 1 ? minor : [])
  }

  private static func between(_ lower: Double, _ upper: Double, multiples: [Double]) -> [Double] {
    let (first, last) = (Int(log10(lower).rounded(.down)), Int(log10(upper).rounded(.up)))
    var values: [Double] = []
    for decade in first...last {
      for multiple in multiples {
        let value = NumberText.scaled(multiple, by: decade)
        if value >= lower * (1 - 1e-9), value <= upper * (1 + 1e-9) { values.append(value) }
      }
    }
    return values
  }

  private static func label(_ value: Double) -> String {
    let exponent = Int((log10(value) + 1e-9).rounded(.down))
    if (-3...5).contains(exponent) { return NumberText.fixed(value, decimals: max(0, -exponent)) }
    return NumberText.scientific(value, exponent: exponent, decimals: 0)
  }
}
