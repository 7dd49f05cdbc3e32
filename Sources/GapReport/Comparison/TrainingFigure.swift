import GapLinearAlgebra
import GapMetrics
public import GapPlot
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The figures of training runs side by side.
public enum TrainingFigure: String, CaseIterable, Sendable {
  /// Gap and loss against the step, every arm, bands over seeds.
  case curve
  /// Both modalities before and after training, on one basis.
  case pca
  /// Recall in both directions at the end of the first stage.
  case retrieval
  /// Questions answered right after each stage.
  case questions
  /// What the varied keys make of the gap and of what it is good for.
  case sweep

  /// Whether the runs hold what the figure is drawn from.
  public func isPossible(for report: ComparisonReport) -> Bool {
    switch self {
    case .curve, .retrieval: report.settings.count == 1
    case .pca:
      report.settings.count == 1
        && report.folders.allSatisfy {
          FileManager.default.fileExists(atPath: $0.path + "/" + ComparisonReport.vectorsFile)
        }
    case .questions:
      report.settings.count == 1 && report.runs.allSatisfy { $0.number("evaluation.aligned.questions") != nil }
    case .sweep: report.settings.count > 1
    }
  }

  /// Draws the runs.
  ///
  /// - Throws: `PlotError`, `ReportError`, `TensorFileError`, `MetricError`.
  public func figure(of report: ComparisonReport) throws -> Figure {
    switch self {
    case .curve: curve(report)
    case .pca: try pca(report)
    case .retrieval: retrieval(report)
    case .questions: questions(report)
    case .sweep: sweep(report)
    }
  }

  // MARK: Curves

  /// A row of panels a budget: the gap at each readout that a loss was put on, and the loss on held-out captions.
  private func curve(_ report: ComparisonReport) -> Figure {
    let readouts = ComparisonReport.unique([report.mainReadout] + report.trainedReadouts).prefix(2)
    var quantities: [(path: String, label: String, place: String)] = []
    for readout in readouts {
      quantities.append(("metrics.\(readout).centroid_distance", "centroid distance", readout))
      quantities.append(("metrics.\(readout).matching_margin", "matching margin", readout))
    }
    quantities.append(("ntp_loss", "NTP loss", "held out"))
    // Several budgets are columns, each with all quantities below each other.
    let columns = budgets(report)
    let panels = quantities.flatMap { quantity in
      columns.map { chart(report, $0, quantity.path, quantity.label, at: quantity.place) }
    }
    var figure = Figure(panels.map { .line($0) }, width: Figure.twoColumns)
    figure.columns = columns.count > 1 ? columns.count : 3
    return figure
  }

  private func chart(
    _ report: ComparisonReport, _ budget: Int?, _ path: String, _ label: String, at place: String
  ) -> LineChart {
    let keys = path.split(separator: ".").map(String.init)
    let arms = report.arms.filter { !report.runs($0, steps: budget).isEmpty }
    let series = arms.map { arm in
      let runs = report.runs(arm, steps: budget)
      var points: [(x: Double, y: SeedSummary)] = []
      for place in runs[0].curve.indices {
        guard let step = runs[0].curve[place]["step"]?.number,
          let summary = SeedSummary(
            runs.compactMap { run in
              place < run.curve.count ? run.curve[place].number(keys) : nil
            })
        else { continue }
        points.append((step, summary))
      }
      let hasBand = runs.count > 1
      return LineChart.Series(
        arm, x: points.map(\.x), y: points.map(\.y.mean), lower: hasBand ? points.map(\.y.low) : nil,
        upper: hasBand ? points.map(\.y.high) : nil, showsMarkers: points.count <= 12,
        style: SeriesStyle(index: report.arms.firstIndex(of: arm) ?? 0))
    }
    let seeds = report.seeds
    // Distances and losses are compared by their distance from zero.
    var values = [0.0]
    for own in series { values += own.y + (own.lower ?? []) + (own.upper ?? []) }
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let room = 0.05 * max(high - low, 1e-9)
    return LineChart(
      title: place + (budget.map { ", \($0) steps" } ?? ""), series: series, x: PlotAxis("step"),
      y: PlotAxis(label, range: (low < 0 ? low - room : 0)...(high + room)),
      annotations: report.runs.count > report.arms.count && seeds > 1 ? ["band: range of \(seeds) seeds"] : [])
  }

  // MARK: Before and after

  private func pca(_ report: ComparisonReport) throws -> Figure {
    var panels: [(title: String, image: [Float], text: [Float], width: Int)] = []
    for (folder, name) in report.folders {
      let path = folder + "/" + ComparisonReport.vectorsFile
      let file = try TensorFile(path: path)
      let names = file.tensors.map(\.name)
      let readout =
        names.contains { $0.hasPrefix(report.mainReadout + "/") }
        ? report.mainReadout : names.first?.split(separator: "/").first.map(String.init) ?? "input"
      func vectors(_ moment: String, _ side: String) throws -> (numbers: [Float], width: Int)? {
        let own = "\(readout)/\(moment)/\(side)"
        let shared = "\(readout)/start/\(side)"
        guard let name = [own, shared].first(where: names.contains) else { return nil }
        let tensor = try file.tensor(named: name)
        guard tensor.shape.count == 2 else {
          throw ReportError.wrongLayout(path: path, expected: "vectors in rows", found: "\(tensor.shape)")
        }
        return (try tensor.elements(), tensor.shape[1])
      }
      let largest = report.budgets.last ?? 0
      let moments = ComparisonReport.unique(
        names.compactMap { name in
          let parts = name.split(separator: "/").map(String.init)
          return parts.count == 3 && parts[0] == readout ? parts[1] : nil
        }
      ).filter { $0 == "start" || $0.hasSuffix(" \(largest) steps") || name != nil }
      for moment in moments {
        guard let image = try vectors(moment, "image"), let text = try vectors(moment, "text") else { continue }
        let own = moment == "start" ? "before training" : moment
        guard image.width == text.width, image.width > 1 else {
          throw ReportError.wrongLayout(
            path: path, expected: "image and text vectors of one width, at least 2",
            found: "\(image.width) and \(text.width)")
        }
        panels.append((name.map { "\($0): \(own)" } ?? own, image.numbers, text.numbers, image.width))
      }
    }
    guard let width = panels.first?.width, panels.allSatisfy({ $0.width == width }) else {
      throw ReportError.figureDataMissing(
        path: report.folders.first?.path ?? "", figure: rawValue,
        reason: "vectors of different widths have no common basis")
    }
    func pair(_ image: [Float], _ text: [Float]) throws -> EmbeddingPair {
      try EmbeddingPair(
        image: EmbeddingMatrix(image.map(Double.init), dimension: width, label: "image"),
        text: EmbeddingMatrix(text.map(Double.init), dimension: width, label: "text"))
    }
    let basis = try GapProjection.basis(of: pair(panels.flatMap(\.image), panels.flatMap(\.text)), count: 2)
    guard basis.count > 1 else {
      throw ReportError.figureDataMissing(
        path: report.folders.first?.path ?? "", figure: rawValue, reason: "the vectors lie on one line")
    }
    let charts = try panels.map { panel in
      let own = try pair(panel.image, panel.text)
      let projection = try GapProjection(of: own, basis: basis)
      func points(_ values: [Double]) -> [PlotPoint] {
        (0..<own.count).map { PlotPoint(x: values[$0 * basis.count], y: values[$0 * basis.count + 1]) }
      }
      let gap = try CentroidGap(of: own).distance
      return ScatterChart(
        title: panel.title,
        series: [
          .init("image", points: points(projection.image)), .init("text", points: points(projection.text)),
        ],
        xLabel: axis(0, basis.varianceFractions), yLabel: axis(1, basis.varianceFractions),
        annotations: ["gap \(NumberText.fixed(gap, decimals: 3)), n \(own.count)"],
        joinsPairs: true, drawing: .all)
    }
    var figure = Figure(charts.map { .scatter($0) }, width: Figure.twoColumns, sharesAxes: true)
    figure.columns = charts.count > 4 ? 3 : nil
    return figure
  }

  private func axis(_ component: Int, _ fractions: [Double]) -> String {
    "PC \(component + 1) (\(NumberText.fixed(100 * fractions[component], decimals: 1))%)"
  }

  // MARK: Bars

  /// Bars of every arm: means over seeds and their intervals.
  private func bars(
    _ report: ComparisonReport, _ budget: Int?, title: String?, groups: [String], paths: [String],
    yLabel: String,
    references: [ReferenceLine] = []
  ) -> BarChart {
    let series = report.arms.compactMap { arm -> BarChart.Series? in
      let runs = report.runs(arm, steps: budget)
      let own = paths.compactMap { path in SeedSummary(runs.compactMap { $0.number(path) }) }
      guard own.count == paths.count else { return nil }
      let hasRange = runs.count > 1
      return BarChart.Series(
        arm, values: own.map(\.mean), lower: hasRange ? own.map { max(0, $0.interval.low) } : nil,
        upper: hasRange ? own.map { min(1, $0.interval.high) } : nil,
        color: SeriesStyle(index: report.arms.firstIndex(of: arm) ?? 0).color)
    }
    return BarChart(
      title: title, groups: groups, series: series, yLabel: yLabel, yRange: 0...1, references: references,
      valueDecimals: nil,
      annotations: report.runs.count > report.arms.count && report.seeds > 1
        ? [report.seeds > 2 ? "whiskers: 95% interval, \(report.seeds) seeds" : "whiskers: range of 2 seeds"]
        : [])
  }

  private func budgets(_ report: ComparisonReport) -> [Int?] {
    report.ceiling == nil ? [nil] : report.budgets.map { Optional($0) }
  }

  private func retrieval(_ report: ComparisonReport) -> Figure {
    let recalls = [("r1", "R@1"), ("r5", "R@5"), ("r10", "R@10")]
    var panels: [BarChart] = []
    for budget in budgets(report) {
      for readout in ComparisonReport.unique([report.mainReadout] + report.trainedReadouts).prefix(2) {
        for (key, name) in [("image_to_text", "image → text"), ("text_to_image", "text → image")] {
          let steps = budget.map { ", \($0) steps" } ?? ""
          panels.append(
            bars(
              report, budget, title: "\(name), \(readout)\(steps)", groups: recalls.map(\.1),
              paths: recalls.map { "metrics.\(readout).retrieval.\(key).\($0.0)" }, yLabel: "recall"))
        }
      }
    }
    var figure = Figure(panels.map { .bar($0) }, width: Figure.twoColumns)
    figure.columns = 2
    return figure
  }

  private func questions(_ report: ComparisonReport) -> Figure {
    let kinds = ComparisonReport.unique(report.runs.flatMap(\.kinds))
    let stages = [("aligned", "after alignment"), ("instructed", "after instruction")].filter { stage in
      report.runs.allSatisfy { $0.number("evaluation.\(stage.0).questions") != nil }
    }
    let references = [("ceiling", report.ceiling), ("floor", report.floor)].compactMap { name, value in
      value?["questions"]?.number.map { ReferenceLine($0, label: name) }
    }
    let panels = budgets(report).flatMap { budget in
      stages.map { stage, name in
        bars(
          report, budget, title: name + (budget.map { ", \($0) steps" } ?? ""), groups: ["all"] + kinds,
          paths: ["evaluation.\(stage).questions"] + kinds.map { "evaluation.\(stage).questions_\($0)" },
          yLabel: "questions right", references: references)
      }
    }
    var figure = Figure(panels.map { .bar($0) }, width: Figure.twoColumns)
    figure.columns = panels.count > 1 ? 2 : 1
    return figure
  }

  /// A panel a quantity: groups are settings, bars are arms; each at its own readout.
  private func sweep(_ report: ComparisonReport) -> Figure {
    let budget = report.budgets.last
    func panel(_ label: String, _ path: (TrainingRecord) -> String) -> BarChart? {
      let series = report.arms.compactMap { arm -> BarChart.Series? in
        let own = report.settings.compactMap { setting in
          SeedSummary(report.runs(arm, steps: budget, setting: setting).compactMap { $0.number(path($0)) })
        }
        guard own.count == report.settings.count else { return nil }
        let hasRange = report.seeds > 1
        return BarChart.Series(
          arm, values: own.map(\.mean), lower: hasRange ? own.map(\.interval.low) : nil,
          upper: hasRange ? own.map(\.interval.high) : nil,
          color: SeriesStyle(index: report.arms.firstIndex(of: arm) ?? 0).color)
      }
      guard !series.isEmpty else { return nil }
      return BarChart(
        groups: report.settings.map(Self.short), series: series, yLabel: label, valueDecimals: nil)
    }
    // An arm without a contrastive loss is read where the others of its setting are.
    func readout(_ run: TrainingRecord) -> String {
      run.readout ?? report.runs.first { $0.setting == run.setting && $0.readout != nil }?.readout ?? "input"
    }
    let panels = [
      panel("centroid distance") { "metrics.\(readout($0)).centroid_distance" },
      panel("matching margin") { "metrics.\(readout($0)).matching_margin" },
      panel("image → text R@1") { "metrics.\(readout($0)).retrieval.image_to_text.r1" },
      panel("NTP loss, held out") { _ in "evaluation.aligned.ntp_loss" },
      panel("questions, after alignment") { _ in "evaluation.aligned.questions" },
      panel("questions, after instruction") { _ in "evaluation.instructed.questions" },
    ].compactMap { $0 }
    var figure = Figure(panels.map { .bar($0) }, width: Figure.twoColumns)
    figure.columns = 2
    return figure
  }

  /// A setting without its keys' sections and its values' folders.
  private static func short(_ setting: String) -> String {
    setting.components(separatedBy: ", ").map { part in
      let value = part.split(separator: "=", maxSplits: 1).last.map(String.init) ?? part
      return value.split(separator: "/").last.map(String.init) ?? value
    }.joined(separator: ", ")
  }
}
