/// Draws grouped bars with intervals, the number above each bar, and lines at reference values.
///
/// ```swift
/// let chart = BarChart(
///   groups: ["R@1", "R@5", "R@10"],
///   series: [.init("image → text", values: [0.41, 0.68, 0.79], lower: [0.38, 0.65, 0.76], upper: [0.44, 0.71, 0.82])],
///   yLabel: "recall", yRange: 0...1, references: [ReferenceLine(0.002, label: "chance")])
/// try Figure([.bar(chart)]).write(to: "retrieval.png")
/// ```
public struct BarChart: Sendable {
  /// Holds one bar for each group.
  public struct Series: Sendable {
    /// The name in the legend.
    public var label: String

    /// The height in each group.
    public var values: [Double]

    /// The lower end of each interval; nil for no intervals.
    public var lower: [Double]?

    /// The upper end of each interval; nil for no intervals.
    public var upper: [Double]?

    /// The colour; nil chooses by position.
    public var color: PlotColor?

    /// Stores the bars of a series.
    ///
    /// - Parameters:
    ///   - label: the name in the legend; an empty one is left out of it.
    ///   - values: one height a group.
    ///   - lower: lower ends of intervals, with `upper`, or nil.
    ///   - upper: upper ends of intervals, with `lower`, or nil.
    ///   - color: nil chooses by position.
    public init(
      _ label: String, values: [Double], lower: [Double]? = nil, upper: [Double]? = nil,
      color: PlotColor? = nil
    ) {
      self.label = label
      self.values = values
      self.lower = lower
      self.upper = upper
      self.color = color
    }
  }

  /// The line above the plot, if any.
  public var title: String?

  /// The names under the groups.
  public var groups: [String]

  /// The bars, from left to right in each group.
  public var series: [Series]

  /// What the heights are.
  public var yLabel: String

  /// The range of ticks, nil for that of the data; bars begin at zero all the same.
  public var yRange: ClosedRange<Double>?

  /// Horizontal lines, named to the right of the plot.
  public var references: [ReferenceLine]

  /// Decimals of the numbers at the bars; nil writes none, and bars narrower than type have none.
  public var valueDecimals: Int?

  /// Lines of small type above the plot.
  public var annotations: [String]

  /// Stores a chart.
  public init(
    title: String? = nil, groups: [String], series: [Series], yLabel: String,
    yRange: ClosedRange<Double>? = nil, references: [ReferenceLine] = [], valueDecimals: Int? = 2,
    annotations: [String] = []
  ) {
    self.title = title
    self.groups = groups
    self.series = series
    self.yLabel = yLabel
    self.yRange = yRange
    self.references = references
    self.valueDecimals = valueDecimals
    self.annotations = annotations
  }
}
