import Foundation
import GapLinearAlgebra
import GapMetrics
import GapPlot
import GapReport
import Testing

@Suite struct GapFigureTests {
  static func drawable(_ measured: MeasuredPair, name: String = "a", report: GapReport? = nil) -> DrawableReport
  {
    DrawableReport(
      name: name, report: report ?? measured.report, details: measured.details,
      projections: (measured.projection.image + measured.projection.text, measured.projection.basis.count),
      varianceFractions: measured.projection.basis.varianceFractions)
  }

  static func words(_ scene: Scene, _ role: Mark.Role) -> [String] {
    scene.marks(role).compactMap { if case .text(let text) = $0.shape { text.string } else { nil } }
  }

  static func narrow() throws -> MeasuredPair {
    var plan = MeasuredPair.Plan()
    plan.gap = 0.1
    return try MeasuredPair(plan)
  }

  /// Those that are drawn from vectors, and need no model.
  static let ofVectors = GapFigure.allCases.filter { $0 != .layers }

  @Test(arguments: ofVectors)
  func everyFigureIsDrawnOfOneAndOfSeveral(figure: GapFigure) throws {
    let items = [Self.drawable(try MeasuredPair()), Self.drawable(try Self.narrow(), name: "b")]
    let one = try figure.figure(of: [items[0]]).scene()
    let two = try figure.figure(of: items).scene()
    #expect(one.panels.count == 1)
    #expect(one.width == Figure.oneColumn)
    let data: [Mark.Role] = [.point, .distribution, .line, .bar]
    let drawn = [one, two].map { scene in scene.marks.count { data.contains($0.role) } }
    #expect(drawn[0] > 0 && drawn[1] > drawn[0])
    #expect(try figure.figure(of: items).scene() == two)
  }

  @Test func theNumbersAboveAFigureAreThoseOfTheReport() throws {
    let measured = try MeasuredPair()
    let item = Self.drawable(measured)
    func number(_ key: String) throws -> String {
      NumberText.fixed(try #require(measured.report.metrics.number(key)), decimals: 3)
    }
    let gap = "gap \(try number("centroid_distance")), n 23, d 5"
    for figure in [GapFigure.pca, .dimensions, .shift] {
      #expect(Self.words(try figure.figure(of: [item]).scene(), .annotation).contains(gap), "\(figure)")
    }
    let margin = "margin \(try number("matching_margin")), n 23, d 5"
    #expect(Self.words(try GapFigure.cosines.figure(of: [item]).scene(), .annotation) == [margin])
    #expect(Self.words(try GapFigure.retrieval.figure(of: [item]).scene(), .annotation) == ["23 pairs"])
    let shift = Self.words(try GapFigure.shift.figure(of: [item]).scene(), .annotation)
    #expect(shift.contains("batch of 23, temperature 0.01"))
  }

  @Test func pcaShowsEveryRowAtItsProjection() throws {
    let measured = try MeasuredPair()
    let scene = try GapFigure.pca.figure(of: [Self.drawable(measured)]).scene()
    let k = measured.projection.basis.count
    for (name, values) in [("image", measured.projection.image), ("text", measured.projection.text)] {
      guard case .symbols(let batch) = scene.marks(.point, series: name).first?.shape else {
        Issue.record("no points of \(name)")
        continue
      }
      #expect(batch.centers.count == 23)
      for (row, center) in batch.centers.enumerated() {
        let place = scene.panels[0].position(of: PlotPoint(x: values[row * k], y: values[row * k + 1]))
        #expect(place == center)
      }
    }
    #expect(scene.marks(.pairLine).count == 1)
    let shares = measured.projection.basis.varianceFractions.prefix(2).enumerated().map {
      "PC \($0 + 1) (\(NumberText.fixed(100 * $1, decimals: 1))%)"
    }
    #expect(Self.words(scene, .axisLabel) == shares)
  }

  /// Above the limit, pairs are shown as densities, and still called pairs.
  @Test func manyPairsBecomeDensities() throws {
    let measured = try MeasuredPair()
    for (pairs, isDensity) in [(GapFigure.scatterLimit / 2, false), (GapFigure.scatterLimit / 2 + 1, true)] {
      var object = try #require(JSONSerialization.jsonObject(with: measured.report.json()) as? [String: Any])
      object["pairs"] = pairs
      let report = try JSONDecoder().decode(
        GapReport.self, from: JSONSerialization.data(withJSONObject: object))
      let item = DrawableReport(
        name: "many", report: report, details: measured.details,
        projections: ((0..<4 * pairs).map { Double($0 % 97) + ($0 < 2 * pairs ? 0 : 200) }, 2),
        varianceFractions: [0.5, 0.25])
      let scene = try GapFigure.pca.figure(of: [item]).scene()
      #expect(scene.marks(.density).count == (isDensity ? 2 : 0))
      #expect(
        Self.words(scene, .annotation).contains("density of \(NumberText.count(pairs)) pairs") == isDensity)
      #expect(scene.marks(.centroidLine).count == 2)
    }
  }

  @Test func cosinesAreMarkedAtTheExactMeans() throws {
    let measured = try MeasuredPair()
    let scene = try GapFigure.cosines.figure(of: [Self.drawable(measured)]).scene()
    let labels = Self.words(scene, .referenceLabel)
    for (name, key) in [("paired", "paired_cosine.mean"), ("unpaired", "unpaired_cosine.mean")] {
      let mean = try #require(measured.report.metrics.number(key))
      #expect(labels.contains("\(name): mean \(NumberText.significant(mean, digits: 3))"))
    }
  }

  @Test func dimensionsFallFromTheLargestAndStandOnZero() throws {
    let measured = try MeasuredPair()
    let scene = try GapFigure.dimensions.figure(of: [Self.drawable(measured)]).scene()
    guard case .polyline(let line, _) = scene.marks(.line).first?.shape else {
      Issue.record("no line")
      return
    }
    let sorted = measured.details.absoluteDifferences.sorted(by: >)
    #expect(line.count == sorted.count)
    for (index, place) in line.enumerated() {
      #expect(place == scene.panels[0].position(of: PlotPoint(x: Double(index + 1), y: sorted[index])))
    }
    #expect(scene.panels[0].y.lower == 0)
  }

  @Test func whatDiffersBetweenReportsIsNamed() throws {
    var plan = MeasuredPair.Plan()
    plan.count = 30
    plan.gap = 0.2
    let (first, second) = (try MeasuredPair(), try MeasuredPair(plan))
    let items = [Self.drawable(first), Self.drawable(second, name: "b")]
    func legend(_ figure: GapFigure) throws -> [String] {
      Self.words(try figure.figure(of: items).scene(), .legendLabel)
    }
    #expect(try legend(.retrieval) == ["a: 23 pairs", "b: 30 pairs"])
    #expect(try legend(.shift) == ["a (batch of 23)", "b (batch of 30)"])
    let gaps = try [first, second].map {
      NumberText.fixed(try #require($0.report.metrics.number("centroid_distance")), decimals: 3)
    }
    #expect(try legend(.dimensions) == ["a: gap \(gaps[0])", "b: gap \(gaps[1])"])
    let shift = try GapFigure.shift.figure(of: items).scene()
    #expect(Set(Self.words(shift, .referenceLabel)) == ["a", "b"])
  }

  @Test func reportsOfOneNameGoByTheirPaths() throws {
    let (first, second) = (try MeasuredPair(), try Self.narrow())
    try withDirectory { directory in
      let paths = ["/x/report", "/y/report", "/z"].map { directory + $0 }
      for (path, measured) in zip(paths, [first, second, first]) { try measured.write(to: path) }
      let items = try DrawableReport.all(directories: paths)
      #expect(items.map(\.name) == [paths[0], paths[1], "z"])
      #expect(items[1].report.pairs == 23)
      #expect(items[1].details == second.details)
      #expect(items[1].projections.values == second.projection.image + second.projection.text)
      #expect(items[0].basisIdentity == items[2].basisIdentity)
      #expect(items[0].basisIdentity != items[1].basisIdentity)
    }
  }

  @Test func aReportWithoutRecallsCannotShowThem() throws {
    let measured = try MeasuredPair()
    var object = try #require(JSONSerialization.jsonObject(with: measured.report.json()) as? [String: Any])
    object["metrics"] = ["linear_cka": 0.5]
    let report = try JSONDecoder().decode(GapReport.self, from: JSONSerialization.data(withJSONObject: object))
    let item = Self.drawable(measured, report: report)
    #expect(throws: ReportError.self) { try GapFigure.retrieval.figure(of: [item]) }
    #expect(
      Self.words(try GapFigure.pca.figure(of: [item]).scene(), .annotation) == ["gap undefined, n 23, d 5"])
  }

  @Test func layersAreDrawnWhereTheyAre() throws {
    let measured = try MeasuredPair()
    var extras = ReportExtras()
    let distances = [0.5, 0.9, 0.2]
    extras.metrics = [
      MetricEntry(
        "layers",
        .table(
          distances.map { [MetricEntry("centroid_distance", $0), MetricEntry("matching_margin", 0.1 - $0)] }))
    ]
    let report = GapReport(measured.measurement, inputs: [], extras: extras, seed: 0, seconds: 0)
    let item = Self.drawable(measured, report: report)
    #expect(GapFigure.layers.isPossible(for: report) && !GapFigure.layers.isPossible(for: measured.report))
    let scene = try GapFigure.layers.figure(of: [item]).scene()
    #expect(scene.panels.count == 2)
    let batches = scene.marks(.point).compactMap { mark in
      if case .symbols(let batch) = mark.shape { batch.centers } else { nil }
    }
    #expect(batches.map(\.count) == [3, 3])
    for (panel, centers) in batches.enumerated() {
      for (layer, center) in centers.enumerated() {
        let value = panel == 0 ? distances[layer] : 0.1 - distances[layer]
        #expect(center == scene.panels[panel].position(of: PlotPoint(x: Double(layer), y: value)))
      }
    }
    #expect(throws: ReportError.self) { try GapFigure.layers.figure(of: [Self.drawable(measured)]) }
  }
}
