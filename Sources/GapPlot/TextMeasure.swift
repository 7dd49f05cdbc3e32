/// Measures lines of type in the font of every figure, without rounding to pixels, so that one layout fits every
/// format and resolution.
///
/// An instance belongs to one task at a time; measures are kept for lines that come again.
public final class TextMeasure {
  /// The font of all type. Where it is missing, the system's substitute is measured and drawn.
  public static let fontFamily = "DejaVu Sans"

  /// Holds the width and the height of a line, from the top of the tallest letter to the bottom of the lowest.
  public struct Extent: Equatable, Sendable {
    /// From the start of the first letter to the start of what would follow the last.
    public var width: Double

    /// Ascent and descent of the font together, whatever the letters.
    public var height: Double
  }

  private struct Key: Hashable {
    var string: String
    var isBold: Bool
  }

  /// Extents at size `unit`; type scales evenly.
  private var known: [Key: Extent] = [:]
  private let canvas: CairoCanvas
  private static let unit = 100.0

  /// Prepares a measuring surface.
  ///
  /// - Throws: `PlotError.drawing` when cairo cannot make one.
  public init() throws(PlotError) {
    canvas = try CairoCanvas(target: .image(width: 1, height: 1, scale: 1))
  }

  /// Measures a line.
  ///
  /// - Parameters:
  ///   - string: the line.
  ///   - size: the size of type in points.
  ///   - isBold: whether the type is bold.
  /// - Returns: width and height in points.
  /// - Throws: `PlotError.drawing` when cairo cannot measure it.
  public func extent(of string: String, size: Double, isBold: Bool = false) throws(PlotError) -> Extent {
    let key = Key(string: string, isBold: isBold)
    if let extent = known[key] { return extent.scaled(by: size / Self.unit) }
    let type = try canvas.typeExtent(of: string, size: Self.unit, isBold: isBold)
    let extent = Extent(width: type.advance, height: type.ascent + type.descent)
    known[key] = extent
    return extent.scaled(by: size / Self.unit)
  }

  /// Breaks a text at spaces into lines no wider than allowed; a single word that is too wide is cut with "…".
  func lines(of text: String, size: Double, width: Double, isBold: Bool = false) throws(PlotError) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in TextMark.printable(text).split(separator: " ") {
      let longer = line.isEmpty ? String(word) : line + " " + word
      let longerWidth = try extent(of: longer, size: size, isBold: isBold).width
      if line.isEmpty || longerWidth <= width {
        line = longer
      } else {
        lines.append(line)
        line = String(word)
      }
    }
    if !line.isEmpty { lines.append(line) }
    var cut: [String] = []
    for line in lines { cut.append(try fitted(line, size: size, width: width, isBold: isBold)) }
    return cut
  }

  /// Cuts the end of a line that is too wide and puts "…" there.
  private func fitted(_ line: String, size: Double, width: Double, isBold: Bool) throws(PlotError) -> String {
    guard try extent(of: line, size: size, isBold: isBold).width > width else { return line }
    var (kept, tooMany) = (0, line.count)
    while tooMany - kept > 1 {
      let middle = (kept + tooMany) / 2
      let candidate = try extent(of: line.prefix(middle) + "…", size: size, isBold: isBold).width
      if candidate <= width { kept = middle } else { tooMany = middle }
    }
    return line.prefix(kept) + "…"
  }
}

extension TextMeasure.Extent {
  fileprivate func scaled(by factor: Double) -> TextMeasure.Extent {
    TextMeasure.Extent(width: width * factor, height: height * factor)
  }
}
