public import GapMetrics
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The numbers behind a report: what figures are drawn from, and what two reports are compared by.
///
/// Kept beside `report.json` as tensors of type F64, one value a pair, an image or a query.
public struct GapDetails: Sendable, Equatable {
  /// For each pair, the number of its image; empty without ids.
  public var groups: [Double] = []
  /// Per pair, [n]: `paired_cosine`, `pair_distance`, `norm_image`, `norm_text`, `margin_influence` (its mean is the
  /// matching margin).
  public var perPair: [String: [Double]] = [:]
  /// Metrics without each image in turn, [images], by key.
  public var leaveOneOut: [String: [Double]] = [:]
  /// Queries and their ranks: `image_to_text`, `text_to_image`.
  public var ranks: [String: (queries: [Double], ranks: [Double])] = [:]
  /// Cosines of a seeded draw of unpaired rows.
  public var unpairedCosines: [Double] = []
  /// `|Δ_k|`, [d].
  public var absoluteDifferences: [Double] = []
  /// Shift sweep: λ, signed distance, loss.
  public var shift: (lambda: [Double], distance: [Double], loss: [Double]) = ([], [], [])
  /// Pairs and temperature of the shift sweep's batch.
  public var shiftBatch: (pairs: Int, temperature: Double) = (0, 0)

  /// Collects the details of a measured pair.
  ///
  /// - Throws: what the sources throw.
  /// - Complexity: O(n d) and the shift sweep.
  public init(of pair: EmbeddingPair, measurement: GapMeasurement, seed: UInt64) throws {
    if pair.hasIDs { groups = pair.groups.map(Double.init) }
    let m = pair.moments
    let n = Double(pair.count)
    let centre = zip(m.imageMean, m.textMean).reduce(0) { $0 + $1.0 * $1.1 }
    let p = pair.projections
    perPair["paired_cosine"] = m.cosines
    perPair["pair_distance"] = m.squaredDistances.map { $0.squareRoot() }
    perPair["norm_image"] = pair.image.norms
    perPair["norm_text"] = pair.text.norms
    perPair["margin_influence"] = m.cosines.indices.map { i in
      n / (n - 1) * (m.cosines[i] - p.imageOnText[i] - p.textOnImage[i] + centre)
    }
    for (key, values) in try Jackknife(of: pair).leaveOneOut {
      let present = values.compactMap { $0 }
      if present.count == values.count { leaveOneOut[key] = present }
    }
    if let retrieval = measurement.retrieval {
      for (key, side) in [("image_to_text", retrieval.imageToText), ("text_to_image", retrieval.textToImage)] {
        ranks[key] = (side.queries.map(Double.init), side.ranks.map(Double.init))
      }
    }
    unpairedCosines = try UnpairedDraw(of: pair, seed: seed).cosines
    absoluteDifferences = try CentroidGap(of: pair).absoluteDifferences
    let sweep = try ShiftSweep(of: pair, seed: seed)
    shift = (sweep.points.map(\.shift), sweep.points.map(\.signedDistance), sweep.points.map(\.loss))
    shiftBatch = (sweep.sampledPairs, sweep.temperature)
  }

  /// The details as a `.safetensors` file.
  public func data() -> Data {
    var writer = SafetensorsWriter(metadata: [
      ("schema", "embgap.details/1"), ("shift_pairs", String(shiftBatch.pairs)),
      ("shift_temperature", String(shiftBatch.temperature)),
    ])
    func add(_ name: String, _ values: [Double]) { writer.add(name, shape: [values.count], values) }
    add("groups", groups)
    for key in perPair.keys.sorted() { add("pair.\(key)", perPair[key] ?? []) }
    for key in leaveOneOut.keys.sorted() { add("leave_one_out.\(key)", leaveOneOut[key] ?? []) }
    for key in ranks.keys.sorted() {
      add("queries.\(key)", ranks[key]?.queries ?? [])
      add("ranks.\(key)", ranks[key]?.ranks ?? [])
    }
    add("unpaired_cosine", unpairedCosines)
    add("absolute_difference", absoluteDifferences)
    add("shift.lambda", shift.lambda)
    add("shift.distance", shift.distance)
    add("shift.loss", shift.loss)
    return writer.data
  }

  /// Reads the details beside a report.
  ///
  /// - Parameter report: the report's directory, or its `report.json`.
  /// - Throws: `ReportError.missing`; `TensorFileError`.
  public init(besideReport report: String) throws {
    let path = try ReportFiles.details(besideReport: report)
    guard FileManager.default.fileExists(atPath: path) else { throw ReportError.missing(path: path) }
    let file = try TensorFile(path: path)
    // Others may show more numbers than they hold.
    guard file.format == .safetensors else {
      throw ReportError.wrongLayout(path: path, expected: "a safetensors file", found: "\(file.format)")
    }
    func values(_ name: String) throws -> [Double] { try file.tensor(named: name).elements() }
    func all(_ prefix: String) throws -> [String: [Double]] {
      var found: [String: [Double]] = [:]
      for tensor in file.tensors where tensor.name.hasPrefix(prefix) {
        found[String(tensor.name.dropFirst(prefix.count))] = try tensor.elements()
      }
      return found
    }
    groups = try values("groups")
    guard groups.allSatisfy({ $0 >= 0 && $0 < Double(groups.count) && $0 == $0.rounded() }) else {
      throw ReportError.wrongLayout(
        path: path, expected: "image numbers below \(groups.count)", found: "others")
    }
    perPair = try all("pair.")
    leaveOneOut = try all("leave_one_out.")
    let queries = try all("queries.")
    for (key, values) in try all("ranks.") { ranks[key] = (queries[key] ?? [], values) }
    unpairedCosines = try values("unpaired_cosine")
    absoluteDifferences = try values("absolute_difference")
    shift = (try values("shift.lambda"), try values("shift.distance"), try values("shift.loss"))
    shiftBatch = (
      file.metadata(named: "shift_pairs")?.text.flatMap(Int.init) ?? 0,
      file.metadata(named: "shift_temperature")?.text.flatMap(Double.init) ?? 0
    )
  }

  /// Field by field.
  public static func == (a: GapDetails, b: GapDetails) -> Bool { a.data() == b.data() }
}
