import GapPlot

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Gives the same random numbers in every run.
struct SampleRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  mutating func normal() -> Double {
    let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &self))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }
}

/// Builds figures like those of papers, and awkward ones.
enum Samples {
  /// Two clouds `gap` apart whose points belong together one to one.
  static func clouds(_ count: Int, gap: Double = 0.85, seed: UInt64 = 1) -> (
    images: [PlotPoint], texts: [PlotPoint]
  ) {
    var random = SampleRandom(seed: seed)
    var (images, texts): ([PlotPoint], [PlotPoint]) = ([], [])
    for _ in 0..<count {
      let (x, y) = (random.normal() * 0.1, random.normal() * 0.16)
      images.append(PlotPoint(x: x - gap / 2, y: y))
      texts.append(
        PlotPoint(x: 0.6 * x + random.normal() * 0.06 + gap / 2, y: 0.7 * y + random.normal() * 0.08 + 0.05))
    }
    return (images, texts)
  }

  static func scatter(
    _ count: Int, gap: Double = 0.85, title: String? = nil, drawing: ScatterChart.Drawing = .automatic
  ) -> ScatterChart {
    let (images, texts) = clouds(count, gap: gap)
    return ScatterChart(
      title: title, series: [.init("image", points: images), .init("text", points: texts)],
      xLabel: "PC 1 (28.0%)", yLabel: "PC 2 (11.3%)",
      annotations: ["gap \(NumberText.fixed(gap, decimals: 3)), n \(NumberText.count(count)), d 512"],
      joinsPairs: true, drawing: drawing)
  }

  static func normal(_ count: Int, mean: Double, deviation: Double, seed: UInt64) -> [Double] {
    var random = SampleRandom(seed: seed)
    return (0..<count).map { _ in mean + deviation * random.normal() }
  }

  static func cosines() -> HistogramChart {
    HistogramChart(
      series: [
        .init("paired", values: normal(500, mean: 0.27, deviation: 0.03, seed: 2)),
        .init("unpaired", values: normal(20_000, mean: 0.12, deviation: 0.045, seed: 3)),
      ], xLabel: "cosine similarity")
  }

  static func peak() -> HistogramChart {
    HistogramChart(
      series: [
        .init("paired", values: normal(5000, mean: 0.93, deviation: 0.004, seed: 4)),
        .init("unpaired", values: normal(5000, mean: 0.915, deviation: 0.006, seed: 5)),
        .init("shuffled images", values: normal(5000, mean: 0.5, deviation: 0.15, seed: 6)),
      ], xLabel: "cosine similarity")
  }

  static func curve() -> LineChart {
    let steps = stride(from: 0.0, through: 1200, by: 50).map { $0 }
    let arms: [(String, Double, Double)] = [
      ("NTP", 0.82, 900), ("joint", 0.12, 250), ("joint, last token", 0.3, 300), ("shuffled", 0.75, 600),
    ]
    let series = arms.enumerated().map { index, arm in
      let mean = steps.map { arm.1 + (0.95 - arm.1) * exp(-$0 / arm.2) }
      let wiggle = steps.map { 0.02 + 0.02 * abs(sin($0 / 170 + Double(index))) }
      return LineChart.Series(
        arm.0, x: steps, y: mean, lower: zip(mean, wiggle).map { $0 - $1 },
        upper: zip(mean, wiggle).map { $0 + $1 })
    }
    return LineChart(
      series: series, x: PlotAxis("training step"), y: PlotAxis("centroid distance"),
      yReferences: [ReferenceLine(0.05, label: "matched clouds")], annotations: ["mean and range of 5 seeds"])
  }

  static func dimensions() -> LineChart {
    let ranks = (1...768).map { Double($0) }
    let values = ranks.map { 0.4 * pow($0, -0.7) + 1e-4 }
    let other = ranks.map { 0.12 * pow($0, -0.45) }
    return LineChart(
      series: [.init("NTP", x: ranks, y: values), .init("joint", x: ranks, y: other)],
      x: PlotAxis("dimension, by size of difference", kind: .logarithmic),
      y: PlotAxis("|mean difference|", kind: .logarithmic),
      xReferences: [ReferenceLine(24, label: "half of the gap")])
  }

  static func shift() -> LineChart {
    let shifts = stride(from: -1.0, through: 1.0, by: 0.125).map { $0 }
    return LineChart(
      series: [.init("", x: shifts, y: shifts.map { 2.1 + 1.8 * ($0 - 0.3) * ($0 - 0.3) }, showsMarkers: true)],
      x: PlotAxis("gap after shift"), y: PlotAxis("contrastive loss"),
      xReferences: [ReferenceLine(0.31, label: "measured gap"), ReferenceLine(0, label: "no gap")])
  }

  static func layers() -> LineChart {
    let layers = (0...24).map { Double($0) }
    return LineChart(
      series: [
        .init("NTP", x: layers, y: layers.map { 0.9 - 0.02 * $0 + 0.1 * sin($0 / 3) }, showsMarkers: true),
        .init("joint", x: layers, y: layers.map { 0.3 + 0.005 * $0 + 0.05 * cos($0 / 4) }, showsMarkers: true),
      ], x: PlotAxis("layer"), y: PlotAxis("centroid distance", range: 0...1))
  }

  static func retrieval() -> BarChart {
    func series(_ label: String, _ values: [Double]) -> BarChart.Series {
      .init(label, values: values, lower: values.map { $0 - 0.03 }, upper: values.map { min(1, $0 + 0.03) })
    }
    return BarChart(
      groups: ["R@1", "R@5", "R@10"],
      series: [series("image → text", [0.412, 0.681, 0.793]), series("text → image", [0.387, 0.655, 0.771])],
      yLabel: "recall", yRange: 0...1, references: [ReferenceLine(0.02, label: "chance (R@10)")])
  }

  static func questions() -> BarChart {
    let groups = ["all", "colour", "shape", "count", "position", "relation"]
    let arms: [(String, [Double])] = [
      ("NTP", [0.61, 0.78, 0.66, 0.41, 0.55, 0.5]), ("joint", [0.63, 0.8, 0.7, 0.44, 0.56, 0.49]),
      ("joint, last token", [0.62, 0.79, 0.69, 0.42, 0.57, 0.51]),
      ("shuffled", [0.52, 0.6, 0.55, 0.37, 0.5, 0.48]),
    ]
    return BarChart(
      groups: groups,
      series: arms.map { arm in
        .init(arm.0, values: arm.1, lower: arm.1.map { $0 - 0.02 }, upper: arm.1.map { $0 + 0.025 })
      },
      yLabel: "share of questions answered right",
      references: [
        ReferenceLine(0.95, label: "ceiling 0.95"), ReferenceLine(0.34, label: "floor 0.34 (text only)"),
      ])
  }

  /// Every kind of picture as a paper would use it.
  static var ordinary: [(name: String, figure: Figure)] {
    [
      ("pca-500", Figure([.scatter(scatter(500))])),
      ("pca-50", Figure([.scatter(scatter(50, gap: 0.3, title: "SmolVLM, input readout"))])),
      ("pca-50000", Figure([.scatter(scatter(50_000))])),
      ("pca-sample", Figure([.scatter(scatter(50_000, drawing: .sample(5000)))])),
      (
        "pca-panels",
        Figure(
          [
            .scatter(scatter(500, gap: 0.9, title: "before")), .scatter(scatter(500, gap: 0.4, title: "NTP")),
            .scatter(scatter(500, gap: 0.1, title: "joint")),
          ], width: Figure.twoColumns, sharesAxes: true)
      ),
      (
        "pca-two",
        Figure(
          [
            .scatter(scatter(300, gap: 0.9, title: "next token only")),
            .scatter(scatter(300, gap: 0.1, title: "joint")),
          ], sharesAxes: true)
      ),
      ("cosines", Figure([.histogram(cosines())])), ("cosines-peak", Figure([.histogram(peak())])),
      ("curve", Figure([.line(curve())])), ("dimensions", Figure([.line(dimensions())])),
      ("shift", Figure([.line(shift())])), ("layers", Figure([.line(layers())])),
      ("retrieval", Figure([.bar(retrieval())])), ("questions", Figure([.bar(questions())])),
      ("questions-wide", Figure([.bar(questions())], width: Figure.twoColumns, height: 200)),
      (
        "mixed",
        Figure(
          [.scatter(scatter(400)), .histogram(cosines()), .line(curve()), .bar(retrieval())], columns: 2,
          width: Figure.twoColumns)
      ),
    ]
  }
}
