/// Holds one line of type and where it stands.
public struct TextMark: Equatable, Sendable {
  /// Names which part of the line's width lies at its position.
  public enum Anchor: Sendable {
    /// The position is the left end, the middle or the right end of the line.
    case start, middle, end
  }

  /// The line; control characters are printed as spaces.
  public var string: String

  /// The anchor's place, at half the height of the line.
  public var position: PlotPoint

  /// The part of the line at the position.
  public var anchor: Anchor

  /// The size of type in points.
  public var size: Double

  /// Whether the type is bold.
  public var isBold: Bool

  /// Whether the line reads upward, turned a quarter to the left around its position.
  public var isVertical: Bool

  /// The colour.
  public var color: PlotColor

  /// Stores a line.
  public init(
    _ string: String, at position: PlotPoint, anchor: Anchor = .start, size: Double, isBold: Bool = false,
    isVertical: Bool = false, color: PlotColor = .ink
  ) {
    self.string = TextMark.printable(string)
    self.position = position
    self.anchor = anchor
    self.size = size
    self.isBold = isBold
    self.isVertical = isVertical
    self.color = color
  }

  /// Returns the box that the line takes on the page.
  ///
  /// - Parameter measure: the type to measure with.
  /// - Throws: `PlotError.drawing` when the type cannot be measured.
  public func bounds(_ measure: TextMeasure) throws(PlotError) -> PlotRect {
    let extent = try measure.extent(of: string, size: size, isBold: isBold)
    let before =
      switch anchor {
      case .start: 0.0
      case .middle: extent.width / 2
      case .end: extent.width
      }
    if isVertical {
      return PlotRect(
        x: position.x - extent.height / 2, y: position.y + before - extent.width, width: extent.height,
        height: extent.width)
    }
    return PlotRect(
      x: position.x - before, y: position.y - extent.height / 2, width: extent.width, height: extent.height)
  }

  /// Replaces control characters, which have no shape, by spaces.
  static func printable(_ string: String) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool {
      scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
    guard string.unicodeScalars.contains(where: isControl) else { return string }
    return String(String.UnicodeScalarView(string.unicodeScalars.map { isControl($0) ? " " : $0 }))
  }
}
