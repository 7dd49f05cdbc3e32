import GapPlot
import Testing

@Suite struct FigureLayoutTests {
  /// The boxes of all type in a scene.
  static func boxes(_ scene: Scene) throws -> [(text: TextMark, role: Mark.Role, box: PlotRect)] {
    let measure = try TextMeasure()
    var boxes: [(text: TextMark, role: Mark.Role, box: PlotRect)] = []
    for mark in scene.marks {
      guard case .text(let text) = mark.shape else { continue }
      boxes.append((text, mark.role, try text.bounds(measure)))
    }
    return boxes
  }

  /// Rounding error of positions, in points.
  static let rounding = 1e-6

  @Test(arguments: Samples.all)
  func noTypeOverlapsOtherType(sample: NamedFigure) throws {
    let boxes = try Self.boxes(try sample.figure.scene())
    #expect(!boxes.isEmpty)
    for (index, one) in boxes.enumerated() {
      for other in boxes[(index + 1)...] where one.box.overlaps(other.box, tolerance: Self.rounding) {
        Issue.record("\(one.role) “\(one.text.string)” lies on \(other.role) “\(other.text.string)”")
      }
    }
  }

  @Test(arguments: Samples.all)
  func noTypeLeavesThePage(sample: NamedFigure) throws {
    let scene = try sample.figure.scene()
    let page = PlotRect(x: 0, y: 0, width: scene.width, height: scene.height)
    for (text, role, box) in try Self.boxes(scene) {
      let corners = [PlotPoint(x: box.x, y: box.y), PlotPoint(x: box.maxX, y: box.maxY)]
      #expect(
        corners.allSatisfy { page.contains($0, tolerance: Self.rounding) }, "\(role) “\(text.string)”: \(box)")
    }
  }

  /// Only numbers at bars stand inside a plot, and those beside their own bars.
  @Test(arguments: Samples.all)
  func noWordHidesData(sample: NamedFigure) throws {
    let scene = try sample.figure.scene()
    for (text, role, box) in try Self.boxes(scene) where role != .valueLabel {
      for panel in scene.panels {
        #expect(!box.overlaps(panel.plotArea, tolerance: Self.rounding), "\(role) “\(text.string)”")
      }
    }
    for panel in scene.panels {
      for mark in scene.marks(.legendKey) {
        for point in mark.shape.points { #expect(!panel.plotArea.contains(point), "legend key in the plot") }
      }
    }
  }

  @Test(arguments: Samples.all)
  func everythingDrawnHasAPlace(sample: NamedFigure) throws {
    let scene = try sample.figure.scene()
    #expect(scene.width == sample.figure.width)
    for mark in scene.marks {
      #expect(mark.shape.points.allSatisfy { $0.x.isFinite && $0.y.isFinite }, "\(mark.role)")
      if let panel = mark.panel { #expect(scene.panels.indices.contains(panel)) }
    }
    for panel in scene.panels {
      #expect(panel.plotArea.width >= 24 && panel.plotArea.height >= 24)
      #expect(panel.plotArea == scene.panels[0].plotArea.moved(to: panel.plotArea))
    }
  }

  @Test(arguments: Samples.all)
  func sameFigureGivesSameScene(sample: NamedFigure) throws {
    let scene = try sample.figure.scene()
    #expect(try sample.figure.scene() == scene)
  }

  /// A name that has to be broken is there to its last letter.
  @Test func longNamesAreBrokenAndNotCut() throws {
    let names = ["a", "b"].map { AwkwardSamples.longWord + $0 }
    let chart = LineChart(
      title: names[0], series: names.map { .init($0, x: [0, 1], y: [0, 1]) }, x: PlotAxis("x"), y: PlotAxis("y")
    )
    let scene = try Figure([.line(chart)]).scene()
    for name in names {
      let lines = scene.marks(.legendLabel, series: name).compactMap(\.string)
      #expect(lines.count > 1)
      #expect(lines.joined() == name)
    }
    #expect(scene.marks(.title).compactMap(\.string).joined() == names[0])
  }

  @Test func panelsHaveLettersInReadingOrder() throws {
    let scene = try Figure(
      (0..<5).map { .scatter(Samples.scatter(4, title: "panel \($0)")) }, columns: 2, width: 400
    ).scene()
    let letters = scene.marks(.panelLabel)
    #expect(letters.compactMap(\.string) == ["(a)", "(b)", "(c)", "(d)", "(e)"])
    #expect(letters.map(\.panel) == [0, 1, 2, 3, 4])
    let areas = scene.panels.map(\.plotArea)
    #expect(areas[0].maxX < areas[1].x && areas[0].y == areas[1].y)
    #expect(areas[0].maxY < areas[2].y && areas[0].x == areas[2].x)
    #expect(areas[4].x == areas[0].x)
  }

  @Test func sharedAxesShowTheSameRangesAndOneLegend() throws {
    let charts = [0.9, 0.1].map { Samples.scatter(50, gap: $0) }
    let shared = try Figure(charts.map { .scatter($0) }, width: 400, sharesAxes: true).scene()
    #expect(shared.panels[0].x.lower == shared.panels[1].x.lower)
    #expect(shared.panels[0].x.upper == shared.panels[1].x.upper)
    #expect(shared.panels[0].y.lower == shared.panels[1].y.lower)
    #expect(shared.marks(.legendLabel).compactMap(\.string) == ["image", "text"])
    let own = try Figure(charts.map { .scatter($0) }, width: 400).scene()
    #expect(own.panels[0].x.upper != own.panels[1].x.upper)
  }

  @Test func legendsFollowTheirPlacement() throws {
    let charts: [Figure.Panel] = [.scatter(Samples.scatter(9)), .histogram(Samples.cosines())]
    func panels(_ placement: Figure.LegendPlacement) throws -> [Int?] {
      try Figure(charts, width: 400, legend: placement).scene().marks(.legendLabel).map(\.panel)
    }
    #expect(try panels(.shared) == [nil, nil, nil, nil])
    #expect(try panels(.perPanel) == [0, 0, 1, 1])
    #expect(try panels(.hidden).isEmpty)
  }

  @Test func figuresWithoutRoomAreRefused() {
    for (width, height) in [(30, nil), (240, 40), (-1, nil), (.nan, nil), (1e6, nil), (240, .infinity)]
      as [(Double, Double?)]
    {
      #expect(throws: PlotError.self, "\(width) × \(height ?? 0)") {
        try Figure([.scatter(Samples.scatter(9))], width: width, height: height).scene()
      }
    }
    #expect(throws: PlotError.nothingToDraw(what: "figure panels")) { try Figure([]).scene() }
  }

  @Test func unlikeAxesCannotBeShared() {
    let panels: [Figure.Panel] = [.line(Samples.dimensions()), .line(Samples.curve())]
    #expect(throws: PlotError.incompatibleAxes) { try Figure(panels, width: 500, sharesAxes: true).scene() }
  }
}

extension PlotRect {
  /// A rectangle of the same size at the place of another.
  func moved(to other: PlotRect) -> PlotRect { PlotRect(x: other.x, y: other.y, width: width, height: height) }
}

extension Mark {
  /// The words of a mark, if it is type.
  var string: String? {
    if case .text(let text) = shape { return text.string }
    return nil
  }
}

extension Mark.Shape {
  /// Places that say where the shape lies.
  var points: [PlotPoint] {
    switch self {
    case .symbols(let batch): batch.centers
    case .polyline(let points, _): points
    case .area(let corners, _): corners
    case .rectangle(let rect, _): rect.corners
    case .segments(let segments, _): segments.flatMap { [$0.from, $0.to] }
    case .text(let text): [text.position]
    case .raster(let raster): raster.frame.corners
    }
  }
}

extension PlotRect {
  /// The upper left and the lower right corner.
  var corners: [PlotPoint] { [PlotPoint(x: x, y: y), PlotPoint(x: maxX, y: maxY)] }
}
