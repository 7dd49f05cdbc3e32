import Foundation
import GapLinearAlgebra
import GapMetrics
import GapReport
import GapTensorFiles
import Testing

@Suite struct GapDetailsTests {
  static func plan(hasIDs: Bool) -> MeasuredPair.Plan {
    var plan = MeasuredPair.Plan()
    if hasIDs { plan.ids = (0..<plan.count).map { "image \($0 % 8)" } }
    return plan
  }

  @Test(arguments: [false, true])
  func detailsReadBackAsTheyWere(hasIDs: Bool) throws {
    let measured = try MeasuredPair(Self.plan(hasIDs: hasIDs))
    try withDirectory { directory in
      try measured.write(to: directory)
      for path in [directory, directory + "/report.json"] {
        let read = try GapDetails(besideReport: path)
        #expect(read == measured.details)
        #expect(read.groups == (hasIDs ? measured.pair.groups.map(Double.init) : []))
        #expect(read.perPair == measured.details.perPair)
        #expect(read.leaveOneOut == measured.details.leaveOneOut)
        #expect(Set(read.ranks.keys) == ["image_to_text", "text_to_image"])
        #expect(read.unpairedCosines == measured.details.unpairedCosines)
        #expect(read.absoluteDifferences == measured.details.absoluteDifferences)
        #expect(read.shift == measured.details.shift)
        #expect(read.shiftBatch == measured.details.shiftBatch)
        #expect(read.shiftBatch.pairs == 23 && read.shiftBatch.temperature > 0)
      }
    }
  }

  @Test func sameDetailsGiveSameBytesAndOthersOthers() throws {
    let measured = try MeasuredPair()
    #expect(measured.details.data() == (try MeasuredPair().details.data()))
    var changed = measured.details
    changed.shiftBatch.temperature *= 2
    #expect(changed != measured.details)
    changed = measured.details
    changed.perPair["paired_cosine"]?[3] += 1e-15
    #expect(changed != measured.details)
  }

  /// The sums of what is kept are the numbers of the report.
  @Test(arguments: [false, true])
  func detailsAddUpToTheReport(hasIDs: Bool) throws {
    let measured = try MeasuredPair(Self.plan(hasIDs: hasIDs))
    func mean(_ key: String, _ transform: (Double) -> Double = { $0 }) throws -> Double {
      let values = try #require(measured.details.perPair[key])
      #expect(values.count == measured.report.pairs)
      return values.map(transform).reduce(0, +) / Double(values.count)
    }
    let means = [
      ("paired_cosine.mean", try mean("paired_cosine")), ("mean_pair_distance", try mean("pair_distance")),
      ("alignment", try mean("pair_distance") { $0 * $0 }), ("matching_margin", try mean("margin_influence")),
      ("norm.image", try mean("norm_image")), ("norm.text", try mean("norm_text")),
    ]
    for (key, value) in means {
      #expect(abs(value - (try #require(measured.report.metrics.number(key)))) < 1e-12, "\(key)")
    }
    let squares = measured.details.absoluteDifferences.map { $0 * $0 }.reduce(0, +)
    let distance = try #require(measured.report.metrics.number("centroid_distance"))
    #expect(abs(squares.squareRoot() - distance) < 1e-12)
    for (key, found) in measured.details.ranks {
      let first = Double(found.ranks.count { $0 == 1 }) / Double(found.ranks.count)
      #expect(first == measured.report.metrics.number("retrieval.\(key).r1"))
      #expect(found.queries.count == (hasIDs && key == "image_to_text" ? 8 : 23))
    }
  }

  /// Every value without an image against a measurement of the others.
  @Test(arguments: [false, true])
  func valuesWithoutAnImageAreThoseOfTheOthers(hasIDs: Bool) throws {
    let measured = try MeasuredPair(Self.plan(hasIDs: hasIDs))
    let (pair, n, d) = (measured.pair, measured.pair.count, measured.pair.imageDimension)
    func rows(_ rows: UnitRows, _ kept: [Int]) throws -> [Double] {
      let scratch = Buffer<Double>(repeating: 0, count: d)
      return try kept.flatMap { i in
        try rows.withRow(i, scratch: scratch) { row in row.indices.map { row[$0] } }
      }
    }
    #expect(measured.details.leaveOneOut.count == 5)
    for group in pair.groupRepresentatives.indices {
      let kept = (0..<n).filter { pair.groups[$0] != group }
      let rest = try EmbeddingPair(
        image: EmbeddingMatrix(rows(pair.image, kept), dimension: d),
        text: EmbeddingMatrix(rows(pair.text, kept), dimension: d),
        ids: hasIDs ? kept.map { "\(pair.groups[$0])" } : nil)
      var options = MeasurementOptions()
      options.resamples = 0
      let metrics = try GapMeasurement(of: rest, options: options).metrics
      for (key, values) in measured.details.leaveOneOut {
        let expected = try #require(metrics.number(key))
        #expect(values.count == pair.groupRepresentatives.count)
        #expect(abs(values[group] - expected) < 1e-10, "\(key) without \(group)")
      }
    }
  }

  @Test func detailsThatAreMissingOrDamagedAreNamed() throws {
    let measured = try MeasuredPair()
    try withDirectory { directory in
      try measured.report.json().write(to: URL(filePath: directory + "/report.json"))
      let path = directory + "/details.safetensors"
      #expect(throws: ReportError.missing(path: path)) { try GapDetails(besideReport: directory) }
      let data = measured.details.data()
      try data.prefix(data.count - 9).write(to: URL(filePath: path))
      #expect(throws: TensorFileError.self) { try GapDetails(besideReport: directory) }
      var writer = SafetensorsWriter()
      writer.add("groups", shape: [2], [0.0, 7])
      try writer.data.write(to: URL(filePath: path))
      #expect(
        throws: ReportError.wrongLayout(path: path, expected: "image numbers below 2", found: "others")
      ) { try GapDetails(besideReport: directory) }
    }
  }
}
