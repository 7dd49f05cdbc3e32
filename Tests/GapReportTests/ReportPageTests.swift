import Foundation
import GapLinearAlgebra
import GapMetrics
import Testing

@testable import GapReport

/// The page is self-contained, safe against what strangers wrote, complete, small and the same each time.
@Suite struct ReportPageTests {
  /// The block of data in a page, as the script reads it.
  static func data(_ page: Data) throws -> [String: Any] {
    let text = String(decoding: page, as: UTF8.self)
    let start = try #require(text.range(of: "<script type=\"application/json\" id=\"data\">"))
    let end = try #require(text[start.upperBound...].range(of: "</script>"))
    let object = try JSONSerialization.jsonObject(with: Data(text[start.upperBound..<end.lowerBound].utf8))
    return try #require(object as? [String: Any])
  }

  static func drawable(_ measured: MeasuredPair) -> DrawableReport {
    DrawableReport(
      name: "made", report: measured.report, details: measured.details,
      projections: (measured.projection.image + measured.projection.text, measured.projection.basis.count),
      varianceFractions: measured.projection.basis.varianceFractions)
  }

  static func page(_ measured: MeasuredPair, labels: PairLabels = PairLabels()) throws -> Data {
    try page(measured.report, drawable(measured), labels).html()
  }

  static func page(_ report: GapReport, _ drawable: DrawableReport?, _ labels: PairLabels = PairLabels()) throws
    -> ReportPage
  {
    var material = ReportPage.Material()
    material.drawable = drawable
    material.labels = labels
    return try ReportPage(report, material)
  }

  /// The first set of pairs and the first view of a page's scatter plot.
  static func scatter(_ page: Data) throws -> (set: [String: Any], view: [String: Any]) {
    let scatter = try #require(data(page)["scatter"] as? [String: Any])
    let sets = try #require(scatter["sets"] as? [[String: Any]])
    let views = try #require(scatter["views"] as? [[String: Any]])
    return (try #require(sets.first), try #require(views.first))
  }

  /// A report as if it were of many pairs, without measuring them.
  static func wide(pairs: Int, caption: String) throws -> (drawable: DrawableReport, labels: PairLabels) {
    let small = try MeasuredPair()
    var object = try #require(JSONSerialization.jsonObject(with: small.report.json()) as? [String: Any])
    object["pairs"] = pairs
    let report = try JSONDecoder().decode(
      GapReport.self, from: JSONSerialization.data(withJSONObject: object))
    var generator = SeededGenerator(seed: 3)
    var details = small.details
    details.perPair["paired_cosine"] = (0..<pairs).map { _ in 2 * generator.uniform() - 1 }
    details.ranks["image_to_text"] = ((0..<pairs).map(Double.init), (0..<pairs).map { Double($0 + 1) })
    details.absoluteDifferences = (0..<8192).map { _ in generator.uniform() }
    let values = (0..<2 * pairs * 10).map { _ in generator.normal() }
    let drawable = DrawableReport(
      name: "wide", report: report, details: details, projections: (values, 10),
      varianceFractions: [Double](repeating: 0.1, count: 10))
    return (
      drawable,
      PairLabels(ids: (0..<pairs).map { "id <\($0)>" }, captions: [String](repeating: caption, count: pairs))
    )
  }

  // MARK: Strangers' words

  static let hostile = [
    "</script><script>window.broken=1</script>", "<!--<script>", "]]>", "a\u{2028}b\u{2029}c",
    "\"\\\u{0}\u{7F}",
    "{{script}}{{policy}}", "&lt;img src=x onerror=alert(1)&gt;", "\u{202E}evil", "=1+1",
  ]

  @Test func noTextEndsTheBlockOfData() throws {
    let measured = try MeasuredPair()
    let captions = (0..<measured.report.pairs).map { Self.hostile[$0 % Self.hostile.count] }
    let plain = String(decoding: try Self.page(measured), as: UTF8.self)
    let page = try Self.page(measured, labels: PairLabels(ids: captions, captions: captions))
    let text = String(decoding: page, as: UTF8.self)
    // As many tags as without strangers' words.
    for tag in ["<script", "</script", "<!--", "<img"] {
      #expect(text.components(separatedBy: tag).count == plain.components(separatedBy: tag).count, "\(tag)")
    }
    #expect(!text.unicodeScalars.contains("\u{2028}") && !text.unicodeScalars.contains("\u{2029}"))
    let set = try Self.scatter(page).set
    #expect(set["captions"] as? [String] == captions)
    #expect(set["ids"] as? [String] == captions)
  }

  @Test func onlyStringsAreEscaped() throws {
    let json = Data("{\"a\":\"<&>\u{2028}é€\",\"b\":[1,2]}".utf8)
    let escaped = String(decoding: ReportPage.escaped(json), as: UTF8.self)
    #expect(escaped == "{\"a\":\"\\u003c\\u0026\\u003e\\u2028é€\",\"b\":[1,2]}")
    // A line end cut off at the end of the bytes is not read past.
    #expect(ReportPage.escaped(Data([0xE2, 0x80])) == [0xE2, 0x80])
  }

  @Test func whatIsPutInATemplateIsNotLookedAtAgain() {
    let filled = ReportPage.filled(
      Array("<{{a}}|{{b}}|{{c}}{{".utf8), with: ["a": Array("{{b}}".utf8), "b": [0x31]])
    #expect(String(decoding: filled, as: UTF8.self) == "<{{b}}|1|{{")
  }

  @Test func thePolicyForbidsTheNetworkAndNamesItsOwnScript() throws {
    let text = String(decoding: try Self.page(MeasuredPair()), as: UTF8.self)
    #expect(text.contains("content=\"default-src 'none'; script-src 'sha256-"))
    #expect(!text.contains("unsafe-inline") && !text.contains("unsafe-eval"))
    #expect(text.contains("; img-src data:; "))
    let script = String(decoding: PackageResources.page_js, as: UTF8.self)
    #expect(text.contains("<script>" + script + "</script>"))
    for reach in [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp",
    ] {
      #expect(!script.contains(reach), "\(reach)")
    }
    #expect(!text.contains("src=\"") && !text.contains("<link"))
  }

  // MARK: Completeness

  @Test func everyMetricOfTheReportIsOnThePage() throws {
    let measured = try MeasuredPair()
    // JSONSerialization would round the last digit.
    struct Content: Decodable { let metrics: [Row] }
    struct Row: Decodable {
      let path: String
      let value: Double?
      let low: Double?
      let high: Double?
      let list: [Double]?
    }
    let page = try Self.page(measured.report, Self.drawable(measured))
    _ = try #require(Self.data(page.html())["metrics"] as? [Any])
    let rows = try JSONDecoder().decode(Content.self, from: JSONEncoder().encode(page.content)).metrics
    #expect(Set(rows.map(\.path)).count == rows.count)
    for (path, value) in measured.report.metrics.flattened {
      let row = try #require(rows.first { $0.path == path }, "\(path)")
      #expect(row.value == value, "\(path)")
      let interval = measured.report.intervals[path]
      #expect(row.low == interval?.low && row.high == interval?.high, "\(path)")
    }
    let explained = try #require(rows.first { $0.path == "pca.explained_variance_ratio" })
    #expect(explained.list?.isEmpty == false)
  }

  @Test func everyWarningHasAPlaceAndTheRightOne() throws {
    let duplicates = GapWarning(code: "duplicate_text_rows", message: "2 of 9 text rows repeat an earlier one")
    let undefined = GapWarning(code: "undefined", message: "retrieval.text_to_image is not defined: why")
    #expect(PageWarning(duplicates).isAbout("retrieval.image_to_text.r1"))
    #expect(!PageWarning(duplicates).isAbout("centroid_distance"))
    #expect(PageWarning(undefined).isAbout("retrieval.text_to_image.r1"))
    #expect(!PageWarning(undefined).isAbout("retrieval.image_to_text.r1"))
    #expect(!PageWarning(GapWarning(code: "dropped_pairs", message: "3 pairs were left out")).isAbout("mir"))
  }

  @Test func cardsSayWhatTheNumbersMean() throws {
    let measured = try MeasuredPair()
    let cards = PageCard.all(measured.report, warnings: [])
    #expect(
      cards.flatMap { $0.values.map(\.path) } == [
        "centroid_distance", "matching_margin", "retrieval.image_to_text.r1", "retrieval.text_to_image.r1",
      ])
    for card in cards {
      #expect(card.meaning.hasSuffix("."))
      for value in card.values { #expect((0...1).contains(value.place)) }
    }
    let distance = try #require(measured.report.metrics.number("centroid_distance"))
    #expect(cards[0].meaning.contains(Decimal.text(distance, places: 3)))
    #expect(cards[2].meaning.contains("Guessing would find about 4.3%"))
  }

  @Test func worstAndBestPairsAreThoseOfTheCosines() throws {
    let measured = try MeasuredPair()
    let names = (0..<measured.report.pairs).map { "name \($0)" }
    let tables = PagePairs.all(measured.details, labels: PairLabels(ids: names))
    let cosines = try #require(measured.details.perPair["paired_cosine"])
    let worst = try #require(tables.first { $0.name == "worst-pairs" })
    #expect(worst.rows.map(\.cosine) == cosines.sorted().prefix(PagePairs.limit).map(Optional.some))
    for row in worst.rows { #expect(row.id == "name \(row.pair)") }
    for table in tables where table.name.hasPrefix("failures") {
      let ranks = table.rows.compactMap(\.rank)
      #expect(ranks.allSatisfy { $0 > 1 } && ranks == ranks.sorted(by: >))
    }
  }

  @Test func pairsLeftOutTakeTheirLabelsWithThem() throws {
    var plan = MeasuredPair.Plan()
    plan.dropsBadRow = true
    let pair = try MeasuredPair(plan).pair
    let names = (0..<plan.count).map { "name \($0)" }
    let labels = PairLabels(ids: names, captions: nil, measuredIn: pair)
    #expect(labels.ids == Array(names.dropFirst()))
    #expect(labels.captions == nil)
    // Labels of something else are none.
    #expect(PairLabels(ids: ["one"], captions: nil, measuredIn: pair).ids == nil)
  }

  @Test func coordinatesReadBackToWithinAHalfStep() throws {
    let measured = try MeasuredPair()
    let drawable = Self.drawable(measured)
    let view = try #require(PageScatter(drawable, labels: PairLabels())?.views.first)
    let n = measured.report.pairs
    let stored = drawable.projections.components
    for (side, text) in [view.frames[0].image, try #require(view.text)].enumerated() {
      let bytes = try #require(Data(base64Encoded: text))
      #expect(bytes.count == view.scales.count * n * 2)
      for k in view.scales.indices {
        for i in 0..<n {
          let at = (k * n + i) * 2
          let packed = Int16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
          let expected = drawable.projections.values[(side * n + i) * stored + k]
          let found = Double(packed) * view.scales[k] / 32767
          #expect(abs(found - expected) <= view.scales[k] / 32767 * 0.5000001)
        }
      }
    }
  }

  // MARK: Size and sameness

  @Test(arguments: [20_000, 100_000]) func manyPairsStayUnderFiveMegabytes(pairs: Int) throws {
    for caption in [
      String(repeating: "a long caption of many words ", count: 12),
      String(repeating: "<&\u{2028}\"", count: 90),
      String(repeating: "<", count: 400),
    ] {
      let (drawable, labels) = try Self.wide(pairs: pairs, caption: caption)
      let page = try Self.page(drawable.report, drawable, labels).html()
      print("page of \(pairs) pairs: \(page.count) bytes")
      #expect(page.count < 5_000_000)
      let set = try Self.scatter(page).set
      #expect(set["count"] as? Int == 20_000 && set["total"] as? Int == pairs)
      #expect((set["numbers"] is String) == (pairs > 20_000))
      #expect((set["captions"] as? [String])?.count == 20_000)
    }
  }

  @Test func theSameReportIsTheSamePage() throws {
    let (drawable, labels) = try Self.wide(pairs: 30_000, caption: "one")
    let first = try Self.page(drawable.report, drawable, labels).html()
    #expect(try Self.page(drawable.report, drawable, labels).html() == first)
    #expect(try Self.page(MeasuredPair()) == Self.page(MeasuredPair()))
  }

  @Test func aReportAloneIsAPageToo() throws {
    let measured = try MeasuredPair()
    let data = try Self.data(ReportPage(measured.report).html())
    #expect(data["scatter"] == nil && (data["pairs"] as? [Any])?.isEmpty == true)
    #expect((data["metrics"] as? [Any])?.isEmpty == false)
  }

  @Test func histogramsCountEveryPair() throws {
    let measured = try MeasuredPair()
    let histogram = try #require(PageHistogram(measured.details))
    #expect(histogram.paired.reduce(0, +) == measured.report.pairs)
    #expect(histogram.unpaired.reduce(0, +) == measured.details.unpairedCosines.count)
  }
}
