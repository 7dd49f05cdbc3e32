import EmbeddingGap

/// As what figures are written.
struct FigureStyle {
  var format = FigureFormat.png
  /// Dots per inch of PNG.
  var dpi = 300.0

  /// Draws a figure into a directory that is being filled.
  func write(_ figure: GapFigure, of reports: [DrawableReport], into staged: StagedOutput) throws {
    let name = figure.rawValue + "." + format.rawValue
    var provenance = Provenance()
    provenance.append("Software", "EmbeddingGap \(embeddingGapVersion)")
    provenance.append("Source", reports.flatMap { $0.report.inputs.map(\.path) }.joined(separator: ", "))
    provenance.append("Description", "\(figure.rawValue): " + reports.map(Self.summary).joined(separator: "; "))
    do {
      try figure.figure(of: reports).write(
        to: staged.path(name), format: format, dpi: dpi, provenance: provenance)
    } catch PlotError.cannotWrite(_, let reason) {
      throw ReportError.cannotWrite(path: staged.directory + "/" + name, reason: reason)
    }
  }

  /// Draws a figure of training runs into a directory that is being filled.
  func write(_ figure: TrainingFigure, of report: ComparisonReport, source: String, into staged: StagedOutput)
    throws
  {
    let name = figure.rawValue + "." + format.rawValue
    var provenance = Provenance()
    provenance.append("Software", "EmbeddingGap \(embeddingGapVersion)")
    provenance.append("Source", source)
    provenance.append("Description", "\(figure.rawValue): " + report.summary)
    do {
      try figure.figure(of: report).write(
        to: staged.path(name), format: format, dpi: dpi, provenance: provenance)
    } catch PlotError.cannotWrite(_, let reason) {
      throw ReportError.cannotWrite(path: staged.directory + "/" + name, reason: reason)
    }
  }

  private static func summary(_ item: DrawableReport) -> String {
    let gap = item.report.metrics.number("centroid_distance").map { "\($0)" } ?? "undefined"
    return "centroid_distance \(gap), \(item.report.pairs) pairs, \(item.report.dimension) dimensions,"
      + " seed \(item.report.seed)"
  }
}
