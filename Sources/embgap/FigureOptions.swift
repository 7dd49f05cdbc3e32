public import ArgumentParser
public import EmbeddingGap

/// How figures are written.
struct FigureOptions: ParsableArguments {
  @Option(help: "Format of figures: png, svg or pdf.")
  var format: FigureFormat = .png

  @Option(help: "Resolution of PNG figures in dots per inch.")
  var dpi = 300.0

  func validate() throws {
    guard (30...2400).contains(dpi) else { throw ValidationError("--dpi: expected 30 to 2400, found \(dpi)") }
  }

  /// As what figures are written.
  var style: FigureStyle { FigureStyle(format: format, dpi: dpi) }
}

extension FigureFormat: ExpressibleByArgument {}
