/// Measures lines of type in the font of every figure, without rounding to pixels, so that one layout fits every
/// format and resolution.
///
/// An instance belongs to one task at a time; measures are kept for lines that come again.
public final class TextMeasure {
  /// The font of all type; where it is missing, the system's substitute is measured and drawn.
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

  /// Breaks a text at spaces into lines no wider than allowed.
  ///
  /// - Parameter breaksWords: whether a single word that is too wide goes on in further lines, at most `mostPieces`,
  ///   so that names that differ at their ends can be told apart; else it is cut with "…" at once.
  func lines(
    of text: String, size: Double, width: Double, isBold: Bool = false, breaksWords: Bool = false
  ) throws(PlotError) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in TextMark.printable(text).split(separator: " ") {
      for (index, piece) in try pieces(of: String(word), breaksWords, size, width, isBold).enumerated() {
        let longer = line.isEmpty ? piece : line + " " + piece
        let longerWidth = try extent(of: longer, size: size, isBold: isBold).width
        if line.isEmpty || (longerWidth <= width && index == 0) {
          line = longer
        } else {
          lines.append(line)
          line = piece
        }
      }
    }
    if !line.isEmpty { lines.append(line) }
    var cut: [String] = []
    for line in lines { cut.append(try fitted(line, size: size, width: width, isBold: isBold)) }
    return cut
  }

  /// The most lines that one word is broken into; the last of them is cut.
  private static let mostPieces = 4

  /// Breaks a word that is too wide, behind the last "-", "_", "/" or "." of each line where there is one in its
  /// second half.
  private func pieces(
    of word: String, _ breaksWords: Bool, _ size: Double, _ width: Double, _ isBold: Bool
  ) throws(PlotError) -> [String] {
    var (pieces, rest) = ([String](), word[...])
    while breaksWords, pieces.count < Self.mostPieces - 1,
      try extent(of: String(rest), size: size, isBold: isBold).width > width
    {
      let count = try longestPrefix(of: rest, ending: "", size: size, width: width, isBold: isBold)
      guard count > 0 else { break }
      let separator = rest.prefix(count).lastIndex { "-_/.".contains($0) }
      let end = separator.map { rest.distance(from: rest.startIndex, to: $0) + 1 } ?? 0
      pieces.append(String(rest.prefix(2 * end > count ? end : count)))
      rest = rest.dropFirst(2 * end > count ? end : count)
    }
    return pieces + [String(rest)]
  }

  /// Cuts the end of a line that is too wide and puts "…" there.
  private func fitted(_ line: String, size: Double, width: Double, isBold: Bool) throws(PlotError) -> String {
    guard try extent(of: line, size: size, isBold: isBold).width > width else { return line }
    return line.prefix(try longestPrefix(of: line[...], ending: "…", size: size, width: width, isBold: isBold))
      + "…"
  }

  /// The most characters that fit together with an ending, for a line that does not fit as a whole.
  private func longestPrefix(
    of line: Substring, ending: String, size: Double, width: Double, isBold: Bool
  ) throws(PlotError) -> Int {
    var (kept, tooMany) = (0, line.count)
    while tooMany - kept > 1 {
      let middle = (kept + tooMany) / 2
      let candidate = try extent(of: line.prefix(middle) + ending, size: size, isBold: isBold).width
      if candidate <= width { kept = middle } else { tooMany = middle }
    }
    return kept
  }
}

extension TextMeasure.Extent {
  fileprivate func scaled(by factor: Double) -> TextMeasure.Extent {
    TextMeasure.Extent(width: width * factor, height: height * factor)
  }
}
