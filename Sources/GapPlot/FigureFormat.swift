/// Lists the file formats of figures.
public enum FigureFormat: String, CaseIterable, Sendable {
  /// Pixels, with resolution and provenance.
  case png

  /// A vector drawing for the web; letters are outlines, so that no font is needed.
  case svg

  /// A vector drawing for papers; fonts are embedded.
  case pdf

  /// Reads the format off a file name's ending, in small or capital letters.
  ///
  /// - Parameter path: a file name.
  /// - Throws: `PlotError.format` when it ends in none of .png, .svg, .pdf.
  public init(path: String) throws(PlotError) {
    let ending = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    guard path.contains("."), let format = FigureFormat(rawValue: ending) else { throw .format(path: path) }
    self = format
  }
}
