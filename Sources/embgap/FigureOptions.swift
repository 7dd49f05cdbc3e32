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

/// How figures and the table on standard output are written, where a command has both.
struct OutputOptions: ParsableArguments {
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Format of figures (png, svg or pdf; png unless said otherwise), or of the table on standard output (csv, md or"
        + " latex); may be given for each.", valueName: "format"))
  var format: [OutputFormat] = []

  @Option(help: "Resolution of PNG figures in dots per inch.")
  var dpi = 300.0

  func validate() throws {
    guard (30...2400).contains(dpi) else {
      throw ValidationError("--dpi: expected 30 to 2400, found \(dpi)")
    }
    for kinds in [format.compactMap(\.figure).count, format.compactMap(\.table).count]
    where kinds > 1 {
      throw ValidationError(
        "--format: expected one of png, svg, pdf and one of csv, md, latex, found "
          + format.map(\.rawValue).joined(separator: ", "))
    }
  }

  /// As what figures are written.
  var style: FigureStyle {
    FigureStyle(format: format.lazy.compactMap(\.figure).first ?? .png, dpi: dpi)
  }

  /// As what the table is written; nil for the terminal's.
  var table: TableFormat? { format.lazy.compactMap(\.table).first }
}

/// Formats of figures and tables.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case png, svg, pdf, csv, md, latex

  var figure: FigureFormat? { FigureFormat(rawValue: rawValue) }
  var table: TableFormat? { TableFormat(rawValue: rawValue) }
}

extension TableFormat: ExpressibleByArgument {}

/// Says on standard error what the table of a terminal says below it: tables of other formats have no place for it.
func printWarnings(_ warnings: [GapWarning]) {
  for warning in warnings {
    standardError("embgap: warning: \(warning.code): \(warning.message)\n")
  }
}
