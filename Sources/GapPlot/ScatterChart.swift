/// Draws clouds of points on equal axes, with their centroids and, if wished, thin lines between pairs.
///
/// Its main use is the projection of paired image and text embeddings onto two principal components: two separate
/// clouds with parallel joins are a modality gap.
///
/// ```swift
/// let chart = ScatterChart(
///   series: [.init("image", points: images), .init("text", points: texts)],
///   xLabel: "PC 1 (28.0%)", yLabel: "PC 2 (11.3%)", annotations: ["gap 0.851, n 500, d 512"], joinsPairs: true)
/// try Figure([.scatter(chart)]).write(to: "pca.png")
/// ```
public struct ScatterChart: Sendable {
  /// Says how many points are drawn, and how.
  public enum Drawing: Equatable, Sendable {
    /// Every point up to 5,000 a series, the density of more.
    case automatic

    /// Every point.
    case all

    /// Points evenly taken from the list, the same places of it in every series; a note says how many.
    case sample(Int)

    /// Counts in square cells, so many along the longer side; a note says of how many points.
    case density(cells: Int)
  }

  /// Holds one cloud.
  public struct Series: Sendable {
    /// Lists the forms in which a cloud is given.
    public enum Content: Sendable {
      /// Every point.
      case points([PlotPoint])

      /// Counts only.
      case density(DensityGrid)
    }

    /// The name in the legend.
    public var label: String

    /// The points or their counts.
    public var content: Content

    /// The place of the large marker; nil takes the mean of the points, and none for counts.
    public var centroid: PlotPoint?

    /// The look; nil chooses by position.
    public var style: SeriesStyle?

    /// Stores a cloud given by its points.
    public init(_ label: String, points: [PlotPoint], centroid: PlotPoint? = nil, style: SeriesStyle? = nil) {
      self.label = label
      self.content = .points(points)
      self.centroid = centroid
      self.style = style
    }

    /// Stores a cloud given by its counts.
    public init(_ label: String, density: DensityGrid, centroid: PlotPoint?, style: SeriesStyle? = nil) {
      self.label = label
      self.content = .density(density)
      self.centroid = centroid
      self.style = style
    }
  }

  /// The line above the plot, if any.
  public var title: String?

  /// The clouds, drawn in this order.
  public var series: [Series]

  /// What the horizontal axis shows.
  public var xLabel: String

  /// What the vertical axis shows.
  public var yLabel: String

  /// Lines of small type above the plot.
  public var annotations: [String]

  /// Whether point i of the first series is joined to point i of the second.
  public var joinsPairs: Bool

  /// Whether centroids are marked, and joined if pairs are.
  public var showsCentroids: Bool

  /// How many points are drawn, and how.
  public var drawing: Drawing

  /// Stores a chart.
  public init(
    title: String? = nil, series: [Series], xLabel: String, yLabel: String, annotations: [String] = [],
    joinsPairs: Bool = false, showsCentroids: Bool = true, drawing: Drawing = .automatic
  ) {
    self.title = title
    self.series = series
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.annotations = annotations
    self.joinsPairs = joinsPairs
    self.showsCentroids = showsCentroids
    self.drawing = drawing
  }

  /// The most points of a series that `Drawing.automatic` draws one by one.
  public static let automaticLimit = 5_000
}
