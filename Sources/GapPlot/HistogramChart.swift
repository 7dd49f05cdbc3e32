/// Draws distributions over one another, each scaled to area 1, with their means named above the plot.
///
/// ```swift
/// let chart = HistogramChart(
///   series: [.init("paired", values: paired), .init("unpaired", values: unpaired)], xLabel: "cosine similarity")
/// try Figure([.histogram(chart)]).write(to: "cosines.png")
/// ```
public struct HistogramChart: Sendable {
  /// Holds one distribution.
  public struct Series: Sendable {
    /// Lists the forms in which a distribution is given.
    public enum Content: Sendable {
      /// Every value; each series is counted in bins of its own, since a narrow peak needs finer ones than a broad
      /// distribution, and densities compare all the same.
      case values([Double])

      /// Counts between neighbouring edges, which increase and are one more than the counts.
      case binned(edges: [Double], counts: [Int])
    }

    /// The name in the legend.
    public var label: String

    /// The values or their counts.
    public var content: Content

    /// The place of the mean line; nil takes the mean of the values, and no line for counts.
    public var mean: Double?

    /// The look; nil chooses by position.
    public var style: SeriesStyle?

    /// Stores a distribution given by its values.
    public init(_ label: String, values: [Double], mean: Double? = nil, style: SeriesStyle? = nil) {
      self.label = label
      self.content = .values(values)
      self.mean = mean
      self.style = style
    }

    /// Stores a distribution given by its counts.
    public init(
      _ label: String, edges: [Double], counts: [Int], mean: Double?, style: SeriesStyle? = nil
    ) {
      self.label = label
      self.content = .binned(edges: edges, counts: counts)
      self.mean = mean
      self.style = style
    }
  }

  /// The line above the plot, if any.
  public var title: String?

  /// The distributions, drawn in this order.
  public var series: [Series]

  /// What the values are.
  public var xLabel: String

  /// What the heights are.
  public var yLabel: String

  /// Lines of small type above the plot.
  public var annotations: [String]

  /// Whether the means are marked.
  public var showsMeans: Bool

  /// The number of bins of each series given by values; nil chooses it from its data.
  public var bins: Int?

  /// Stores a chart.
  public init(
    title: String? = nil, series: [Series], xLabel: String, yLabel: String = "density",
    annotations: [String] = [], showsMeans: Bool = true, bins: Int? = nil
  ) {
    self.title = title
    self.series = series
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.annotations = annotations
    self.showsMeans = showsMeans
    self.bins = bins
  }
}
