#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Maps data values to places along one axis of the page, evenly or by logarithm.
///
/// ```
/// linear:       position = start + (v − lower) / (upper − lower) · (end − start)
/// logarithmic:  position = start + (ln v − ln lower) / (ln upper − ln lower) · (end − start)
/// ```
public struct PlotScale: Equatable, Sendable {
  /// Names the kind of spacing.
  public enum Kind: Sendable {
    /// Equal differences take equal lengths.
    case linear

    /// Equal ratios take equal lengths; values are positive.
    case logarithmic
  }

  /// The spacing.
  public let kind: Kind

  /// The value at the start.
  public let lower: Double

  /// The value at the end, above `lower`.
  public let upper: Double

  /// The place of `lower` on the page, in points.
  public let start: Double

  /// The place of `upper` on the page, in points; above or below `start`.
  public let end: Double

  /// Stores a mapping.
  ///
  /// - Parameters:
  ///   - kind: linear or logarithmic.
  ///   - lower: the value at `start`; positive on a logarithmic scale.
  ///   - upper: the value at `end`, above `lower`; any other is a programmer error.
  ///   - start: a place in points.
  ///   - end: a place in points.
  public init(kind: Kind, lower: Double, upper: Double, start: Double, end: Double) {
    precondition(lower < upper && (kind == .linear || lower > 0), "a scale needs an ordered, valid range")
    self.kind = kind
    self.lower = lower
    self.upper = upper
    self.start = start
    self.end = end
  }

  /// Returns the place of a value.
  public func position(of value: Double) -> Double {
    let fraction =
      kind == .linear
      ? (value - lower) / (upper - lower)
      : log(value / lower) / log(upper / lower)
    return start + fraction * (end - start)
  }

  /// Returns the value at a place, the inverse of `position(of:)`.
  public func value(at position: Double) -> Double {
    let fraction = (position - start) / (end - start)
    return kind == .linear
      ? lower + fraction * (upper - lower)
      : lower * exp(fraction * log(upper / lower))
  }
}
