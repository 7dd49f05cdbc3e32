/// Holds what a chart hands to the layout: the ranges it needs, the words around it and how to draw its data.
struct PanelContent {
  /// One axis before it is fitted to a length.
  struct Axis {
    var label: String
    var kind: PlotScale.Kind = .linear
    var span: ValueSpan

    /// A range that the caller fixed: ticks stay inside even where the axis grows for labels.
    var fixed: ClosedRange<Double>?

    /// Room in points that labels need beyond the data at each end, for a plot of a given size.
    var room: ((PlotRect, TextMeasure) throws(PlotError) -> (before: Double, after: Double))?

    /// Names of groups, standing at 0.5, 1.5, …, instead of ticks.
    var categories: [String]?

    var showsGrid = true

    /// False where a neighbouring panel shows the same ticks or the same label.
    var showsTickLabels = true
    var showsLabel = true
  }

  /// A label outside the plot at a value of an axis.
  struct EdgeLabel {
    var value: Double
    var text: String
    var color: PlotColor
    var dash: [Double] = [3, 2]
  }

  var title: String?
  var annotations: [String] = []
  var x: Axis
  var y: Axis
  var hasEqualAspect = false

  /// Height over width of the plot that suits the data.
  var aspect = 0.66
  var legend: [LegendEntry] = []

  /// Vertical lines with labels above the plot.
  var topLabels: [EdgeLabel] = []

  /// Horizontal lines with labels to the right of the plot.
  var rightLabels: [EdgeLabel] = []

  /// Draws the data in a fitted frame.
  var draw: (PanelFrame, TextMeasure) throws(PlotError) -> [Mark]
}
