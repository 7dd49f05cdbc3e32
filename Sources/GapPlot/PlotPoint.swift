/// Names a place, in data units or in points of the page (y then grows downward).
public struct PlotPoint: Equatable, Hashable, Sendable {
  /// The horizontal coordinate.
  public var x: Double

  /// The vertical coordinate.
  public var y: Double

  /// Stores the two coordinates.
  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}
