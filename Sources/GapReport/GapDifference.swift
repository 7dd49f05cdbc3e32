import GapLinearAlgebra
public import GapMetrics

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// How two reports on the same pairs differ, metric by metric, second minus first.
///
/// Where both reports keep a value for each pair, image or query, the interval is of the *paired* difference, which
/// is much narrower than two intervals side by side suggest: means over pairs and recalls by percentile bootstrap of
/// the differences, the centroid metrics by the jackknife of the difference. Other metrics have a difference and no
/// interval.
public struct GapDifference: Sendable, Equatable {
  /// One metric.
  public struct Row: Sendable, Equatable {
    /// Dotted key.
    public let key: String
    /// In the first report.
    public let first: Double
    /// In the second.
    public let second: Double
    /// 95% interval of second − first, when one can be given.
    public let interval: Interval?

    /// Second − first.
    public var difference: Double { second - first }
  }

  /// Name and version of the JSON layout.
  public static let schema = "embgap.diff/1"

  /// The reports, as they were named.
  public let paths: (first: String, second: String)
  /// Pairs that both hold.
  public let pairs: Int
  /// Metrics that both hold, in the order of the first report.
  public let rows: [Row]
  /// What a careful reviewer would raise.
  public let warnings: [GapWarning]

  /// Compares two reports.
  ///
  /// - Parameters:
  ///   - first: a report's directory or file.
  ///   - second: another, on the same pairs in the same order.
  ///   - resamples: bootstrap resamples; 0 gives no intervals.
  ///   - seed: of the resamples.
  ///   - threads: the most threads, 0 for all processors.
  /// - Throws: `ReportError.notComparable` when numbers of pairs or ids differ; `ReportError`, `TensorFileError` when
  ///   a report cannot be read.
  /// - Complexity: O(n · resamples).
  public init(first: String, second: String, resamples: Int = 1000, seed: UInt64 = 0, threads: Int = 0) throws {
    let a = try GapReport(path: first)
    let b = try GapReport(path: second)
    guard a.pairs == b.pairs else {
      throw ReportError.notComparable(
        first: first, second: second, expected: "\(a.pairs) pairs in both", found: "\(b.pairs) in the second")
    }
    let details = (try GapDetails(besideReport: first), try GapDetails(besideReport: second))
    guard details.0.groups == details.1.groups else {
      throw ReportError.notComparable(
        first: first, second: second, expected: "the same ids in both", found: "other ids in the second")
    }
    paths = (first, second)
    pairs = a.pairs
    let values = Dictionary(
      b.metrics.flattened.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
    let both: [(key: String, first: Double, second: Double)] = a.metrics.flattened.compactMap { path, value in
      guard let value, let other = values[path] ?? nil else { return nil }
      return (path, value, other)
    }
    let differences = Dictionary(
      both.map { ($0.key, $0.second - $0.first) }, uniquingKeysWith: { first, _ in first })
    let intervals =
      resamples > 0
      ? try PairedIntervals(
        details.0, details.1, differences: differences, resamples: resamples, seed: seed, threads: threads
      ).intervals
      : [:]
    rows = both.map { Row(key: $0.key, first: $0.first, second: $0.second, interval: intervals[$0.key]) }
    warnings = Self.warnings(a, b)
  }

  private static func warnings(_ a: GapReport, _ b: GapReport) -> [GapWarning] {
    var warnings: [GapWarning] = []
    if a.dimension != b.dimension {
      warnings.append(
        GapWarning(
          code: "dimensions_differ",
          message:
            "the rows have \(a.dimension) and \(b.dimension) dimensions: spectra and Fréchet distances do not compare"
        ))
    }
    if a.droppedPairs != b.droppedPairs || a.droppedPairs > 0 {
      warnings.append(
        GapWarning(
          code: "dropped_pairs",
          message:
            "pairs were left out (\(a.droppedPairs) and \(b.droppedPairs)): row i may not be the same pair in both"
        ))
    }
    if !a.sampled.isEmpty || !b.sampled.isEmpty {
      warnings.append(GapWarning(code: "sampled", message: "some metrics are of samples; see the reports"))
    }
    return warnings
  }

  /// The comparison as JSON.
  public func json() throws -> Data {
    struct Entry: Encodable {
      let a: Double
      let b: Double
      let difference: Double?
      let ci95: [Double]?
      enum CodingKeys: String, CodingKey { case a, b, difference, ci95 }
      func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(a, forKey: .a)
        try values.encode(b, forKey: .b)
        try values.encode(difference, forKey: .difference)
        try values.encode(ci95, forKey: .ci95)
      }
    }
    struct Warning: Encodable {
      let code: String
      let message: String
    }
    struct Layout: Encodable {
      let schema = GapDifference.schema
      let version = embeddingGapVersion
      let a: String
      let b: String
      let pairs: Int
      let differences: [String: Entry]
      let warnings: [Warning]
    }
    let entries = rows.map { row in
      (
        row.key,
        Entry(
          a: row.first, b: row.second, difference: row.difference.isFinite ? row.difference : nil,
          ci95: row.interval.flatMap { $0.low.isFinite && $0.high.isFinite ? [$0.low, $0.high] : nil })
      )
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var data = try encoder.encode(
      Layout(
        a: paths.first, b: paths.second, pairs: pairs,
        differences: Dictionary(entries, uniquingKeysWith: { first, _ in first }),
        warnings: warnings.map { Warning(code: $0.code, message: $0.message) }))
    data.append(UInt8(ascii: "\n"))
    return data
  }

  /// The comparison as a table for a terminal.
  public var table: String {
    var table = TextTable(rightAligned: [1, 2, 3])
    table.add(["", "first", "second", "difference", "95% interval", ""])
    var section = ""
    for reading in MetricReading.all {
      guard let row = rows.first(where: { $0.key == reading.path }) else { continue }
      if reading.section != section {
        section = reading.section
        table.add(heading: section)
      }
      let interval = row.interval.map { "[\(Self.signed($0.low)), \(Self.signed($0.high))]" } ?? ""
      let clear = row.interval.map { $0.low > 0 || $0.high < 0 ? "differs" : "may be chance" } ?? ""
      table.add([
        row.key, Decimal.text(row.first), Decimal.text(row.second), Self.signed(row.difference), interval,
        clear,
      ])
    }
    let notes = warnings.map { "  \($0.code): \($0.message)" }
    return
      "\(Decimal.grouped(pairs)) pairs, second minus first\n  first   \(paths.first)\n  second  \(paths.second)\n\n"
      + table.text + "\n" + (notes.isEmpty ? "" : "\nWarnings\n" + notes.joined(separator: "\n") + "\n")
      + "\nIntervals are of paired differences; rows without one have no honest interval.\n"
  }

  private static func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + Decimal.text(value) }

  /// Field by field.
  public static func == (a: GapDifference, b: GapDifference) -> Bool {
    a.paths == b.paths && a.pairs == b.pairs && a.rows == b.rows && a.warnings == b.warnings
  }
}

/// Intervals of paired differences, by key.
private struct PairedIntervals {
  private(set) var intervals: [String: Interval] = [:]

  init(
    _ a: GapDetails, _ b: GapDetails, differences: [String: Double], resamples: Int, seed: UInt64, threads: Int
  ) throws {
    let pool = WorkerPool(threads: threads)
    func difference(_ key: String, _ transform: (Double) -> Double = { $0 }) -> [Double]? {
      guard let x = a.perPair[key], let y = b.perPair[key], x.count == y.count, !x.isEmpty else { return nil }
      return x.indices.map { transform(y[$0]) - transform(x[$0]) }
    }
    let means: [(key: String, values: [Double]?)] = [
      ("paired_cosine.mean", difference("paired_cosine")), ("cosine_gap", difference("paired_cosine") { -$0 }),
      ("matching_margin", difference("margin_influence")), ("mean_pair_distance", difference("pair_distance")),
      ("alignment", difference("pair_distance") { $0 * $0 }), ("norm.image", difference("norm_image")),
      ("norm.text", difference("norm_text")),
    ]
    for (key, values) in means {
      if let values { intervals[key] = try Self.bootstrap(values, a.groups, resamples, seed, pool) }
    }
    for direction in ["image_to_text", "text_to_image"] {
      guard let x = a.ranks[direction], let y = b.ranks[direction], x.queries == y.queries, !x.ranks.isEmpty,
        x.ranks.count == y.ranks.count
      else {
        continue
      }
      let scores: [(String, (Double) -> Double)] = [
        ("r1", { $0 <= 1 ? 1 : 0 }), ("r5", { $0 <= 5 ? 1 : 0 }), ("r10", { $0 <= 10 ? 1 : 0 }),
        ("mrr", { 1 / $0 }),
      ]
      for (name, score) in scores {
        let values = x.ranks.indices.map { score(y.ranks[$0]) - score(x.ranks[$0]) }
        intervals["retrieval.\(direction).\(name)"] = try Self.bootstrap(values, [], resamples, seed, pool)
      }
    }
    for (key, x) in a.leaveOneOut {
      guard let y = b.leaveOneOut[key], x.count == y.count, let difference = differences[key] else { continue }
      intervals[key] = Jackknife.interval(difference, x.indices.map { y[$0] - x[$0] })
    }
  }

  /// Percentile interval of the mean, whole images drawn together where there are ids.
  private static func bootstrap(
    _ values: [Double], _ groups: [Double], _ resamples: Int, _ seed: UInt64, _ pool: WorkerPool
  ) throws -> Interval {
    var sums = values
    var counts = [Double](repeating: 1, count: values.count)
    if !groups.isEmpty, groups.count == values.count {
      let units = Int(groups.max() ?? 0) + 1
      sums = [Double](repeating: 0, count: units)
      counts = sums
      for (i, group) in groups.enumerated() where group >= 0 {
        sums[Int(group)] += values[i]
        counts[Int(group)] += 1
      }
    }
    let (totals, sizes) = (sums, counts)
    let replicates = try pool.map(resamples) { _, b in
      var generator = SeededGenerator(seed: seed, purpose: "difference", index: UInt64(b))
      var sum = 0.0
      var size = 0.0
      for _ in totals.indices {
        let unit = generator.index(below: totals.count)
        sum += totals[unit]
        size += sizes[unit]
      }
      return sum / size
    }
    return Interval(percentilesOf: replicates)
  }
}
