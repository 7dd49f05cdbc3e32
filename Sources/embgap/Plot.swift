import ArgumentParser
import EmbeddingGap

/// `embgap plot`: figures from reports, runs and comparisons.
struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws figures from reports or training runs, several on shared axes, or from a comparison.",
    discussion: """
      Takes directories that `embgap measure --out`, `embgap train` or `embgap compare` wrote. Runs that evaluated held-out \
      pairs have curve, questions (where some were asked) and pca before and after, too.

      Examples:
        embgap plot report --figure pca --format pdf --out figures
        embgap plot report-ntp report-joint --figure all --out figures
        embgap plot runs/ntp runs/joint --figure curve --out figures
        embgap plot comparison --figure questions --format svg --out figures
      """)

  @Argument(help: "Directories of reports or runs, or of one comparison.")
  var reports: [String]

  @Option(
    help: "pca, cosines, dimensions, shift, retrieval, layers; of runs also curve, questions, sweep; or all.")
  var figure = "all"

  @OptionGroup var output: FigureOptions

  @Option(help: ArgumentHelp("Directory for the figures; made if missing.", valueName: "dir"))
  var out: String

  func validate() throws {
    guard !reports.isEmpty else { throw ValidationError("no report is given") }
    try output.validate()
  }

  func run() throws {
    let comparisons = reports.filter(ComparisonReport.isComparison)
    if !comparisons.isEmpty {
      guard reports.count == 1 else {
        throw ReportError.notComparable(
          first: comparisons[0], second: reports.first { $0 != comparisons[0] } ?? comparisons[0],
          expected: "one comparison alone, or runs, or reports", found: "several of them together")
      }
      return try draw(training: ComparisonReport(comparison: reports[0]), reports: [])
    }
    let items = try DrawableReport.all(directories: reports)
    let areRuns = reports.allSatisfy(ComparisonReport.hasEvaluations)
    try draw(training: areRuns ? ComparisonReport(runs: reports) : nil, reports: items)
  }

  /// Figures of training runs, where they are some, and of reports; where both have one of a name, the runs'.
  private func draw(training: ComparisonReport?, reports items: [DrawableReport]) throws {
    let ofTraining = TrainingFigure.allCases.filter { kind in
      (figure == "all" || figure == kind.rawValue) && (training.map { kind.isPossible(for: $0) } ?? false)
    }
    let ofReports = GapFigure.allCases.filter { kind in
      (figure == "all" || figure == kind.rawValue) && !ofTraining.contains { $0.rawValue == kind.rawValue }
        && !items.isEmpty && (figure != "all" || items.allSatisfy { kind.isPossible(for: $0.report) })
    }
    guard !ofTraining.isEmpty || !ofReports.isEmpty else { throw impossible(training, items) }
    let staged = try StagedOutput(directory: out)
    if ofReports.contains(.pca), Set(items.map(\.basisIdentity)).count > 1 {
      standardError(
        "embgap: warning: pca_bases_differ: the reports have PCA bases of their own, so their axes do not compare"
          + " (measure … --pca-basis \(reports[0])/\(ReportFiles.basis) puts them on one)\n")
    }
    for figure in ofReports { try output.style.write(figure, of: items, into: staged) }
    if let training {
      for figure in ofTraining {
        try output.style.write(figure, of: training, source: reports.joined(separator: ", "), into: staged)
      }
    }
    try staged.commit()
    for name in ofTraining.map(\.rawValue) + ofReports.map(\.rawValue) {
      try printText("\(out)/\(name).\(output.format.rawValue)")
    }
  }

  private func impossible(_ training: ComparisonReport?, _ items: [DrawableReport]) -> ReportError {
    let known = ComparisonReport.unique(
      GapFigure.allCases.map(\.rawValue) + TrainingFigure.allCases.map(\.rawValue))
    guard known.contains(figure) else { return .noSuchFigure(name: figure, known: known) }
    let reason =
      training == nil
      ? "it is drawn from runs with evaluations (embgap train, embgap compare)"
      : "the runs do not hold what it is drawn from"
    return .figureDataMissing(path: reports[0], figure: figure, reason: reason)
  }
}
