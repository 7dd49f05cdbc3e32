import ArgumentParser
import EmbeddingGap

/// `embgap plot`: figures from reports.
struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws figures from one or several reports, several on shared axes.",
    discussion: """
      Takes directories that `embgap measure --out` wrote.

      Examples:
        embgap plot report --figure pca --format pdf --out figures
        embgap plot report-ntp report-joint --figure all --out figures
      """)

  @Argument(help: "Directories of reports.")
  var reports: [String]

  @Option(help: "pca, cosines, dimensions, shift, retrieval, or all.")
  var figure = "all"

  @OptionGroup var output: FigureOptions

  @Option(help: ArgumentHelp("Directory for the figures; made if missing.", valueName: "dir"))
  var out: String

  func validate() throws {
    guard !reports.isEmpty else { throw ValidationError("no report is given") }
    try output.validate()
  }

  func run() throws {
    let items = try DrawableReport.all(directories: reports)
    let figures = try chosen(for: items)
    let staged = try StagedOutput(directory: out)
    if figures.contains(.pca), Set(items.map(\.basisIdentity)).count > 1 {
      standardError(
        "embgap: warning: pca_bases_differ: the reports have PCA bases of their own, so their axes do not compare"
          + " (measure … --pca-basis \(reports[0])/\(ReportFiles.basis) puts them on one)\n")
    }
    for figure in figures { try output.style.write(figure, of: items, into: staged) }
    try staged.commit()
    for figure in figures { try printText("\(out)/\(figure.rawValue).\(output.format.rawValue)") }
  }

  private func chosen(for items: [DrawableReport]) throws -> [GapFigure] {
    if figure == "all" {
      return GapFigure.allCases.filter { figure in items.allSatisfy { figure.isPossible(for: $0.report) } }
    }
    guard let one = GapFigure(rawValue: figure) else {
      throw ReportError.noSuchFigure(name: figure, known: GapFigure.allCases.map(\.rawValue))
    }
    return [one]
  }
}
