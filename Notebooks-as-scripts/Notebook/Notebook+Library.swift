public import EmbeddingGap
import Foundation

extension Notebook {
  /// The place of a file of the project's fixtures.
  public func fixture(_ name: String) -> String {
    URL(filePath: "\(source.folder)/../../Fixtures/\(name)").standardized.path
  }

  /// Mean of some numbers; NaN of none.
  public static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// A comparison as its figures are drawn from: what `embgap compare` leaves in a directory, read back.
  ///
  /// - Throws: `TrainingError`, `ReportError`, `TensorFileError`; `CocoaError` when the work directory is full.
  public func report(of outcome: Comparison.Outcome) throws -> ComparisonReport {
    let files = [
      ComparisonReport.file: try outcome.json(version: embeddingGapVersion),
      ComparisonReport.vectorsFile: outcome.vectorData,
    ]
    for (name, data) in files { try data.write(to: URL(filePath: "\(work)/\(name)")) }
    return try ComparisonReport(comparison: work)
  }
}

extension GapMeasurement {
  /// A number under a dotted key; NaN when it is not defined.
  public subscript(_ key: String) -> Double { metrics.number(key) ?? .nan }
}

extension DrawableReport {
  /// A pair with what was measured of it, ready to be drawn.
  ///
  /// - Parameters:
  ///   - name: what a legend calls it.
  ///   - pair: the pair.
  ///   - measurement: of that pair.
  ///   - extras: what a model adds, such as layers.
  ///   - basis: components to draw it on; nil for its own.
  /// - Throws: what the sources of the pair throw.
  public init(
    _ name: String, _ pair: EmbeddingPair, _ measurement: GapMeasurement, extras: ReportExtras = ReportExtras(),
    on basis: PrincipalComponents? = nil
  ) throws {
    let basis = try basis ?? GapProjection.basis(of: pair)
    let projection = try GapProjection(of: pair, basis: basis)
    self.init(
      name: name, report: GapReport(measurement, inputs: [], extras: extras, seed: 0, seconds: 0),
      details: try GapDetails(of: pair, measurement: measurement, seed: 0),
      projections: (projection.image + projection.text, basis.count), varianceFractions: basis.varianceFractions
    )
  }
}
