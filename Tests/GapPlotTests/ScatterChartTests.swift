import GapPlot
import Testing

@Suite struct ScatterChartTests {
  static let images = [(0.0, 0.0), (1, 2), (-3, 1), (0.5, -1)].map { PlotPoint(x: $0.0, y: $0.1) }
  static let texts = [(4.0, 1.0), (5, 2.5), (3.5, 0), (4, -1.5)].map { PlotPoint(x: $0.0, y: $0.1) }

  static func chart(joinsPairs: Bool = true, drawing: ScatterChart.Drawing = .automatic) -> ScatterChart {
    ScatterChart(
      series: [.init("image", points: images), .init("text", points: texts)], xLabel: "PC 1 (28.0%)",
      yLabel: "PC 2 (11.3%)", annotations: ["gap 0.851"], joinsPairs: joinsPairs, drawing: drawing)
  }

  static func mean(_ points: [PlotPoint]) -> PlotPoint {
    PlotPoint(
      x: points.map(\.x).reduce(0, +) / Double(points.count),
      y: points.map(\.y).reduce(0, +) / Double(points.count))
  }

  @Test func pointsStandWhereTheAxesSay() throws {
    let scene = try Figure([.scatter(Self.chart())]).scene()
    let reading = try AxisReading(scene)
    for (name, points) in [("image", Self.images), ("text", Self.texts)] {
      let marks = scene.marks(.point, series: name)
      #expect(marks.count == 1)
      expectPlaces(try #require(marks.first?.shape.batch).centers, points, reading)
      #expect(marks.allSatisfy { $0.clip == scene.panels[0].plotArea })
    }
  }

  @Test func eachPairIsJoinedFromImageToText() throws {
    let scene = try Figure([.scatter(Self.chart())]).scene()
    let reading = try AxisReading(scene)
    let marks = scene.marks(.pairLine)
    #expect(marks.count == 1)
    let joins = try #require(marks.first?.shape.segments)
    expectPlaces(joins.map(\.from), Self.images, reading)
    expectPlaces(joins.map(\.to), Self.texts, reading)
    #expect(try Figure([.scatter(Self.chart(joinsPairs: false))]).scene().marks(.pairLine).isEmpty)
  }

  @Test func centroidsAreTheMeansAndJoined() throws {
    let scene = try Figure([.scatter(Self.chart())]).scene()
    let reading = try AxisReading(scene)
    let means = [Self.images, Self.texts].map(Self.mean)
    for (name, mean) in zip(["image", "text"], means) {
      let marks = scene.marks(.centroid, series: name)
      #expect(marks.count == 2)
      for mark in marks { expectPlaces(try #require(mark.shape.batch).centers, [mean], reading) }
    }
    for line in scene.marks(.centroidLine) { expectPlaces(try #require(line.shape.polyline), means, reading) }
    #expect(scene.marks(.centroidLine).count == 2)
    let radius = try #require(scene.marks(.centroid).first?.shape.batch).radius
    #expect(radius > 1.5 * (try #require(scene.marks(.point).first?.shape.batch).radius))
  }

  @Test func joinsLieUnderPointsAndPointsUnderCentroids() throws {
    let roles = try Figure([.scatter(Self.chart())]).scene().marks.map(\.role)
    let order: [Mark.Role] = [.grid, .pairLine, .point, .centroidLine, .centroid]
    let places = try order.map { role in
      (first: try #require(roles.firstIndex(of: role)), last: try #require(roles.lastIndex(of: role)))
    }
    for (lower, upper) in zip(places, places.dropFirst()) { #expect(lower.last < upper.first) }
  }

  @Test func oneUnitIsEquallyLongOnBothAxes() throws {
    for chart in [Self.chart(), Samples.scatter(500)] {
      let panel = try Figure([.scatter(chart)]).scene().panels[0]
      let across = (panel.x.end - panel.x.start) / (panel.x.upper - panel.x.lower)
      let up = (panel.y.start - panel.y.end) / (panel.y.upper - panel.y.lower)
      #expect(abs(across / up - 1) < 1e-12)
    }
  }

  @Test func modalitiesDifferInColourAndInShape() throws {
    let scene = try Figure([.scatter(Self.chart())]).scene()
    let looks = try ["image", "text"].map { try #require(scene.marks(.point, series: $0).first?.shape.batch) }
    #expect(looks[0].symbol != looks[1].symbol)
    #expect(looks[0].fill != looks[1].fill)
    for (index, name) in ["image", "text"].enumerated() {
      let key = try #require(scene.marks(.legendKey, series: name).first?.shape.batch)
      #expect(key.symbol == looks[index].symbol)
      #expect(key.fill.opacity(1) == looks[index].fill.opacity(1))
      #expect(scene.marks(.legendLabel, series: name).compactMap(\.string) == [name])
    }
  }

  @Test func wordsAreThoseOfTheChart() throws {
    let scene = try Figure([.scatter(Self.chart())]).scene()
    #expect(scene.marks(.annotation).compactMap(\.string) == ["gap 0.851"])
    let labels = scene.marks(.axisLabel).compactMap(\.shape.text)
    #expect(labels.map(\.string) == ["PC 1 (28.0%)", "PC 2 (11.3%)"])
    #expect(labels.map(\.isVertical) == [false, true])
  }

  // MARK: Many points

  @Test func aboveTheLimitDensitiesAreDrawn() throws {
    for (count, isDensity) in [(ScatterChart.automaticLimit, false), (ScatterChart.automaticLimit + 1, true)] {
      let scene = try Figure([.scatter(Samples.scatter(count))]).scene()
      #expect(scene.marks(.density).count == (isDensity ? 2 : 0))
      #expect(scene.marks(.point).count == (isDensity ? 0 : 2))
      let notes = scene.marks(.annotation).compactMap(\.string)
      #expect(notes.contains("density of \(NumberText.count(count)) pairs") == isDensity)
      #expect(scene.marks(.pairLine).isEmpty == isDensity)
      #expect(scene.marks(.centroidLine).count == 2)
    }
  }

  /// Every cell is held against a count of the points that lie in it on the page.
  @Test func cellsShowHowManyPointsLieInThem() throws {
    let (images, texts) = Samples.clouds(2000)
    let chart = ScatterChart(
      series: [.init("image", points: images), .init("text", points: texts)], xLabel: "x", yLabel: "y",
      drawing: .density(cells: 24))
    let scene = try Figure([.scatter(chart)]).scene()
    for (name, points) in [("image", images), ("text", texts)] {
      let raster = try #require(scene.marks(.density, series: name).first?.shape.raster)
      #expect(max(raster.columns, raster.rows) == 24)
      var counts = [Int](repeating: 0, count: raster.columns * raster.rows)
      for point in points {
        let place = scene.panels[0].position(of: point)
        let column = Int((place.x - raster.frame.x) / raster.frame.width * Double(raster.columns))
        let row = Int((place.y - raster.frame.y) / raster.frame.height * Double(raster.rows))
        counts[row * raster.columns + column] += 1
      }
      for (index, count) in counts.enumerated() {
        #expect((raster.opacity[index] == 0) == (count == 0), "\(name), cell \(index)")
      }
      let pairs = zip(counts, raster.opacity).sorted { $0.0 < $1.0 }
      for (fewer, more) in zip(pairs, pairs.dropFirst()) {
        #expect(fewer.0 == more.0 ? fewer.1 == more.1 : fewer.1 <= more.1)
      }
      #expect(pairs[pairs.count - 1].1 > 200)
    }
  }

  @Test func samplesTakeTheSamePairsOfBothSeries() throws {
    let (images, texts) = Samples.clouds(100)
    var chart = Samples.scatter(100)
    chart.drawing = .sample(10)
    let scene = try Figure([.scatter(chart)]).scene()
    let reading = try AxisReading(scene)
    let chosen = (0..<10).map { $0 * 10 }
    for (name, points) in [("image", images), ("text", texts)] {
      let drawn = try #require(scene.marks(.point, series: name).first?.shape.batch).centers
      expectPlaces(drawn, chosen.map { points[$0] }, reading)
    }
    #expect(try #require(scene.marks(.pairLine).first?.shape.segments).count == 10)
    #expect(scene.marks(.annotation).compactMap(\.string).contains("10 of 100 pairs drawn"))
    let mean = Self.mean(images)
    expectPlaces(
      try #require(scene.marks(.centroid, series: "image").first?.shape.batch).centers, [mean], reading)
  }

  @Test func streamedCountsAreDrawnWithTheirCentroid() throws {
    var grid = try DensityGrid(columns: 4, rows: 3, x: 0...4, y: 0...3)
    for _ in 0..<5 { grid.add(PlotPoint(x: 3.5, y: 0.5)) }
    grid.add(PlotPoint(x: 0.5, y: 2.5))
    grid.add(PlotPoint(x: 9, y: 9))
    grid.add(PlotPoint(x: .nan, y: 1))
    #expect(grid.total == 8)
    #expect(grid.counts.reduce(0, +) == 6)
    let chart = ScatterChart(
      series: [.init("image", density: grid, centroid: PlotPoint(x: 3, y: 1))], xLabel: "x", yLabel: "y")
    let scene = try Figure([.scatter(chart)]).scene()
    let raster = try #require(scene.marks(.density).first?.shape.raster)
    let filled = raster.opacity.indices.filter { raster.opacity[$0] > 0 }
    // The first row is at the top of the page: the point at y 2.5 is in cell 0, those at y 0.5 in the last one.
    #expect(filled == [0, 11])
    #expect(raster.opacity[11] > raster.opacity[0])
    expectPlaces(raster.frame.corners, [PlotPoint(x: 0, y: 3), PlotPoint(x: 4, y: 0)], try AxisReading(scene))
    #expect(scene.marks(.annotation).compactMap(\.string) == ["density of 8 points"])
  }

  // MARK: Bad data

  @Test func whatCannotBeDrawnIsRefused() throws {
    func error(_ series: [ScatterChart.Series], joinsPairs: Bool = false) -> PlotError? {
      let chart = ScatterChart(series: series, xLabel: "x", yLabel: "y", joinsPairs: joinsPairs)
      return #expect(throws: PlotError.self) { try Figure([.scatter(chart)]).scene() }
    }
    let good = PlotPoint(x: 1, y: 2)
    #expect(error([]) == .nothingToDraw(what: "scatter series"))
    #expect(error([.init("a", points: [])]) == .emptySeries(series: "a"))
    #expect(
      error([.init("a", points: [good, PlotPoint(x: .infinity, y: 0)])])
        == .notFinite(series: "a", index: 1, value: .infinity))
    #expect(
      error([.init("a", points: [PlotPoint(x: 0, y: -2e300)])])
        == .notFinite(series: "a", index: 0, value: -2e300))
    #expect(
      error([.init("a", points: [good]), .init("b", points: [good, good])], joinsPairs: true)
        == .countMismatch(series: "b", quantity: "points to join", expected: 1, found: 2))
    #expect(
      error([.init("a", points: [good])], joinsPairs: true)
        == .nothingToDraw(what: "second scatter series to join"))
    #expect(throws: PlotError.range(axis: "x", lower: 1, upper: 1)) {
      try DensityGrid(columns: 2, rows: 2, x: 1...1, y: 0...1)
    }
  }
}
