public import GapDatasets
public import GapMetrics
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The version of the toolkit, as reports and pictures name it.
public let embeddingGapVersion = "0.1.0"

/// A measurement as `report.json` holds it.
///
/// Metric keys, and what is under them, are METRICS's; `encode` writes null for what is not defined or not finite.
public struct GapReport: Sendable, Equatable, Codable {
  /// Name and version of this layout.
  public static let schema = "embgap.report/1"
  /// Bytes of a report that is read; those that are written stay below a hundredth.
  private static let largestFile = 64 << 20

  /// The layout that was read or will be written.
  public let schema: String
  /// Version of the toolkit that measured.
  public let version: String
  /// The tensors that were measured.
  public let inputs: [InputRecord]
  /// Pairs that were measured.
  public let pairs: Int
  /// Width of the rows.
  public let dimension: Int
  /// Pairs left out as bad: for their rows, or for an image that cannot be read.
  public let droppedPairs: Int
  /// How the vectors were read off a model; nil for a dump of vectors.
  public let readout: String?
  /// Seed of every sample.
  public let seed: UInt64
  /// Key by key.
  public let metrics: [MetricEntry]
  /// 95% intervals by dotted key.
  public let intervals: [String: Interval]
  /// Pairs or queries that sampled metrics used.
  public let sampled: [String: Int]
  /// Permutation p by key.
  public let permutationP: [String: Double]
  /// What a careful reviewer would raise.
  public let warnings: [GapWarning]
  /// The same pairs after post-hoc fixes; nil when none was asked for.
  public let fixed: FixedReport?
  /// Wall-clock seconds of the measurement.
  public let seconds: Double

  /// Makes a report of a measurement, and of the same pairs after fixes where there are some.
  public init(
    _ measurement: GapMeasurement, inputs: [InputRecord], extras: ReportExtras = ReportExtras(),
    fixed: FixedReport? = nil, seed: UInt64, seconds: Double
  ) {
    schema = Self.schema
    version = embeddingGapVersion
    self.inputs = inputs
    pairs = measurement.pairs
    dimension = measurement.dimension
    droppedPairs = measurement.droppedPairs + extras.skippedPairs
    readout = extras.readout
    self.seed = seed
    metrics = measurement.metrics + extras.metrics
    intervals = measurement.intervals
    sampled = measurement.sampled.merging(extras.sampled) { own, _ in own }
    permutationP = measurement.permutationP
    warnings = measurement.warnings + extras.warnings + Self.overflows(measurement.metrics + extras.metrics)
    self.fixed = fixed
    self.seconds = seconds
  }

  /// What JSON cannot hold becomes null, and the reader is told why.
  static func overflows(_ metrics: [MetricEntry]) -> [GapWarning] {
    metrics.flattened.filter { $0.value?.isFinite == false }.map { entry in
      GapWarning(
        code: "undefined",
        message: "\(entry.path) is not a finite number: the rows are too long for their squares to be summed")
    }
  }

  /// The report as JSON: indented, keys sorted, numbers in the shortest form that reads back to the same Double.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var data = try encoder.encode(self)
    data.append(UInt8(ascii: "\n"))
    return data
  }

  /// Reads a report, or the `report.json` in a directory.
  ///
  /// - Throws: `ReportError` when it is missing, is no JSON, or has another layout.
  public init(path: String) throws {
    let file = try ReportFiles.report(at: path)
    // Read, it takes some twenty times its size.
    if let size = FilePath.size(file), size > Self.largestFile {
      throw ReportError.wrongLayout(path: file, expected: "at most \(Self.largestFile) bytes", found: "\(size)")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: file))
    } catch {
      throw ReportError.missing(path: file)
    }
    struct Header: Decodable { let schema: String? }
    do {
      let header = try JSONDecoder().decode(Header.self, from: data)
      guard header.schema == Self.schema else {
        throw ReportError.wrongLayout(
          path: file, expected: "\"schema\": \"\(Self.schema)\"",
          found: header.schema.map { "\"\($0)\"" } ?? "none")
      }
      self = try JSONDecoder().decode(GapReport.self, from: data)
    } catch let error as DecodingError {
      throw ReportError.wrongLayout(path: file, expected: "a report", found: Self.reason(error))
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "no key \"\(key.stringValue)\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "another type under \"\(context.codingPath.map(\.stringValue).joined(separator: "."))\""
    case .dataCorrupted: "bytes that are no JSON"
    @unknown default: "bytes that are no report"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case schema, version, inputs, pairs, dimension, readout, seed, metrics, intervals, sampled, warnings,
      fixed, seconds
    case droppedPairs = "dropped_pairs"
    case permutationP = "permutation_p"
  }

  /// Reads the layout that `encode` writes.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    schema = try values.decode(String.self, forKey: .schema)
    version = try values.decode(String.self, forKey: .version)
    inputs = try values.decode([InputRecord].self, forKey: .inputs)
    pairs = try values.decode(Int.self, forKey: .pairs)
    dimension = try values.decode(Int.self, forKey: .dimension)
    droppedPairs = try values.decode(Int.self, forKey: .droppedPairs)
    readout = try values.decodeIfPresent(String.self, forKey: .readout)
    seed = try values.decode(UInt64.self, forKey: .seed)
    metrics = try MetricEntry.entries(from: values.superDecoder(forKey: .metrics))
    intervals = try Self.intervals(
      values.decode([String: [Double]].self, forKey: .intervals), at: CodingKeys.intervals)
    sampled = try values.decode([String: Int].self, forKey: .sampled)
    permutationP = try values.decode([String: Double].self, forKey: .permutationP)
    warnings = try values.decode([WarningRecord].self, forKey: .warnings).map(\.warning)
    fixed = try values.decodeIfPresent(FixedReport.self, forKey: .fixed)
    seconds = try values.decode(Double.self, forKey: .seconds)
  }

  /// Writes every key of the layout, null where there is nothing; `fixed` only where there is something.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(schema, forKey: .schema)
    try values.encode(version, forKey: .version)
    try values.encode(inputs, forKey: .inputs)
    try values.encode(pairs, forKey: .pairs)
    try values.encode(dimension, forKey: .dimension)
    try values.encode(droppedPairs, forKey: .droppedPairs)
    try values.encode(readout, forKey: .readout)
    try values.encode(seed, forKey: .seed)
    try MetricEntry.encode(metrics, to: values.superEncoder(forKey: .metrics))
    try values.encode(intervals.mapValues { [$0.low, $0.high] }, forKey: .intervals)
    try values.encode(sampled, forKey: .sampled)
    try values.encode(permutationP, forKey: .permutationP)
    try values.encode(warnings.map(WarningRecord.init), forKey: .warnings)
    try values.encodeIfPresent(fixed, forKey: .fixed)
    try values.encode(seconds, forKey: .seconds)
  }
}
