public import GapMetrics

/// What a report says of the same pairs after post-hoc fixes; its own `metrics` are those before.
public struct FixedReport: Sendable, Equatable, Codable {
  /// What was done, in order, as `GapFix` writes it.
  public let fixes: [String]
  /// Pairs that were measured.
  public let pairs: Int
  /// Width of the rows.
  public let dimension: Int
  /// Pairs that the fixes left without length.
  public let droppedPairs: Int
  /// Key by key, the keys of vectors.
  public let metrics: [MetricEntry]
  /// 95% intervals by dotted key.
  public let intervals: [String: Interval]
  /// Pairs or queries that sampled metrics used.
  public let sampled: [String: Int]
  /// Permutation p by key.
  public let permutationP: [String: Double]
  /// What a careful reviewer would raise.
  public let warnings: [GapWarning]

  /// A measurement of pairs that fixes were applied to.
  public init(_ measurement: GapMeasurement, fixes: [GapFix]) {
    self.fixes = fixes.map(\.description)
    pairs = measurement.pairs
    dimension = measurement.dimension
    droppedPairs = measurement.droppedPairs
    metrics = measurement.metrics
    intervals = measurement.intervals
    sampled = measurement.sampled
    permutationP = measurement.permutationP
    warnings = measurement.warnings + GapReport.overflows(measurement.metrics)
  }

  /// In a few words, for the heading of a column.
  var title: String { "after " + fixes.joined(separator: ", ") }

  private enum CodingKeys: String, CodingKey {
    case fixes, pairs, dimension, metrics, intervals, sampled, warnings
    case droppedPairs = "dropped_pairs"
    case permutationP = "permutation_p"
  }

  /// Reads the layout that `encode` writes.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    fixes = try values.decode([String].self, forKey: .fixes)
    pairs = try values.decode(Int.self, forKey: .pairs)
    dimension = try values.decode(Int.self, forKey: .dimension)
    droppedPairs = try values.decode(Int.self, forKey: .droppedPairs)
    metrics = try MetricEntry.entries(from: values.superDecoder(forKey: .metrics))
    intervals = try GapReport.intervals(
      values.decode([String: [Double]].self, forKey: .intervals), at: CodingKeys.intervals)
    sampled = try values.decode([String: Int].self, forKey: .sampled)
    permutationP = try values.decode([String: Double].self, forKey: .permutationP)
    warnings = try values.decode([WarningRecord].self, forKey: .warnings).map(\.warning)
  }

  /// Writes every key of the layout.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(fixes, forKey: .fixes)
    try values.encode(pairs, forKey: .pairs)
    try values.encode(dimension, forKey: .dimension)
    try values.encode(droppedPairs, forKey: .droppedPairs)
    try MetricEntry.encode(metrics, to: values.superEncoder(forKey: .metrics))
    try values.encode(intervals.mapValues { [$0.low, $0.high] }, forKey: .intervals)
    try values.encode(sampled, forKey: .sampled)
    try values.encode(permutationP, forKey: .permutationP)
    try values.encode(warnings.map(WarningRecord.init), forKey: .warnings)
  }
}

/// A warning as JSON holds it.
struct WarningRecord: Codable {
  let code: String
  let message: String

  init(_ warning: GapWarning) { (code, message) = (warning.code, warning.message) }

  var warning: GapWarning { GapWarning(code: code, message: message) }
}

extension GapReport {
  /// Intervals from their ends.
  ///
  /// - Throws: `DecodingError` when one has not two.
  static func intervals(_ ends: [String: [Double]], at key: any CodingKey) throws -> [String: Interval] {
    try ends.mapValues { ends in
      guard ends.count == 2 else {
        throw DecodingError.dataCorrupted(.init(codingPath: [key], debugDescription: "two ends"))
      }
      return Interval(low: ends[0], high: ends[1])
    }
  }
}
