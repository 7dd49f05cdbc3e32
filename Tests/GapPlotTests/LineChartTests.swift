import GapPlot
import Testing

@Suite struct LineChartTests {
  static let steps = [0.0, 100, 300, 700]
  static let gaps = [0.9, 0.5, 0.6, 0.2]

  static func chart() -> LineChart {
    LineChart(
      series: [
        .init("NTP", x: steps, y: gaps, lower: gaps.map { $0 - 0.1 }, upper: gaps.map { $0 + 0.05 }),
        .init("joint", x: steps, y: gaps.map { $0 / 2 }, showsMarkers: true),
      ], x: PlotAxis("step"), y: PlotAxis("gap"), xReferences: [ReferenceLine(250, label: "warm-up")],
      yReferences: [ReferenceLine(0.05, label: "noise floor")])
  }

  static func points(_ x: [Double], _ y: [Double]) -> [PlotPoint] {
    zip(x, y).map { PlotPoint(x: $0, y: $1) }
  }

  @Test func curvesRunThroughTheirPointsInOrder() throws {
    let scene = try Figure([.line(Self.chart())]).scene()
    let reading = try AxisReading(scene)
    let halves = Self.gaps.map { $0 / 2 }
    for (name, heights) in [("NTP", Self.gaps), ("joint", halves)] {
      let line = try #require(scene.marks(.line, series: name).first?.shape.polyline)
      expectPlaces(line, Self.points(Self.steps, heights), reading)
    }
    #expect(scene.marks(.point, series: "NTP").isEmpty)
    let markers = try #require(scene.marks(.point, series: "joint").first?.shape.batch)
    expectPlaces(markers.centers, Self.points(Self.steps, halves), reading)
  }

  @Test func bandsReachFromLowerToUpperEnds() throws {
    let scene = try Figure([.line(Self.chart())]).scene()
    let bands = scene.marks(.band)
    #expect(bands.map(\.series) == ["NTP"])
    let upper = Self.points(Self.steps, Self.gaps.map { $0 + 0.05 })
    let lower = Self.points(Self.steps, Self.gaps.map { $0 - 0.1 })
    expectPlaces(try #require(bands.first?.shape.area), upper + lower.reversed(), try AxisReading(scene))
    let roles = scene.marks.map(\.role)
    #expect(try #require(roles.firstIndex(of: .band)) < (try #require(roles.firstIndex(of: .line))))
  }

  @Test func referencesStandAtTheirValues() throws {
    let scene = try Figure([.line(Self.chart())]).scene()
    let reading = try AxisReading(scene)
    let plot = scene.panels[0].plotArea
    let lines = try scene.marks(.reference).map { try #require($0.shape.polyline) }
    #expect(lines.count == 2)
    #expect(lines[0].allSatisfy { abs(reading.point(at: $0).x - 250) < 1e-9 })
    #expect(lines[0].map(\.y) == [plot.y, plot.maxY])
    #expect(lines[1].allSatisfy { abs(reading.point(at: $0).y - 0.05) < 1e-9 })
    #expect(lines[1].map(\.x) == [plot.x, plot.maxX])
    let labels = try scene.marks(.referenceLabel).map { try #require($0.shape.text) }
    #expect(labels.map(\.string) == ["warm-up", "noise floor"])
    #expect(labels[0].position.y < plot.y)
    #expect(labels[1].position.x > plot.maxX)
  }

  @Test func logarithmicAxesKeepRatios() throws {
    let x = [1.0, 10, 100, 768]
    let y = [0.4, 0.05, 0.003, 0.0004]
    let chart = LineChart(
      series: [.init("", x: x, y: y)], x: PlotAxis("dimension", kind: .logarithmic),
      y: PlotAxis("difference", kind: .logarithmic))
    let scene = try Figure([.line(chart)]).scene()
    let reading = try AxisReading(scene, xKind: .logarithmic, yKind: .logarithmic)
    expectPlaces(
      try #require(scene.marks(.line).first?.shape.polyline), Self.points(x, y), reading, tolerance: 1e-8)
    #expect(scene.marks(.legendLabel).isEmpty)
  }

  @Test func aFixedRangeIsKeptAndDataBeyondAreClipped() throws {
    let chart = LineChart(
      series: [.init("a", x: [0, 1, 2], y: [0.5, 3, -2])], x: PlotAxis("x"), y: PlotAxis("y", range: 0...1))
    let scene = try Figure([.line(chart)]).scene()
    #expect(scene.panels[0].y.lower == 0)
    #expect(scene.panels[0].y.upper == 1)
    let mark = try #require(scene.marks(.line).first)
    let clip = try #require(mark.clip)
    #expect(try #require(mark.shape.polyline).contains { !clip.contains($0) })
    #expect(clip.y > scene.panels[0].plotArea.y - 2 && clip.maxY < scene.panels[0].plotArea.maxY + 2)
  }

  @Test func aSinglePointIsMarked() throws {
    let chart = LineChart(series: [.init("a", x: [3], y: [4])], x: PlotAxis("x"), y: PlotAxis("y"))
    let scene = try Figure([.line(chart)]).scene()
    let markers = try #require(scene.marks(.point, series: "a").first?.shape.batch)
    expectPlaces(markers.centers, [PlotPoint(x: 3, y: 4)], try AxisReading(scene))
  }

  /// Colour, marker and dash together tell any series from any other, and the legend shows them.
  @Test func seriesLookDifferentAndLikeTheirKeys() throws {
    let chart = LineChart(
      series: (0..<14).map { .init("s\($0)", x: [0, 1], y: [0, Double($0)], showsMarkers: true) },
      x: PlotAxis("x"), y: PlotAxis("y"))
    let scene = try Figure([.line(chart)]).scene()
    var looks: [(Stroke, PlotSymbol)] = []
    for index in 0..<14 {
      let line = try #require(scene.marks(.line, series: "s\(index)").first?.shape.stroke)
      let symbol = try #require(scene.marks(.point, series: "s\(index)").first?.shape.batch).symbol
      #expect(!looks.contains { $0.0 == line && $0.1 == symbol })
      looks.append((line, symbol))
      let keys = scene.marks(.legendKey, series: "s\(index)")
      #expect(keys.compactMap(\.shape.stroke) == [line])
      #expect(keys.compactMap { $0.shape.batch?.symbol } == [symbol])
    }
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    func error(
      _ series: [LineChart.Series], x: PlotAxis = PlotAxis("x"), y: PlotAxis = PlotAxis("y"),
      references: [ReferenceLine] = []
    ) -> PlotError? {
      let chart = LineChart(series: series, x: x, y: y, yReferences: references)
      return #expect(throws: PlotError.self) { try Figure([.line(chart)]).scene() }
    }
    let logarithmic = PlotAxis("y", kind: .logarithmic)
    #expect(error([]) == .nothingToDraw(what: "line series"))
    #expect(error([.init("a", x: [], y: [])]) == .emptySeries(series: "a"))
    #expect(
      error([.init("a", x: [1, 2], y: [1])])
        == .countMismatch(series: "a", quantity: "y", expected: 2, found: 1))
    #expect(
      error([.init("a", x: [1], y: [0])], y: logarithmic) == .notPositive(series: "a", index: 0, value: 0))
    #expect(
      error([.init("a", x: [1], y: [1], lower: [2], upper: [1])])
        == .invertedInterval(series: "a", index: 0, lower: 2, upper: 1))
    #expect(
      error([.init("a", x: [1], y: [1], lower: [2])])
        == .countMismatch(series: "a", quantity: "upper band", expected: 1, found: 0))
    #expect(
      error([.init("a", x: [1], y: [1])], x: PlotAxis("x", range: 2...2))
        == .range(axis: "horizontal", lower: 2, upper: 2))
    #expect(
      error([.init("a", x: [1], y: [1])], references: [ReferenceLine(.infinity, label: "r")])
        == .notFinite(series: "r", index: 0, value: .infinity))
  }
}
