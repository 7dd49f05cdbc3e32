/// Holds a finished figure as data: everything that is drawn, where and in which order.
///
/// A scene knows no file format; tests read it instead of pixels.
public struct Scene: Equatable, Sendable {
  /// Holds what is needed to find data in a panel.
  public struct Panel: Equatable, Sendable {
    /// Where data are drawn.
    public var plotArea: PlotRect

    /// The mapping of the horizontal axis; `start` is the left edge.
    public var x: PlotScale

    /// The mapping of the vertical axis; `start` is the lower edge.
    public var y: PlotScale

    /// Returns the place of a data point on the page.
    public func position(of point: PlotPoint) -> PlotPoint {
      PlotPoint(x: x.position(of: point.x), y: y.position(of: point.y))
    }
  }

  /// The width in points (1/72 inch).
  public var width: Double

  /// The height in points.
  public var height: Double

  /// The panels, row by row.
  public var panels: [Panel]

  /// What is drawn, in this order.
  public var marks: [Mark]

  /// Stores a scene.
  public init(width: Double, height: Double, panels: [Panel], marks: [Mark]) {
    self.width = width
    self.height = height
    self.panels = panels
    self.marks = marks
  }

  /// Returns the marks of one role, of one series if it is named.
  ///
  /// - Parameters:
  ///   - role: what the marks are for.
  ///   - series: the series' label; nil for all.
  /// - Complexity: O(marks).
  public func marks(_ role: Mark.Role, series: String? = nil) -> [Mark] {
    marks.filter { $0.role == role && (series == nil || $0.series == series) }
  }
}
