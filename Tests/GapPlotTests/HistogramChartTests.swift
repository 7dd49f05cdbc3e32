import GapPlot
import Testing

@Suite struct HistogramChartTests {
  static let paired = Samples.normal(500, mean: 0.27, deviation: 0.03, seed: 2)
  static let unpaired = Samples.normal(2000, mean: 0.12, deviation: 0.045, seed: 3)

  static func scene(bins: Int? = nil, showsMeans: Bool = true) throws -> Scene {
    let chart = HistogramChart(
      series: [.init("paired", values: paired), .init("unpaired", values: unpaired)], xLabel: "cosine",
      showsMeans: showsMeans, bins: bins)
    return try Figure([.histogram(chart)]).scene()
  }

  static func outline(_ scene: Scene, _ series: String) throws -> [PlotPoint] {
    let reading = try AxisReading(scene)
    return try #require(scene.marks(.line, series: series).first?.shape.polyline).map(reading.point)
  }

  @Test(arguments: ["paired", "unpaired"])
  func theAreaUnderEachOutlineIsOne(series: String) throws {
    let scene = try Self.scene()
    let outline = try Self.outline(scene, series)
    let area = zip(outline, outline.dropFirst()).reduce(0) { $0 + ($1.1.x - $1.0.x) * ($1.0.y + $1.1.y) / 2 }
    #expect(abs(area - 1) < 1e-9)
    #expect(outline.allSatisfy { $0.y > -1e-9 })
    let fill = try #require(scene.marks(.distribution, series: series).first?.shape.area)
    #expect(fill == scene.marks(.line, series: series).first?.shape.polyline)
  }

  /// Heights against a count of the values between each two steps.
  @Test func eachStepIsAsHighAsItsShareOfTheValues() throws {
    let outline = try Self.outline(try Self.scene(bins: 12), "paired")
    let tops = Array(outline.dropFirst().dropLast())
    #expect(tops.count == 24)
    var seen = 0
    for step in stride(from: 0, to: tops.count, by: 2) {
      let (left, right) = (tops[step], tops[step + 1])
      #expect(abs(left.y - right.y) < 1e-9)
      let isLast = step + 2 == tops.count
      let inside = Self.paired.count {
        $0 >= left.x - 1e-12 && ($0 < right.x - 1e-12 || (isLast && $0 <= right.x + 1e-12))
      }
      seen += inside
      let height = Double(inside) / Double(Self.paired.count) / (right.x - left.x)
      #expect(abs(left.y - height) < 1e-6 * max(1, height), "step \(step / 2)")
    }
    #expect(seen == Self.paired.count)
  }

  @Test func meansAreMarkedAndNamed() throws {
    let scene = try Self.scene()
    let reading = try AxisReading(scene)
    let means = [("unpaired", Self.unpaired), ("paired", Self.paired)].map {
      (name: $0.0, value: $0.1.reduce(0, +) / Double($0.1.count))
    }
    let lines = try scene.marks(.reference).map { try #require($0.shape.polyline) }
    #expect(lines.count == 2)
    for (line, mean) in zip(lines, means) {
      for end in line { #expect(abs(reading.point(at: end).x - mean.value) < 1e-9) }
      let plot = scene.panels[0].plotArea
      #expect(line.map(\.y) == [plot.y, plot.maxY])
    }
    #expect(
      scene.marks(.referenceLabel).compactMap(\.string)
        == means.map { "\($0.name): mean \(NumberText.significant($0.value, digits: 3))" })
    #expect(try Self.scene(showsMeans: false).marks(.reference).isEmpty)
  }

  @Test func aMeanGivenApartIsShownInsteadOfThatOfTheSample() throws {
    let chart = HistogramChart(series: [.init("a", values: [0, 1, 2], mean: 1.5)], xLabel: "value")
    let scene = try Figure([.histogram(chart)]).scene()
    #expect(scene.marks(.referenceLabel).compactMap(\.string) == ["a: mean 1.50"])
  }

  @Test func countsGiveTheSameOutlineAsTheirValues() throws {
    let edges = [0.0, 1, 2, 4]
    let chart = HistogramChart(
      series: [.init("a", edges: edges, counts: [1, 0, 3], mean: 2.4)], xLabel: "value")
    let scene = try Figure([.histogram(chart)]).scene()
    let expected = [(0.0, 0.0), (0, 0.25), (1, 0.25), (1, 0), (2, 0), (2, 0.375), (4, 0.375), (4, 0)]
    expectPlaces(
      try #require(scene.marks(.line).first?.shape.polyline),
      expected.map { PlotPoint(x: $0.0, y: $0.1) }, try AxisReading(scene))
  }

  @Test func distributionsDifferInColourAndInDash() throws {
    let scene = try Self.scene()
    let strokes = try ["paired", "unpaired"].map {
      try #require(scene.marks(.line, series: $0).first?.shape.stroke)
    }
    #expect(strokes[0].color != strokes[1].color)
    #expect(strokes[0].dash != strokes[1].dash)
  }

  @Test func whatCannotBeCountedIsRefused() throws {
    func error(_ series: [HistogramChart.Series]) -> PlotError? {
      return #expect(throws: PlotError.self) {
        try Figure([.histogram(HistogramChart(series: series, xLabel: "x"))]).scene()
      }
    }
    #expect(error([]) == .nothingToDraw(what: "histogram series"))
    #expect(error([.init("a", values: [])]) == .emptySeries(series: "a"))
    #expect(error([.init("a", values: [1, 2e300])]) == .notFinite(series: "a", index: 1, value: 2e300))
    #expect(
      error([.init("a", edges: [0, 1], counts: [1, 2], mean: nil)])
        == .countMismatch(series: "a", quantity: "bin edges", expected: 3, found: 2))
    #expect(
      error([.init("a", edges: [0, 2, 2], counts: [1, 2], mean: nil)])
        == .invertedInterval(series: "a", index: 1, lower: 2, upper: 2))
    #expect(error([.init("a", edges: [0, 1], counts: [0], mean: nil)]) == .emptySeries(series: "a"))
    #expect(
      error([.init("a", edges: [0, 1], counts: [-1], mean: nil)])
        == .notPositive(series: "a", index: 0, value: -1))
  }
}
