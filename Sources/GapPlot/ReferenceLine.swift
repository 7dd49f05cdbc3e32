/// Marks one value of an axis by a line across the plot and a label outside it.
public struct ReferenceLine: Equatable, Sendable {
  /// The value where the line stands.
  public var value: Double

  /// What the value is: "ceiling 0.93".
  public var label: String

  /// The colour of line and label.
  public var color: PlotColor

  /// Stores a line.
  ///
  /// - Parameters:
  ///   - value: a value inside or outside the data's range; the axis grows to show it.
  ///   - label: short; long ones are broken into lines.
  ///   - color: grey unless the line belongs to a series.
  public init(_ value: Double, label: String, color: PlotColor = .grey) {
    self.value = value
    self.label = label
    self.color = color
  }
}
