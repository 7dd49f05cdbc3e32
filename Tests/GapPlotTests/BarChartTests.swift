import GapPlot
import Testing

@Suite struct BarChartTests {
  static let values = [[0.41, 0.68, 0.79], [0.38, -0.2, 0.77]]

  static func chart() -> BarChart {
    BarChart(
      groups: ["R@1", "R@5", "R@10"],
      series: zip(["image → text", "text → image"], values).map { name, values in
        .init(name, values: values, lower: values.map { $0 - 0.03 }, upper: values.map { $0 + 0.02 })
      }, yLabel: "recall", references: [ReferenceLine(0.5, label: "chance")])
  }

  /// Reads heights off the vertical axis, since groups have no numbers.
  static func heights(_ scene: Scene) throws -> (Double) -> Double {
    let plot = scene.panels[0].plotArea
    let labels = scene.marks(.tickLabel).compactMap(\.shape.text).filter { $0.position.x < plot.x }
    let first = try #require(labels.first)
    let last = try #require(labels.last)
    let low = try #require(PlotTicksTests.number(first.string))
    let high = try #require(PlotTicksTests.number(last.string))
    return { low + ($0 - first.position.y) / (last.position.y - first.position.y) * (high - low) }
  }

  /// The filled boxes of a series, without their hatching.
  static func boxes(_ scene: Scene, _ series: String) -> [PlotRect] {
    scene.marks(.bar, series: series).compactMap(\.shape.rectangle)
  }

  @Test func barsReachFromZeroToTheirValues() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let height = try Self.heights(scene)
    for (series, values) in zip(Self.chart().series, Self.values) {
      let boxes = Self.boxes(scene, series.label)
      #expect(boxes.count == 3)
      for (box, value) in zip(boxes, values) {
        #expect(abs(height(box.y) - max(0, value)) < 1e-9)
        #expect(abs(height(box.maxY) - min(0, value)) < 1e-9)
      }
    }
  }

  @Test func barsStandSideBySideOverTheirGroup() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let plot = scene.panels[0].plotArea
    let (first, second) = (Self.boxes(scene, "image → text"), Self.boxes(scene, "text → image"))
    let names = scene.marks(.tickLabel).compactMap(\.shape.text).filter { $0.position.y > plot.maxY }
    #expect(names.map(\.string) == ["R@1", "R@5", "R@10"])
    for group in 0..<3 {
      #expect(first[group].maxX <= second[group].x)
      let middle = (first[group].x + second[group].maxX) / 2
      #expect(abs(names[group].position.x - middle) < 1e-9)
      #expect(abs(first[group].width - second[group].width) < 1e-9)
      if group > 0 { #expect(first[group].x > second[group - 1].maxX) }
    }
    #expect(plot.x < first[0].x && second[2].maxX < plot.maxX)
  }

  @Test func intervalsReachFromLowerToUpperEnds() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let height = try Self.heights(scene)
    for (series, values) in zip(Self.chart().series, Self.values) {
      let intervals = scene.marks(.interval, series: series.label)
      let boxes = Self.boxes(scene, series.label)
      #expect(intervals.count == 3)
      for (group, value) in values.enumerated() {
        let stem = try #require(intervals[group].shape.segments?.first)
        #expect(abs(height(stem.from.y) - (value - 0.03)) < 1e-9)
        #expect(abs(height(stem.to.y) - (value + 0.02)) < 1e-9)
        #expect(abs(stem.from.x - boxes[group].midX) < 1e-9 && stem.from.x == stem.to.x)
      }
    }
  }

  @Test func numbersStandBeyondBarAndInterval() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let height = try Self.heights(scene)
    let measure = try TextMeasure()
    for (series, values) in zip(Self.chart().series, Self.values) {
      let labels = scene.marks(.valueLabel, series: series.label).compactMap(\.shape.text)
      #expect(labels.map(\.string) == values.map { NumberText.fixed($0, decimals: 2) })
      for (label, value) in zip(labels, values) {
        let box = try label.bounds(measure)
        if value >= 0 {
          #expect(height(box.maxY) > value + 0.02)
        } else {
          #expect(height(box.y) < value - 0.03)
        }
      }
    }
    var bare = Self.chart()
    bare.valueDecimals = nil
    #expect(try Figure([.bar(bare)]).scene().marks(.valueLabel).isEmpty)
  }

  @Test func everySecondSeriesIsHatchedInPlotAndLegend() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    for (series, isHatched) in [("image → text", false), ("text → image", true)] {
      for role in [Mark.Role.bar, .legendKey] {
        let hatches = scene.marks(role, series: series).compactMap(\.shape.segments)
        #expect(hatches.isEmpty == !isHatched)
      }
    }
    let colors = scene.marks(.bar).compactMap { mark -> PlotColor? in
      if case .rectangle(_, let color) = mark.shape { color } else { nil }
    }
    #expect(Set(colors).count == 2)
  }

  @Test func hatchesStayInTheirBars() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let boxes = Self.boxes(scene, "text → image")
    let hatches = scene.marks(.bar, series: "text → image").compactMap(\.shape.segments)
    #expect(hatches.count == boxes.count)
    for (box, segments) in zip(boxes, hatches) {
      #expect(!segments.isEmpty)
      #expect(
        segments.allSatisfy { box.contains($0.from, tolerance: 1e-9) && box.contains($0.to, tolerance: 1e-9) })
    }
  }

  @Test func referencesCrossThePlotAtTheirValues() throws {
    let scene = try Figure([.bar(Self.chart())]).scene()
    let line = try #require(scene.marks(.reference).first?.shape.polyline)
    let height = try Self.heights(scene)
    #expect(line.allSatisfy { abs(height($0.y) - 0.5) < 1e-9 })
    #expect(scene.marks(.referenceLabel).compactMap(\.string) == ["chance"])
  }

  @Test func aFixedRangeBoundsTheTicksAndLeavesRoomForNumbers() throws {
    let scene = try Figure([.bar(Samples.retrieval())]).scene()
    let numbers = scene.marks(.tickLabel).compactMap(\.string).compactMap(PlotTicksTests.number)
    #expect(numbers.min() == 0)
    #expect(numbers.max() == 1)
    #expect(scene.panels[0].y.upper > 1)
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    func error(_ groups: [String], _ series: [BarChart.Series]) -> PlotError? {
      let chart = BarChart(groups: groups, series: series, yLabel: "y")
      return #expect(throws: PlotError.self) { try Figure([.bar(chart)]).scene() }
    }
    #expect(error([], [.init("a", values: [])]) == .nothingToDraw(what: "bar groups"))
    #expect(error(["g"], []) == .nothingToDraw(what: "bar series"))
    #expect(
      error(["g", "h"], [.init("a", values: [1])])
        == .countMismatch(series: "a", quantity: "bars", expected: 2, found: 1))
    #expect(
      error(["g"], [.init("a", values: [1], lower: [2], upper: [1.5])])
        == .invertedInterval(series: "a", index: 0, lower: 2, upper: 1.5))
    #expect(
      error(["g"], [.init("a", values: [1], upper: [1.5])])
        == .countMismatch(series: "a", quantity: "lower ends", expected: 1, found: 0))
    #expect(
      error(["g"], [.init("a", values: [-.infinity])]) == .notFinite(series: "a", index: 0, value: -.infinity))
  }
}
