/// Holds one thing that is drawn: what it is for, which series it belongs to, and its shape on the page.
public struct Mark: Equatable, Sendable {
  /// Names what a mark is for.
  public enum Role: String, Sendable {
    /// The data: single points, lines, bands, bars, histogram areas and their outlines, density rasters.
    case point, line, band, bar, distribution, density

    /// Parts of the data: a join between the two points of a pair, a centroid, the join between centroids, an
    /// interval.
    case pairLine, centroid, centroidLine, interval

    /// The frame: axis lines, ticks and grid.
    case axis, tick, grid

    /// Type around the plot.
    case tickLabel, axisLabel, title, panelLabel, annotation

    /// Keys and names of the legend.
    case legendKey, legendLabel

    /// Lines at given values, their labels, and numbers at bars.
    case reference, referenceLabel, leader, valueLabel
  }

  /// What the mark is for.
  public var role: Role

  /// The series that the mark belongs to, if it belongs to one.
  public var series: String?

  /// The panel that the mark belongs to; nil for a legend shared by all.
  public var panel: Int?

  /// What is drawn.
  public var shape: Shape

  /// Outside this rectangle nothing is drawn.
  public var clip: PlotRect?

  /// Stores a mark.
  public init(_ role: Role, _ shape: Shape, series: String? = nil, panel: Int? = nil, clip: PlotRect? = nil) {
    self.role = role
    self.series = series
    self.panel = panel
    self.shape = shape
    self.clip = clip
  }

  /// Lists what can be drawn, with lengths in points of the page.
  public enum Shape: Equatable, Sendable {
    /// Symbols of one look at many centres.
    case symbols(SymbolBatch)

    /// An open line through points.
    case polyline([PlotPoint], Stroke)

    /// A closed area.
    case area([PlotPoint], PlotColor)

    /// A filled rectangle.
    case rectangle(PlotRect, PlotColor)

    /// Separate straight lines of one look.
    case segments([Segment], Stroke)

    /// One line of type.
    case text(TextMark)

    /// Cells of one colour and varying opacity.
    case raster(Raster)
  }
}

/// Says how a line is drawn.
public struct Stroke: Equatable, Sendable {
  /// The colour.
  public var color: PlotColor

  /// The width in points.
  public var width: Double

  /// Dashes and gaps in points; empty for a solid line.
  public var dash: [Double]

  /// Stores the three parts.
  public init(color: PlotColor, width: Double, dash: [Double] = []) {
    self.color = color
    self.width = width
    self.dash = dash
  }
}

/// Joins two places.
public struct Segment: Equatable, Sendable {
  /// Where the line begins.
  public var from: PlotPoint

  /// Where the line ends.
  public var to: PlotPoint

  /// Stores both ends.
  public init(from: PlotPoint, to: PlotPoint) {
    self.from = from
    self.to = to
  }
}

/// Holds symbols of one look at many centres.
public struct SymbolBatch: Equatable, Sendable {
  /// The middle of each symbol.
  public var centers: [PlotPoint]

  /// The shape.
  public var symbol: PlotSymbol

  /// The radius in points.
  public var radius: Double

  /// The colour inside.
  public var fill: PlotColor

  /// The line around, drawn under the fill so that it lies outside; nil for none.
  public var outline: Stroke?

  /// Stores the parts.
  public init(
    centers: [PlotPoint], symbol: PlotSymbol, radius: Double, fill: PlotColor, outline: Stroke? = nil
  ) {
    self.centers = centers
    self.symbol = symbol
    self.radius = radius
    self.fill = fill
    self.outline = outline
  }
}

/// Holds a grid of cells of one colour; each cell's opacity shows its value.
public struct Raster: Equatable, Sendable {
  /// The number of cells in a row.
  public var columns: Int

  /// The number of rows, the first at the top.
  public var rows: Int

  /// The opacity of each cell, [rows, columns], 0…255.
  public var opacity: [UInt8]

  /// The colour of every cell.
  public var color: PlotColor

  /// Where the grid lies on the page.
  public var frame: PlotRect

  /// Stores a grid; another count of cells than columns × rows is a programmer error.
  public init(columns: Int, rows: Int, opacity: [UInt8], color: PlotColor, frame: PlotRect) {
    precondition(columns > 0 && rows > 0 && opacity.count == columns * rows, "one opacity a cell")
    self.columns = columns
    self.rows = rows
    self.opacity = opacity
    self.color = color
    self.frame = frame
  }
}
