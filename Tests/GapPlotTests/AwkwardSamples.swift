import GapPlot

/// Names a figure for the arguments of a test.
struct NamedFigure: Sendable, CustomStringConvertible {
  let name: String
  let figure: Figure

  var description: String { name }
}

/// Data and words that strain a layout: one value, equal, huge, tiny, negative ones, long names, many series.
enum AwkwardSamples {
  /// Lists of values that have broken plotting programs before.
  struct Values: Sendable {
    let name: String
    let values: [Double]
  }

  static let values: [Values] = [
    Values(name: "one value", values: [0.25]),
    Values(name: "zero", values: [0]),
    Values(name: "all equal", values: Array(repeating: 0.7, count: 30)),
    Values(name: "two that nearly agree", values: [1, 1 + 1e-12]),
    Values(name: "huge", values: [-9e299, 1, 2e299, 9e299]),
    Values(name: "tiny", values: [1e-299, 3e-299, 7e-299]),
    Values(name: "negative", values: [-5, -4.5, -3, -0.001]),
    Values(name: "far from zero", values: [1e9, 1e9 + 1, 1e9 + 2]),
    Values(name: "outlier", values: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1e6]),
  ]

  static let longName =
    "projected image tokens of a run with a very long name, seed 3, before the alignment stage"
  static let longWord = "runs/2024-05-13_alignment-stage_clip-vit-large-patch14-336_lr1e-3_contrastive0.5_seed3"

  static var all: [NamedFigure] {
    values.flatMap { entry in
      charts(entry.values).map { NamedFigure(name: "\($0.name) of \(entry.name)", figure: $0.figure) }
    } + wordy + crowded
  }

  /// Every kind of chart from one list of values.
  private static func charts(_ values: [Double]) -> [NamedFigure] {
    let points = zip(values, values.reversed()).map { PlotPoint(x: $0, y: $1) }
    let others = points.map { PlotPoint(x: $0.y, y: $0.x) }
    let scatter = ScatterChart(
      series: [.init("image", points: points), .init("text", points: others)], xLabel: "PC 1", yLabel: "PC 2",
      joinsPairs: true)
    var density = scatter
    density.drawing = .density(cells: 40)
    let histogram = HistogramChart(
      series: [.init("paired", values: values), .init("unpaired", values: values.reversed())], xLabel: "cosine")
    let middle = values[values.count / 2]
    let line = LineChart(
      series: [.init("NTP", x: values.indices.map { Double($0) }, y: values, lower: values, upper: values)],
      x: PlotAxis("step"), y: PlotAxis("gap"), xReferences: [ReferenceLine(0, label: "start")],
      yReferences: [ReferenceLine(middle, label: "middle")])
    let bar = BarChart(
      groups: values.indices.map { "g\($0)" },
      series: [.init("NTP", values: values, lower: values, upper: values), .init("joint", values: values)],
      yLabel: "share", references: [ReferenceLine(middle, label: "chance")])
    return [
      NamedFigure(name: "scatter", figure: Figure([.scatter(scatter)])),
      NamedFigure(name: "density", figure: Figure([.scatter(density)])),
      NamedFigure(name: "histogram", figure: Figure([.histogram(histogram)])),
      NamedFigure(name: "line", figure: Figure([.line(line)])),
      NamedFigure(name: "bar", figure: Figure([.bar(bar)])),
      NamedFigure(
        name: "panels",
        figure: Figure(
          [.scatter(scatter), .histogram(histogram), .line(line), .bar(bar)], width: Figure.twoColumns)),
    ]
  }

  /// Long and strange words in every place for words.
  private static var wordy: [NamedFigure] {
    let words = [longName, longWord, "tab\tnewline\nbell\u{7}", "Ünïcödé 模型 → 😀", "", " "]
    return words.flatMap { word in
      wordy(word).map { NamedFigure(name: "\($0.name) named \(word.debugDescription)", figure: $0.figure) }
    }
  }

  private static func wordy(_ word: String) -> [NamedFigure] {
    let (images, texts) = Samples.clouds(20)
    let scatter = ScatterChart(
      title: word, series: [.init(word, points: images), .init(word + "2", points: texts)], xLabel: word,
      yLabel: word, annotations: [word, word])
    let histogram = HistogramChart(
      title: word, series: [.init(word, values: [1, 2, 2, 3]), .init(word + "2", values: [2, 3, 4])],
      xLabel: word, yLabel: word, annotations: [word])
    let line = LineChart(
      title: word, series: [.init(word, x: [1, 2, 3], y: [3, 2, 5])], x: PlotAxis(word), y: PlotAxis(word),
      xReferences: [ReferenceLine(1.5, label: word), ReferenceLine(1.6, label: word)],
      yReferences: [ReferenceLine(4, label: word), ReferenceLine(4.1, label: word)], annotations: [word])
    let bar = BarChart(
      title: word, groups: [word, word + "2", "short"],
      series: [.init(word, values: [1, 2, 3]), .init(word + "2", values: [3, 2, 1])], yLabel: word,
      references: [ReferenceLine(2, label: word)], annotations: [word])
    let panels: [Figure.Panel] = [.scatter(scatter), .histogram(histogram), .line(line), .bar(bar)]
    return zip(["scatter", "histogram", "line", "bar"], panels).map {
      NamedFigure(name: $0, figure: Figure([$1]))
    } + [
      NamedFigure(name: "panels", figure: Figure(panels, columns: 2, width: Figure.twoColumns)),
      NamedFigure(
        name: "shared axes",
        figure: Figure([.scatter(scatter), .scatter(scatter)], width: Figure.twoColumns, sharesAxes: true)),
    ]
  }

  /// More series, groups, references and panels than anyone should draw.
  private static var crowded: [NamedFigure] {
    let names = (1...20).map { "series \($0)" }
    let line = LineChart(
      series: names.enumerated().map { index, name in
        .init(name, x: [0, 1, 2], y: [0, 1, 4].map { $0 * Double(index) }, showsMarkers: true)
      }, x: PlotAxis("step"), y: PlotAxis("gap"),
      xReferences: (0..<9).map { ReferenceLine(1 + 0.01 * Double($0), label: "line \($0)") },
      yReferences: (0..<12).map { ReferenceLine(20 + 0.1 * Double($0), label: "level \($0)") })
    let scatter = ScatterChart(
      series: names.enumerated().map { index, name in
        .init(name, points: Samples.clouds(5, seed: UInt64(index)).images)
      }, xLabel: "x", yLabel: "y")
    let histogram = HistogramChart(
      series: names.enumerated().map { index, name in
        .init(name, values: Samples.normal(50, mean: Double(index), deviation: 1, seed: UInt64(index)))
      }, xLabel: "value")
    let bar = BarChart(
      groups: (1...40).map { "group \($0)" },
      series: [.init("one", values: (1...40).map { Double($0) })], yLabel: "share")
    let thick = BarChart(
      groups: ["only"], series: names.enumerated().map { .init($1, values: [Double($0) - 10]) },
      yLabel: "share")
    let panels: [Figure.Panel] = [
      .line(line), .scatter(scatter), .histogram(histogram), .bar(bar), .bar(thick),
    ]
    return zip(["lines", "clouds", "distributions", "groups", "bars"], panels).map {
      NamedFigure(name: "many \($0)", figure: Figure([$1]))
    } + [
      NamedFigure(
        name: "many panels",
        figure: Figure(
          (0..<30).map { .scatter(Samples.scatter(8, title: "panel \($0)")) }, width: Figure.twoColumns,
          sharesAxes: true)),
      NamedFigure(
        name: "legends in panels",
        figure: Figure(
          [.scatter(Samples.scatter(8)), .histogram(Samples.peak())], width: Figure.twoColumns,
          legend: .perPanel)),
    ]
  }
}

extension Samples {
  /// Every ordinary and every awkward figure.
  static let all: [NamedFigure] =
    ordinary.map { NamedFigure(name: $0.name, figure: $0.figure) } + AwkwardSamples.all
}
