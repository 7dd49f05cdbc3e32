/// Describes one axis: what it shows, how it is spaced, and optionally from where to where.
public struct PlotAxis: Equatable, Sendable {
  /// What the axis shows, with its unit: "PC 1 (28.0%)".
  public var label: String

  /// Linear or logarithmic.
  public var kind: PlotScale.Kind

  /// The range of values; nil takes it from the data.
  public var range: ClosedRange<Double>?

  /// Stores a description.
  ///
  /// - Parameters:
  ///   - label: what the axis shows; an empty one takes no room.
  ///   - kind: the spacing.
  ///   - range: from where to where; nil for the data's own range.
  public init(_ label: String, kind: PlotScale.Kind = .linear, range: ClosedRange<Double>? = nil) {
    self.label = label
    self.kind = kind
    self.range = range
  }

  /// Refuses a fixed range that no scale can show.
  func validated(_ name: String) throws(PlotError) {
    guard let range else { return }
    let sane = abs(range.lowerBound) <= Checked.largest && abs(range.upperBound) <= Checked.largest
    guard sane, range.lowerBound < range.upperBound, kind == .linear || range.lowerBound > 0 else {
      throw .range(axis: name, lower: range.lowerBound, upper: range.upperBound)
    }
  }
}
