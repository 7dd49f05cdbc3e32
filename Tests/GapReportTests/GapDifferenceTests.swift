import Foundation
import GapLinearAlgebra
import GapMetrics
import Testing

@testable import GapReport

@Suite struct GapDifferenceTests {
  struct Reports {
    let first: MeasuredPair
    let second: MeasuredPair
    let difference: GapDifference
  }

  static func reports(hasIDs: Bool = false, resamples: Int = 200, seed: UInt64 = 3) throws -> Reports {
    var plan = MeasuredPair.Plan()
    if hasIDs { plan.ids = (0..<plan.count).map { "image \($0 % 8)" } }
    let first = try MeasuredPair(plan)
    plan.gap = 0.3
    plan.noise = 0.4
    let second = try MeasuredPair(plan)
    return try withDirectory { directory in
      try first.write(to: directory + "/a")
      try second.write(to: directory + "/b")
      let difference = try GapDifference(
        first: directory + "/a", second: directory + "/b", resamples: resamples, seed: seed)
      return Reports(first: first, second: second, difference: difference)
    }
  }

  @Test func ranksOfAnotherNumberAreLeftOut() throws {
    let pair = try MeasuredPair()
    try withDirectory { directory in
      try pair.write(to: directory + "/a")
      try pair.write(to: directory + "/b")
      var details = pair.details
      details.ranks["image_to_text"]?.ranks.removeLast()
      try details.data().write(to: URL(filePath: directory + "/b/" + ReportFiles.details))
      let difference = try GapDifference(first: directory + "/a", second: directory + "/b", resamples: 20)
      let rows = difference.rows.filter { $0.key.hasSuffix(".r1") }
      #expect(
        rows.count == 2 && rows.map { $0.interval == nil } == rows.map { $0.key.contains("image_to_text") })
    }
  }

  @Test func everyMetricOfBothIsSubtracted() throws {
    let reports = try Self.reports()
    let keys = reports.first.report.metrics.flattened.filter { $0.value != nil }.map(\.path)
    #expect(Set(reports.difference.rows.map(\.key)) == Set(keys))
    #expect(reports.difference.rows.count == keys.count)
    #expect(keys.count > 50)
    for row in reports.difference.rows {
      #expect(row.first == reports.first.report.metrics.number(row.key))
      #expect(row.second == reports.second.report.metrics.number(row.key))
      #expect(row.difference == row.second - row.first)
    }
    #expect(reports.difference.pairs == 23)
  }

  /// The quantile as numpy defines it, written out.
  static func quantile(_ q: Double, _ values: [Double]) -> Double {
    let sorted = values.sorted()
    let place = q * Double(sorted.count - 1)
    let below = sorted[Int(place)]
    let above = sorted[min(sorted.count - 1, Int(place) + 1)]
    return below + (place - place.rounded(.down)) * (above - below)
  }

  /// Draws whole images, takes the difference of the two means over the pairs drawn, and the percentiles of that.
  static func slowBootstrap(_ a: [Double], _ b: [Double], groups: [Int], seed: UInt64) -> Interval {
    let images = (groups.max() ?? 0) + 1
    let means = (0..<200).map { resample -> Double in
      var generator = SeededGenerator(seed: seed, purpose: "difference", index: UInt64(resample))
      var drawn: [Int] = []
      for _ in 0..<images {
        let image = generator.index(below: images)
        drawn += groups.indices.filter { groups[$0] == image }
      }
      let first = drawn.map { a[$0] }.reduce(0, +) / Double(drawn.count)
      let second = drawn.map { b[$0] }.reduce(0, +) / Double(drawn.count)
      return second - first
    }
    return Interval(low: quantile(0.025, means), high: quantile(0.975, means))
  }

  static func expectInterval(
    _ row: GapDifference.Row?, _ expected: Interval, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let row = try #require(row, sourceLocation: sourceLocation)
    let found = try #require(row.interval, "\(row.key)", sourceLocation: sourceLocation)
    #expect(abs(found.low - expected.low) < 1e-12, "\(row.key)", sourceLocation: sourceLocation)
    #expect(abs(found.high - expected.high) < 1e-12, "\(row.key)", sourceLocation: sourceLocation)
  }

  @Test(arguments: [false, true])
  func intervalsOfMeansAreThoseOfTheSlowBootstrap(hasIDs: Bool) throws {
    let reports = try Self.reports(hasIDs: hasIDs)
    let (a, b) = (reports.first.details.perPair, reports.second.details.perPair)
    let groups = reports.first.pair.groups
    let keys: [(metric: String, detail: String, transform: (Double) -> Double)] = [
      ("paired_cosine.mean", "paired_cosine", { $0 }), ("cosine_gap", "paired_cosine", { 1 - $0 }),
      ("mean_pair_distance", "pair_distance", { $0 }), ("alignment", "pair_distance", { $0 * $0 }),
      ("matching_margin", "margin_influence", { $0 }), ("norm.image", "norm_image", { $0 }),
      ("norm.text", "norm_text", { $0 }),
    ]
    for key in keys {
      let first = try #require(a[key.detail]).map(key.transform)
      let second = try #require(b[key.detail]).map(key.transform)
      let expected = Self.slowBootstrap(first, second, groups: groups, seed: 3)
      try Self.expectInterval(reports.difference.rows.first { $0.key == key.metric }, expected)
    }
  }

  @Test func intervalsOfRecallAreThoseOfTheSlowBootstrapOverQueries() throws {
    let reports = try Self.reports()
    let scores: [(name: String, score: (Double) -> Double)] = [
      ("r1", { $0 == 1 ? 1 : 0 }), ("r5", { $0 <= 5 ? 1 : 0 }), ("r10", { $0 <= 10 ? 1 : 0 }),
      ("mrr", { 1 / $0 }),
    ]
    for direction in ["image_to_text", "text_to_image"] {
      let a = try #require(reports.first.details.ranks[direction]).ranks
      let b = try #require(reports.second.details.ranks[direction]).ranks
      for (name, score) in scores {
        let expected = Self.slowBootstrap(a.map(score), b.map(score), groups: Array(a.indices), seed: 3)
        try Self.expectInterval(
          reports.difference.rows.first { $0.key == "retrieval.\(direction).\(name)" }, expected)
      }
    }
  }

  /// 1.96 standard errors of the jackknife around the difference, written out.
  @Test(arguments: [false, true])
  func intervalsOfCentroidMetricsAreTheJackknifeOfTheDifference(hasIDs: Bool) throws {
    let reports = try Self.reports(hasIDs: hasIDs)
    for key in [
      "centroid_distance", "centroid_distance_squared_unbiased", "image_cone", "text_cone",
      "relative_modality_gap",
    ] {
      let a = try #require(reports.first.details.leaveOneOut[key])
      let b = try #require(reports.second.details.leaveOneOut[key])
      let values = zip(a, b).map { $1 - $0 }
      let g = Double(values.count)
      let mean = values.reduce(0, +) / g
      let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
      let reach = 1.959963984540054 * ((g - 1) / g * squares).squareRoot()
      let row = try #require(reports.difference.rows.first { $0.key == key })
      try Self.expectInterval(row, Interval(low: row.difference - reach, high: row.difference + reach))
    }
  }

  @Test func whatHasNoHonestIntervalHasNone() throws {
    let rows = try Self.reports().difference.rows
    for key in ["frechet_distance", "mmd2_rbf", "effective_rank.joint", "mutual_knn", "modality_mixing"] {
      #expect(try #require(rows.first { $0.key == key }).interval == nil, "\(key)")
    }
    #expect(try Self.reports(resamples: 0).difference.rows.allSatisfy { $0.interval == nil })
  }

  @Test func aReportDoesNotDifferFromItself() throws {
    let measured = try MeasuredPair()
    try withDirectory { directory in
      try measured.write(to: directory)
      let difference = try GapDifference(first: directory, second: directory)
      #expect(difference.rows.allSatisfy { $0.difference == 0 })
      let intervals = difference.rows.compactMap(\.interval)
      #expect(intervals.count > 15)
      #expect(intervals.allSatisfy { $0 == Interval(low: 0, high: 0) })
      #expect(difference.table.contains("may be chance") && !difference.table.contains("differs"))
    }
  }

  // MARK: Output

  @Test func jsonHoldsEveryRow() throws {
    let difference = try Self.reports().difference
    let data = try difference.json()
    #expect(try difference.json() == data)
    let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(object.keys) == ["schema", "version", "a", "b", "pairs", "differences", "warnings"])
    #expect(object["schema"] as? String == "embgap.diff/1")
    let keys = try #require(object["differences"] as? [String: [String: Any]])
    #expect(keys.values.allSatisfy { Set($0.keys) == ["a", "b", "difference", "ci95"] })
    // JSONSerialization would round the last digit of numbers.
    struct Entry: Decodable {
      let a: Double
      let b: Double
      let difference: Double
      let ci95: [Double]?
    }
    struct Layout: Decodable { let differences: [String: Entry] }
    let entries = try JSONDecoder().decode(Layout.self, from: data).differences
    #expect(entries.count == difference.rows.count)
    for row in difference.rows {
      let entry = try #require(entries[row.key])
      #expect((entry.a, entry.b, entry.difference) == (row.first, row.second, row.difference))
      #expect(entry.ci95 == row.interval.map { [$0.low, $0.high] })
    }
  }

  @Test func theTableNamesWhatDiffers() throws {
    let difference = try Self.reports().difference
    let lines = difference.table.split(separator: "\n").map(String.init)
    for row in difference.rows where MetricReading.byPath[row.key] != nil {
      let line = try #require(lines.first { $0.split(separator: " ").first == Substring(row.key) })
      #expect(line.contains(Decimal.text(row.difference)))
      let isClear = row.interval.map { $0.low > 0 || $0.high < 0 } ?? false
      #expect(line.hasSuffix("differs") == isClear, "\(line)")
    }
  }

  // MARK: What does not compare

  @Test func otherPairsAreRefused() throws {
    var plan = MeasuredPair.Plan()
    let full = try MeasuredPair(plan)
    plan.count = 22
    let short = try MeasuredPair(plan)
    plan.count = 23
    plan.ids = (0..<23).map { "image \($0 % 8)" }
    let named = try MeasuredPair(plan)
    try withDirectory { directory in
      for (name, measured) in [("full", full), ("short", short), ("named", named)] {
        try measured.write(to: directory + "/" + name)
      }
      for other in ["short", "named"] {
        let error = #expect(throws: ReportError.self) {
          try GapDifference(first: directory + "/full", second: directory + "/" + other)
        }
        guard case .notComparable = error else {
          Issue.record("\(other): \(String(describing: error))")
          continue
        }
      }
      #expect(throws: ReportError.missing(path: directory + "/none")) {
        try GapDifference(first: directory + "/full", second: directory + "/none")
      }
    }
  }

  @Test func doubtsAreWarnedOf() throws {
    var plan = MeasuredPair.Plan()
    plan.width = 6
    let wide = try MeasuredPair(plan)
    plan = MeasuredPair.Plan()
    plan.count = 24
    plan.dropsBadRow = true
    let dropped = try MeasuredPair(plan)
    let plain = try MeasuredPair()
    try withDirectory { directory in
      try wide.write(to: directory + "/wide")
      try dropped.write(to: directory + "/dropped")
      try plain.write(to: directory + "/plain")
      func codes(_ other: String) throws -> [String] {
        try GapDifference(first: directory + "/plain", second: directory + "/" + other, resamples: 20).warnings
          .map(\.code)
      }
      #expect(try codes("plain") == [])
      #expect(try codes("wide") == ["dimensions_differ"])
      #expect(try codes("dropped") == ["dropped_pairs"])
    }
  }
}
