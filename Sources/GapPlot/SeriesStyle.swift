/// Says how a series looks: by colour, and by marker and dash so that grey print still tells series apart.
public struct SeriesStyle: Equatable, Hashable, Sendable {
  /// The colour of markers, lines and fills.
  public var color: PlotColor

  /// The marker of single points.
  public var symbol: PlotSymbol

  /// The lengths of dashes and gaps in points; empty for a solid line.
  public var dash: [Double]

  /// Stores the three parts.
  public init(color: PlotColor, symbol: PlotSymbol, dash: [Double]) {
    self.color = color
    self.symbol = symbol
    self.dash = dash
  }

  /// Chooses the look of the series at a position in its chart; 7 colours, 6 markers and 5 dashes repeat together
  /// only after 210 series.
  ///
  /// - Parameter index: 0 for the first series.
  public init(index: Int) {
    precondition(index >= 0, "a series' position counts from 0")
    let (colors, symbols) = (PlotColor.palette, PlotSymbol.allCases)
    self.init(
      color: colors[index % colors.count], symbol: symbols[index % symbols.count],
      dash: Self.dashes[index % Self.dashes.count])
  }

  static let dashes: [[Double]] = [[], [4, 1.6], [1.2, 1.4], [5, 1.5, 1.2, 1.5], [7, 2.2]]
}
