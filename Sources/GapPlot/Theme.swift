/// Lists the sizes that every figure shares, in points.
enum Theme {
  /// Type.
  static let tickSize = 7.0
  static let labelSize = 7.5
  static let legendSize = 7.0
  static let annotationSize = 7.0
  static let titleSize = 8.0
  static let valueSize = 6.0
  static let smallestSize = 5.0

  /// Lines.
  static let axis = Stroke(color: .ink, width: 0.6)
  static let grid = Stroke(color: .faint, width: 0.4)
  static let lineWidth = 1.1
  static let tickLength = 2.5
  static let minorTickLength = 1.5

  /// Room between things.
  static let margin = 4.0
  static let gap = 3.0
  static let panelGap = 12.0
  static let rightLabelWidth = 52.0
  static let smallestPlot = 24.0
}
