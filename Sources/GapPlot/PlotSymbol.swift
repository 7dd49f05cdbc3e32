/// Lists the shapes of single points, of about equal area at equal radius.
public enum PlotSymbol: String, CaseIterable, Sendable {
  /// A disc.
  case circle

  /// A triangle that points upward.
  case triangle

  /// An upright square.
  case square

  /// A square on its corner.
  case diamond

  /// A triangle that points downward.
  case wedge

  /// A plus sign drawn as an area.
  case plus

  /// The corners of the shape around its centre for radius 1; empty for a circle.
  var outline: [PlotPoint] {
    switch self {
    case .circle: []
    case .triangle: [(0, -1.3), (1.13, 0.65), (-1.13, 0.65)].map { PlotPoint(x: $0.0, y: $0.1) }
    case .wedge: [(0, 1.3), (1.13, -0.65), (-1.13, -0.65)].map { PlotPoint(x: $0.0, y: $0.1) }
    case .square:
      [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)].map { PlotPoint(x: $0.0, y: $0.1) }
    case .diamond: [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)].map { PlotPoint(x: $0.0, y: $0.1) }
    case .plus: Self.plusOutline
    }
  }

  private static let plusOutline: [PlotPoint] = [
    (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4),
    (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
  ].map { PlotPoint(x: $0.0, y: $0.1) }
}
