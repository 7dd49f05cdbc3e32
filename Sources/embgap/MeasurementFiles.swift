import EmbeddingGap

/// The files that a measurement leaves in a directory: report, page, details, projections, PCA basis, figures.
struct MeasurementFiles {
  let report: GapReport
  let measurement: GapMeasurement
  let pair: EmbeddingPair
  /// The basis to draw on; nil for that of the pair.
  var basis: PrincipalComponents?
  var fit = ProjectionFit.joint
  var style = FigureStyle()
  /// What people call the pairs.
  var labels = PairLabels()
  /// Some pairs of every layer.
  var layers: [LayerProjection] = []
  /// The run that led to the measurement.
  var training: ComparisonReport?
  var threads = 0

  /// Writes the files; the caller puts them in their places.
  func write(into staged: StagedOutput) throws {
    try staged.write(report.json(), to: ReportFiles.report)
    var material = ReportPage.Material()
    material.labels = labels
    material.layers = layers
    material.training = training
    material.threads = threads
    guard pair.hasEqualDimensions else {
      try staged.write(ReportPage(report, material).html(), to: ReportFiles.page)
      return
    }
    let basis = try basis ?? GapProjection.basis(of: pair, fit: fit)
    let projection = try GapProjection(of: pair, basis: basis)
    let details = try GapDetails(of: pair, measurement: measurement, seed: report.seed)
    try staged.write(details.data(), to: ReportFiles.details)
    try staged.write(SavedBasis(basis).data(), to: ReportFiles.basis)
    try staged.write(projection.npy(), to: ReportFiles.projections)
    try staged.write(projection.csv(), to: ReportFiles.projectionTable)
    let drawable = DrawableReport(
      name: staged.directory, report: report, details: details,
      projections: (projection.image + projection.text, basis.count), varianceFractions: basis.varianceFractions
    )
    material.drawable = drawable
    material.failures = try RetrievalFailures(details, in: pair)
    try staged.write(ReportPage(report, material).html(), to: ReportFiles.page)
    for figure in GapFigure.allCases where figure.isPossible(for: report) {
      try style.write(figure, of: [drawable], into: staged)
    }
  }
}
