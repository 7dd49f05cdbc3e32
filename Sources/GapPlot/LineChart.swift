/// Draws curves, with bands of uncertainty, on linear or logarithmic axes.
///
/// ```swift
/// let arm = LineChart.Series("joint", x: steps, y: mean, lower: low, upper: high)
/// let chart = LineChart(
///   series: [arm], x: PlotAxis("step"), y: PlotAxis("centroid distance"),
///   yReferences: [ReferenceLine(0.02, label: "noise floor")])
/// try Figure([.line(chart)]).write(to: "curve.png")
/// ```
public struct LineChart: Sendable {
  /// Holds one curve.
  public struct Series: Sendable {
    /// The name in the legend.
    public var label: String

    /// The horizontal places, in drawing order.
    public var x: [Double]

    /// The heights.
    public var y: [Double]

    /// The lower edge of the band; nil for no band.
    public var lower: [Double]?

    /// The upper edge of the band; nil for no band.
    public var upper: [Double]?

    /// Whether each point is marked; a single point always is.
    public var showsMarkers: Bool

    /// The look; nil chooses by position.
    public var style: SeriesStyle?

    /// Stores a curve.
    ///
    /// - Parameters:
    ///   - label: the name in the legend; an empty one is left out of it.
    ///   - x: n places.
    ///   - y: n heights.
    ///   - lower: n lower edges of the band, with `upper`, or nil.
    ///   - upper: n upper edges of the band, with `lower`, or nil.
    ///   - showsMarkers: whether each point is marked.
    ///   - style: the look; nil chooses by position.
    public init(
      _ label: String, x: [Double], y: [Double], lower: [Double]? = nil, upper: [Double]? = nil,
      showsMarkers: Bool = false, style: SeriesStyle? = nil
    ) {
      self.label = label
      self.x = x
      self.y = y
      self.lower = lower
      self.upper = upper
      self.showsMarkers = showsMarkers
      self.style = style
    }
  }

  /// The line above the plot, if any.
  public var title: String?

  /// The curves, drawn in this order.
  public var series: [Series]

  /// The horizontal axis.
  public var x: PlotAxis

  /// The vertical axis.
  public var y: PlotAxis

  /// Vertical lines, named above the plot.
  public var xReferences: [ReferenceLine]

  /// Horizontal lines, named to the right of the plot.
  public var yReferences: [ReferenceLine]

  /// Lines of small type above the plot.
  public var annotations: [String]

  /// Stores a chart.
  public init(
    title: String? = nil, series: [Series], x: PlotAxis, y: PlotAxis, xReferences: [ReferenceLine] = [],
    yReferences: [ReferenceLine] = [], annotations: [String] = []
  ) {
    self.title = title
    self.series = series
    self.x = x
    self.y = y
    self.xReferences = xReferences
    self.yReferences = yReferences
    self.annotations = annotations
  }
}
