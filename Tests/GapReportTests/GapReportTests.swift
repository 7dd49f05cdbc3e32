import Foundation
import GapDatasets
import GapMetrics
import Testing

@testable import GapReport

@Suite struct GapReportTests {
  static func object(_ report: GapReport) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: report.json()) as? [String: Any])
  }

  static let metricKeys: Set = [
    "paired_cosine", "unpaired_cosine", "cosine_gap", "matching_margin", "centroid_distance",
    "centroid_distance_squared_unbiased", "centroid_distance_raw", "centroid_cosine",
    "standardized_centroid_distance", "mean_pair_distance", "relative_modality_gap", "image_cone", "text_cone",
    "alignment", "uniformity_image", "uniformity_text", "cross_uniformity", "gap_decomposition", "norm",
    "frechet_distance", "energy_distance", "mmd2_rbf", "mmd2_bandwidth", "sliced_wasserstein",
    "linear_separability", "centroid_separability", "modality_mixing", "retrieval", "mutual_knn", "linear_cka",
    "effective_rank", "participation_ratio", "pca",
  ]

  @Test func everyKeyOfTheLayoutIsThere() throws {
    let object = try Self.object(MeasuredPair().report)
    #expect(
      Set(object.keys) == [
        "schema", "version", "inputs", "pairs", "dimension", "dropped_pairs", "readout", "seed", "metrics",
        "intervals", "sampled", "permutation_p", "warnings", "seconds",
      ])
    #expect(object["schema"] as? String == "embgap.report/1")
    #expect(object["readout"] is NSNull)
    let inputs = try #require(object["inputs"] as? [[String: Any]])
    #expect(inputs.map { Set($0.keys) } == [["path", "bytes", "sha256", "dtype", "shape"]])
    let metrics = try #require(object["metrics"] as? [String: Any])
    #expect(Set(metrics.keys) == Self.metricKeys)
  }

  @Test func subKeysAreThoseOfTheDefinitions() throws {
    let metrics = try #require(Self.object(MeasuredPair().report)["metrics"] as? [String: Any])
    let parts: [(key: String, parts: Set<String>)] = [
      ("paired_cosine", ["mean", "std", "min", "p05", "p25", "median", "p75", "p95", "max"]),
      ("unpaired_cosine", ["mean", "std"]),
      ("gap_decomposition", ["centroid", "residual", "centroid_fraction"]),
      ("norm", ["image", "text", "image_std", "text_std", "ratio"]),
      ("linear_separability", ["accuracy", "auc"]),
      ("retrieval", ["image_to_text", "text_to_image"]), ("effective_rank", ["image", "text", "joint"]),
      ("participation_ratio", ["image", "text", "joint"]), ("pca", ["explained_variance_ratio"]),
    ]
    for (key, parts) in parts { #expect(Set(try #require(metrics[key] as? [String: Any]).keys) == parts) }
    let retrieval = try #require(metrics["retrieval"] as? [String: [String: Double]])
    for direction in retrieval.values {
      #expect(Set(direction.keys) == ["r1", "r5", "r10", "median_rank", "mrr"])
    }
    for key in Self.metricKeys.subtracting(parts.map(\.key)) { #expect(metrics[key] is Double, "\(key)") }
  }

  @Test func uncertaintyIsWrittenAsEndsAndShares() throws {
    let measured = try MeasuredPair()
    let object = try Self.object(measured.report)
    // JSONSerialization would round the last digit.
    struct Intervals: Decodable { let intervals: [String: [Double]] }
    let intervals = try JSONDecoder().decode(Intervals.self, from: measured.report.json()).intervals
    let expected: Set = [
      "paired_cosine.mean", "cosine_gap", "alignment", "mean_pair_distance", "norm.image", "norm.text",
      "matching_margin", "centroid_distance", "centroid_distance_squared_unbiased", "relative_modality_gap",
      "image_cone", "text_cone", "retrieval.image_to_text.r1", "retrieval.text_to_image.mrr",
    ]
    #expect(expected.isSubset(of: intervals.keys))
    for (key, ends) in intervals {
      #expect(ends.count == 2 && ends[0] <= ends[1], "\(key)")
      #expect(measured.report.intervals[key] == Interval(low: ends[0], high: ends[1]))
    }
    let p = try #require(object["permutation_p"] as? [String: Double])
    #expect(Set(p.keys) == ["matching_margin", "mutual_knn", "linear_cka"])
    #expect(p.values.allSatisfy { $0 > 0 && $0 <= 1 })
    var plan = MeasuredPair.Plan()
    plan.resamples = 0
    let bare = try Self.object(MeasuredPair(plan).report)
    #expect((bare["intervals"] as? [String: Any])?.isEmpty == true)
    #expect((bare["permutation_p"] as? [String: Any])?.isEmpty == true)
  }

  // MARK: Reading back

  @Test(arguments: [false, true])
  func aReportReadsBackAsItWas(dropsBadRow: Bool) throws {
    var plan = MeasuredPair.Plan()
    plan.dropsBadRow = dropsBadRow
    let report = try MeasuredPair(plan).report
    try withDirectory { directory in
      try report.json().write(to: URL(filePath: directory + "/report.json"))
      for path in [directory, directory + "/report.json"] {
        let read = try GapReport(path: path)
        #expect(try read.json() == report.json())
        #expect(read.metrics.sortedByKey == report.metrics.sortedByKey)
        #expect((read.schema, read.version, read.readout) == (report.schema, report.version, report.readout))
        #expect((read.pairs, read.dimension, read.seed) == (report.pairs, report.dimension, report.seed))
        #expect(read.droppedPairs == (dropsBadRow ? 1 : 0))
        #expect((read.inputs, read.intervals) == (report.inputs, report.intervals))
        #expect((read.sampled, read.permutationP) == (report.sampled, report.permutationP))
        #expect((read.warnings, read.seconds) == (report.warnings, report.seconds))
        // Once read, a report is equal to what is read of it again.
        try read.json().write(to: URL(filePath: directory + "/report.json"))
        #expect(try GapReport(path: path) == read)
      }
    }
  }

  @Test func whatFixesMadeOfItReadsBackToo() throws {
    let measured = try MeasuredPair()
    let fixes: [GapFix] = [.center, .shift(0.25)]
    var options = MeasurementOptions()
    options.resamples = 10
    let after = try FixedReport(
      GapMeasurement(of: measured.pair.fixed(by: fixes), options: options), fixes: fixes)
    let report = GapReport(
      measured.measurement, inputs: measured.report.inputs, fixed: after, seed: 7, seconds: 0.25)
    try withDirectory { directory in
      try report.json().write(to: URL(filePath: directory + "/report.json"))
      let read = try #require(try GapReport(path: directory).fixed)
      #expect(read.fixes == ["center", "shift:0.25"])
      #expect(read.metrics.sortedByKey == after.metrics.sortedByKey)
      #expect((read.pairs, read.dimension, read.droppedPairs) == (23, 5, 0))
      #expect(
        (read.intervals, read.sampled, read.permutationP) == (
          after.intervals, after.sampled, after.permutationP
        ))
      #expect(read.warnings == after.warnings)
    }
    // The metrics beside it are those before.
    #expect(report.metrics == measured.report.metrics)
    let line = try #require(report.table.split(separator: "\n").first { $0.contains(" matching_margin ") })
    for value in [report.metrics.number("matching_margin"), after.metrics.number("matching_margin")] {
      #expect(line.contains(" " + Decimal.text(try #require(value)) + " "), "\(line)")
    }
  }

  @Test func keysComeSortedAndBytesRepeat() throws {
    let report = try MeasuredPair().report
    let data = try report.json()
    #expect(try MeasuredPair().report.json() == data)
    let text = String(decoding: data, as: UTF8.self)
    // Keys of the outermost object are indented by two blanks.
    let keys = text.matches(of: #/\n {2}"([a-z_]+)" :/#).map { String($0.output.1) }
    #expect(keys.count == 14)
    #expect(keys == keys.sorted())
    #expect(text.hasSuffix("}\n"))
  }

  @Test func whatIsNotDefinedIsNullWithAWarning() throws {
    var plan = MeasuredPair.Plan()
    plan.ids = Array(repeating: "one image", count: plan.count)
    let report = try MeasuredPair(plan).report
    let metrics = try #require(Self.object(report)["metrics"] as? [String: Any])
    #expect(metrics["image_cone"] is NSNull)
    #expect(report.warnings.contains { $0.code == "undefined" && $0.message.contains("image_cone") })
    #expect(report.warnings.contains { $0.code == "single_id" })
  }

  /// Rows so long that the squares of their lengths overflow: every null has its warning.
  @Test func whatOverflowsIsNullWithAWarning() throws {
    let plan = MeasuredPair.Plan()
    let rows = (0..<plan.count * plan.width).map { Double(($0 * 37) % 101 - 50) * 1e280 }
    let report = try MeasuredPair(image: rows, text: rows.reversed(), width: plan.width, plan: plan).report
    let undefined = report.metrics.flattened.filter { $0.value?.isFinite != true }.map(\.path)
    #expect(undefined.contains("centroid_distance_raw"))
    for path in undefined {
      #expect(
        report.warnings.contains { $0.code == "undefined" && $0.message.hasPrefix(path + " ") }, "\(path)")
    }
    let metrics = try #require(Self.object(report)["metrics"] as? [String: Any])
    #expect(metrics["centroid_distance_raw"] is NSNull)
    #expect(metrics["centroid_distance"] is Double)
  }

  @Test func numbersThatJSONCannotHoldAreNull() throws {
    struct Wrapper: Encodable {
      let entries: [MetricEntry]
      func encode(to encoder: any Encoder) throws { try MetricEntry.encode(entries, to: encoder) }
    }
    let entries = [
      MetricEntry("infinite", .infinity), MetricEntry("none", nil), MetricEntry("nan", .nan),
      MetricEntry("fine", 0.1), MetricEntry("inner", .object([MetricEntry("infinite", -.infinity)])),
      MetricEntry("list", .list([0.5, 0.25])),
    ]
    let data = try JSONEncoder().encode(Wrapper(entries: entries))
    let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    for key in ["infinite", "none", "nan"] { #expect(object[key] is NSNull, "\(key)") }
    #expect((object["inner"] as? [String: Any])?["infinite"] is NSNull)
    #expect(object["fine"] as? Double == 0.1)
    #expect(object["list"] as? [Double] == [0.5, 0.25])
  }

  // MARK: Files that are no reports

  /// Changes to a good report, and what the message then names.
  static let faults: [(name: String, change: @Sendable (inout [String: Any]) -> Void, found: String)] = [
    ("no schema", { $0["schema"] = nil }, "none"),
    ("another schema", { $0["schema"] = "embgap.report/9" }, "\"embgap.report/9\""),
    ("no metrics", { $0["metrics"] = nil }, "metrics"), ("no seed", { $0["seed"] = nil }, "seed"),
    ("text as pairs", { $0["pairs"] = "many" }, "pairs"),
    ("interval of three ends", { $0["intervals"] = ["cosine_gap": [1, 2, 3]] }, "JSON"),
    ("metrics nested without end", { $0["metrics"] = nested(20) }, "JSON"),
  ]

  static func nested(_ depth: Int) -> [String: Any] { depth == 0 ? ["a": 1] : ["a": nested(depth - 1)] }

  @Test(arguments: faults.indices)
  func otherLayoutsAreNamed(index: Int) throws {
    let fault = Self.faults[index]
    var object = try Self.object(MeasuredPair().report)
    fault.change(&object)
    try withDirectory { directory in
      let path = directory + "/report.json"
      try JSONSerialization.data(withJSONObject: object).write(to: URL(filePath: path))
      let error = #expect(throws: ReportError.self, "\(fault.name)") { try GapReport(path: directory) }
      guard case .wrongLayout(let named, _, let found) = error else {
        Issue.record("\(fault.name): \(String(describing: error))")
        return
      }
      #expect(named == path)
      #expect(found.contains(fault.found), "\(fault.name): \(found)")
      #expect(error?.isMissingInput == false)
    }
  }

  @Test(arguments: ["", "[]", "{", "null", "\u{0}", "{\"schema\": 7}"])
  func otherBytesAreNoReport(text: String) throws {
    try withDirectory { directory in
      let path = directory + "/report.json"
      try Data(text.utf8).write(to: URL(filePath: path))
      let error = #expect(throws: ReportError.self) { try GapReport(path: path) }
      guard case .wrongLayout = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(error?.description.contains { $0.isNewline } == false)
    }
  }

  @Test func whatIsNotThereIsMissing() throws {
    try withDirectory { directory in
      for path in [directory, directory + "/report.json", directory + "/none"] {
        let error = #expect(throws: ReportError.self) { try GapReport(path: path) }
        #expect(error?.isMissingInput == true)
        #expect(error?.description.hasPrefix(path) == true)
      }
    }
  }

  // MARK: Table

  @Test func theTableShowsValuesIntervalsAndWarnings() throws {
    var plan = MeasuredPair.Plan()
    plan.dropsBadRow = true
    let report = try MeasuredPair(plan).report
    let lines = report.table.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines[0] == "22 pairs in 5 dimensions, 1 bad pairs left out")
    for reading in MetricReading.all where reading.section != "Inside the model" {
      let value = try #require(report.metrics.number(reading.path), "\(reading.path)")
      let row = try #require(lines.first { $0.split(separator: " ").first == Substring(reading.path) })
      #expect(row.contains(" " + Decimal.text(value)), "\(row)")
      if let interval = report.intervals[reading.path] {
        #expect(row.contains("[\(Decimal.text(interval.low)), \(Decimal.text(interval.high))]"), "\(row)")
      }
      if let p = report.permutationP[reading.path] { #expect(row.contains("; p \(Decimal.text(p))"), "\(row)") }
    }
    for warning in report.warnings { #expect(lines.contains("  \(warning.code): \(warning.message)")) }
    #expect(!lines.contains { $0.hasSuffix(" ") })
  }
}

extension [MetricEntry] {
  /// The same entries in the order of their keys, on every level.
  var sortedByKey: [MetricEntry] {
    sorted { $0.key < $1.key }.map { entry in
      if case .object(let inner) = entry.value {
        MetricEntry(entry.key, .object(inner.sortedByKey))
      } else {
        entry
      }
    }
  }
}
