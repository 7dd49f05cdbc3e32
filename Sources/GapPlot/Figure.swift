/// Arranges charts as panels of one figure, with letters, aligned axes and a legend that hides nothing.
///
/// ```swift
/// let figure = Figure([.scatter(before), .scatter(after)], width: Figure.twoColumns, sharesAxes: true)
/// try figure.write(to: "pca.pdf", provenance: ["Software": "embgap 1.0"])
/// ```
public struct Figure: Sendable {
  /// Lists the charts that a panel can hold.
  public enum Panel: Sendable {
    /// Clouds of points.
    case scatter(ScatterChart)

    /// Distributions.
    case histogram(HistogramChart)

    /// Curves.
    case line(LineChart)

    /// Grouped bars.
    case bar(BarChart)
  }

  /// Says where series are named.
  public enum LegendPlacement: Sendable {
    /// Once above all panels; entries that look and read the same are shown once.
    case shared

    /// Above each plot.
    case perPanel

    /// Nowhere.
    case hidden
  }

  /// The width of one column of a two-column page, in points (3.3 inches).
  public static let oneColumn = 240.0

  /// One and a half columns.
  public static let oneAndHalfColumns = 360.0

  /// Both columns (7 inches).
  public static let twoColumns = 504.0

  /// The charts, row by row.
  public var panels: [Panel]

  /// Panels in a row; nil fits as many as are readable.
  public var columns: Int?

  /// The width in points.
  public var width: Double

  /// The height in points; nil follows from the width and the data.
  public var height: Double?

  /// Whether all panels have the same ranges, named only at the left and below.
  public var sharesAxes: Bool

  /// Where series are named.
  public var legend: LegendPlacement

  /// Stores an arrangement.
  ///
  /// - Parameters:
  ///   - panels: at least one chart.
  ///   - columns: panels in a row; nil fits as many as are readable.
  ///   - width: in points.
  ///   - height: in points; nil follows from the width and the data.
  ///   - sharesAxes: whether all panels have the same ranges.
  ///   - legend: where series are named.
  public init(
    _ panels: [Panel], columns: Int? = nil, width: Double = oneColumn, height: Double? = nil,
    sharesAxes: Bool = false, legend: LegendPlacement = .shared
  ) {
    self.panels = panels
    self.columns = columns
    self.width = width
    self.height = height
    self.sharesAxes = sharesAxes
    self.legend = legend
  }

  /// Lays the figure out.
  ///
  /// - Returns: everything that is drawn, and where.
  /// - Throws: `PlotError` when data cannot be drawn or the figure is too small for its labels.
  /// - Complexity: O(values of all series).
  public func scene() throws(PlotError) -> Scene {
    guard !panels.isEmpty else { throw .nothingToDraw(what: "figure panels") }
    try validateSize()
    var contents: [PanelContent] = []
    for panel in panels { contents.append(try panel.content()) }
    let perRow = max(1, min(panels.count, columns ?? Int(width / 118)))
    if sharesAxes { try Self.shareAxes(&contents, columns: perRow) }
    let layout = FigureLayout(
      contents: contents, columns: perRow, width: width, height: height, legend: legend)
    return try layout.scene(measure: try TextMeasure())
  }

  /// Refuses sides that are not numbers of a page's size.
  private func validateSize() throws(PlotError) {
    for side in [width, height ?? width] where !(side > 0 && side <= 10_000) {
      throw .size(width: width, height: height ?? 0, reason: "expected sides between 0 and 10,000 points")
    }
  }

  /// Lays the figure out, draws it and writes it, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file to write or replace; its directory exists.
  ///   - format: nil reads it off the path's ending.
  ///   - dotsPerInch: the resolution of PNG.
  ///   - provenance: stored inside the file.
  /// - Throws: `PlotError`; `.cannotWrite` names the path and the system's reason, and nothing is left behind.
  public func write(
    to path: String, format: FigureFormat? = nil, dpi dotsPerInch: Double = 300, provenance: Provenance = [:]
  ) throws(PlotError) {
    try scene().write(to: path, format: format, dpi: dotsPerInch, provenance: provenance)
  }

  /// Gives all panels the same ranges and leaves out labels that a neighbour shows.
  private static func shareAxes(_ contents: inout [PanelContent], columns: Int) throws(PlotError) {
    var (x, y) = (contents[0].x, contents[0].y)
    for content in contents.dropFirst() {
      guard content.x.kind == x.kind, content.y.kind == y.kind, content.x.categories == x.categories else {
        throw .incompatibleAxes
      }
      x.span = x.span.union(content.x.span)
      y.span = y.span.union(content.y.span)
    }
    for index in contents.indices {
      contents[index].x.span = x.span
      contents[index].y.span = y.span
      if contents[index].hasEqualAspect {
        contents[index].aspect = ScatterChart.aspect(x.span, y.span)
      }
      if index % columns > 0 {
        contents[index].y.showsTickLabels = false
        contents[index].y.showsLabel = contents[index].y.label != contents[index - 1].y.label
      }
      if index + columns < contents.count {
        contents[index].x.showsTickLabels = false
        contents[index].x.showsLabel = contents[index].x.label != contents[index + columns].x.label
      }
    }
  }
}

extension Figure.Panel {
  func content() throws(PlotError) -> PanelContent {
    switch self {
    case .scatter(let chart): try chart.content()
    case .histogram(let chart): try chart.content()
    case .line(let chart): try chart.content()
    case .bar(let chart): try chart.content()
    }
  }
}

extension Scene {
  /// Draws the scene and writes it, whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the file to write or replace; its directory exists.
  ///   - format: nil reads it off the path's ending.
  ///   - dotsPerInch: the resolution of PNG.
  ///   - provenance: stored inside the file.
  /// - Throws: `PlotError`; `.cannotWrite` names the path and the system's reason, and nothing is left behind.
  public func write(
    to path: String, format: FigureFormat? = nil, dpi dotsPerInch: Double = 300, provenance: Provenance = [:]
  ) throws(PlotError) {
    let format = if let format { format } else { try FigureFormat(path: path) }
    try OutputFile.write(try encoded(as: format, dotsPerInch: dotsPerInch, provenance: provenance), to: path)
  }
}
