/// Names an upright rectangle on the page, in points; y grows downward.
public struct PlotRect: Equatable, Sendable {
  /// The left edge.
  public var x: Double

  /// The upper edge.
  public var y: Double

  /// The extent to the right.
  public var width: Double

  /// The extent downward.
  public var height: Double

  /// Stores the upper left corner and the extents.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// The right edge.
  public var maxX: Double { x + width }

  /// The lower edge.
  public var maxY: Double { y + height }

  /// The horizontal middle.
  public var midX: Double { x + width / 2 }

  /// The vertical middle.
  public var midY: Double { y + height / 2 }

  /// Tells whether a place lies inside or on the edge, within a tolerance.
  ///
  /// - Parameters:
  ///   - point: a place on the page.
  ///   - tolerance: how far outside still counts, in points.
  public func contains(_ point: PlotPoint, tolerance: Double = 0) -> Bool {
    point.x >= x - tolerance && point.x <= maxX + tolerance
      && point.y >= y - tolerance && point.y <= maxY + tolerance
  }

  /// Tells whether two rectangles share an area; touching edges do not.
  ///
  /// - Parameters:
  ///   - other: another rectangle of the same page.
  ///   - tolerance: how deep an overlap is still forgiven, in points.
  public func overlaps(_ other: PlotRect, tolerance: Double = 0) -> Bool {
    x + tolerance < other.maxX && other.x + tolerance < maxX
      && y + tolerance < other.maxY && other.y + tolerance < maxY
  }

  /// Returns the smallest rectangle around both.
  func union(_ other: PlotRect) -> PlotRect {
    let (left, top) = (min(x, other.x), min(y, other.y))
    return PlotRect(
      x: left, y: top, width: max(maxX, other.maxX) - left, height: max(maxY, other.maxY) - top)
  }

  /// Returns the rectangle moved by whole points.
  func offset(x dx: Double, y dy: Double) -> PlotRect {
    PlotRect(x: x + dx, y: y + dy, width: width, height: height)
  }

  /// Returns the rectangle grown on every side.
  func grown(by margin: Double) -> PlotRect {
    PlotRect(x: x - margin, y: y - margin, width: width + 2 * margin, height: height + 2 * margin)
  }
}
