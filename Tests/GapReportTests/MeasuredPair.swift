import Foundation
import GapDatasets
import GapLinearAlgebra
import GapMetrics
import GapReport
import GapTensorFiles

/// A small made pair, measured, with everything that a report's directory holds.
struct MeasuredPair {
  let pair: EmbeddingPair
  let measurement: GapMeasurement
  let report: GapReport
  let details: GapDetails
  let projection: GapProjection

  /// How the rows are made.
  struct Plan {
    var count = 23
    var width = 5
    var seed: UInt64 = 1
    var gap = 0.8
    var noise = 0.6
    var ids: [String]?
    var resamples = 50
    var dropsBadRow = false
  }

  init(_ plan: Plan = Plan()) throws {
    var generator = SeededGenerator(seed: plan.seed)
    var (image, text) = ([Double](), [Double]())
    for _ in 0..<plan.count {
      for k in 0..<plan.width {
        let common = generator.normal()
        let shift = k == 0 ? plan.gap : 0
        image.append(common + plan.noise * generator.normal() + shift)
        text.append(common + plan.noise * generator.normal() - shift)
      }
    }
    if plan.dropsBadRow { image[0] = .nan }
    self = try MeasuredPair(image: image, text: text, width: plan.width, plan: plan)
  }

  init(image: [Double], text: [Double], width: Int, plan: Plan) throws {
    pair = try EmbeddingPair(
      image: EmbeddingMatrix(image, dimension: width, label: "image"),
      text: EmbeddingMatrix(text, dimension: width, label: "text"), ids: plan.ids,
      badPairs: plan.dropsBadRow ? .drop : .refuse, threads: 2)
    var options = MeasurementOptions()
    options.resamples = plan.resamples
    options.seed = 7
    measurement = try GapMeasurement(of: pair, options: options)
    report = GapReport(measurement, inputs: try Self.inputs(image + text, width), seed: 7, seconds: 0.25)
    details = try GapDetails(of: pair, measurement: measurement, seed: 7)
    projection = try GapProjection(of: pair, basis: GapProjection.basis(of: pair))
  }

  /// A record of a file under a fixed name, so that reports of equal pairs are equal.
  private static func inputs(_ elements: [Double], _ width: Int) throws -> [InputRecord] {
    try withDirectory { directory in
      let path = directory + "/pairs.npy"
      let shape = [2, elements.count / width / 2, width]
      try NpyWriter.data(shape: shape, elements).write(to: URL(filePath: path))
      let file = try TensorFile(path: path)
      return [
        try InputRecord(tensor: file.soleTensor(), label: "pairs.npy", bytes: file.byteCount, hashing: true)
      ]
    }
  }

  /// Fills a report's directory.
  func write(to directory: String) throws {
    let staged = try StagedOutput(directory: directory)
    try staged.write(report.json(), to: ReportFiles.report)
    try staged.write(details.data(), to: ReportFiles.details)
    try staged.write(SavedBasis(projection.basis).data(), to: ReportFiles.basis)
    try staged.write(projection.npy(), to: ReportFiles.projections)
    try staged.write(projection.csv(), to: ReportFiles.projectionTable)
    try staged.commit()
  }
}

/// A directory of its own for one test, removed afterwards.
func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}
