#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Holds the range that an axis must show, before it is fitted to a length on the page.
struct ValueSpan: Equatable {
  var lower: Double
  var upper: Double

  /// Spans values; at least one.
  init(of values: some Sequence<Double>) {
    var (lower, upper) = (Double.infinity, -Double.infinity)
    for value in values {
      lower = min(lower, value)
      upper = max(upper, value)
    }
    precondition(lower <= upper, "a span needs a value")
    self.lower = lower
    self.upper = upper
  }

  init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  func union(_ other: ValueSpan) -> ValueSpan {
    ValueSpan(lower: min(lower, other.lower), upper: max(upper, other.upper))
  }

  /// Widens a span without extent (all values equal, to the precision of labels) so that it can be an axis.
  func opened(_ kind: PlotScale.Kind) -> ValueSpan {
    let size = max(abs(lower), abs(upper))
    guard upper - lower <= max(size * 1e-9, 1e-290) else { return self }
    if kind == .logarithmic { return ValueSpan(lower: lower / 2, upper: upper * 2) }
    let margin = size > 1e-280 ? size * 0.1 : 0.5
    return ValueSpan(lower: lower - margin, upper: upper + margin)
  }

  /// Widens by fractions of the extent on the page at both ends.
  func padded(_ kind: PlotScale.Kind, lower before: Double, upper after: Double) -> ValueSpan {
    if kind == .logarithmic {
      let extent = log(upper / lower)
      return ValueSpan(lower: lower * exp(-before * extent), upper: upper * exp(after * extent))
    }
    let extent = upper - lower
    return ValueSpan(lower: lower - before * extent, upper: upper + after * extent)
  }

  /// Widens around the middle to an extent that is not smaller.
  func widened(to extent: Double) -> ValueSpan {
    let middle = lower / 2 + upper / 2
    return ValueSpan(lower: middle - extent / 2, upper: middle + extent / 2)
  }
}
