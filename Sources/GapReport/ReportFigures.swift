import GapLinearAlgebra
import GapMetrics
public import GapPlot
import GapTensorFiles

/// The figures that a report can be drawn as.
public enum GapFigure: String, CaseIterable, Sendable {
  /// Both modalities on two principal components, pairs joined, centroids marked.
  case pca
  /// Paired against unpaired cosines.
  case cosines
  /// `|Δ|` dimension by dimension, largest first.
  case dimensions
  /// Contrastive loss as the modalities are moved along the gap.
  case shift
  /// Recall in both directions, with intervals.
  case retrieval
  /// Centroid distance and matching margin, layer by layer.
  case layers

  /// Whether a report holds what the figure is drawn from.
  public func isPossible(for report: GapReport) -> Bool {
    self != .layers || report.metrics.table("layers") != nil
  }
}

/// A report with the numbers that its figures are drawn from.
public struct DrawableReport: Sendable {
  /// What a legend or a panel calls it.
  public let name: String
  /// The report.
  public let report: GapReport
  /// Its details.
  public let details: GapDetails
  /// Places in the PCA basis, (2, n, components) row-major, and the number of components; empty when there are none.
  public let projections: (values: [Double], components: Int)
  /// Share of the variance along each component, 0…1.
  public let varianceFractions: [Double]
  /// What two reports on one PCA basis have in common: its variance shares, to the bit.
  public var basisIdentity: [Double] { varianceFractions }

  /// A report from its parts.
  public init(
    name: String, report: GapReport, details: GapDetails, projections: (values: [Double], components: Int),
    varianceFractions: [Double]
  ) {
    self.name = name
    self.report = report
    self.details = details
    self.projections = projections
    self.varianceFractions = varianceFractions
  }

  /// Reads several reports' directories, each under its last name, or under its whole path where others share that.
  ///
  /// - Throws: `ReportError`, `TensorFileError`.
  public static func all(directories: [String]) throws -> [DrawableReport] {
    let names = try directories.map { name(of: try ReportFiles.folder(of: $0)) }
    return try directories.indices.map { index in
      let isAlone = names.count { $0 == names[index] } == 1
      return try DrawableReport(directory: directories[index], name: isAlone ? nil : directories[index])
    }
  }

  private static func name(of folder: String) -> String {
    folder.split(separator: "/").last.map(String.init) ?? folder
  }

  /// Reads a report's directory.
  ///
  /// - Parameters:
  ///   - directory: the directory, or its `report.json`.
  ///   - name: what a legend calls it; nil for the directory's own name.
  /// - Throws: `ReportError`, `TensorFileError`.
  public init(directory: String, name: String? = nil) throws {
    report = try GapReport(path: directory)
    details = try GapDetails(besideReport: directory)
    let folder = try ReportFiles.folder(of: directory)
    self.name = name ?? Self.name(of: folder)
    let tensor = try TensorReference(path: folder + "/" + ReportFiles.projections).tensor()
    guard tensor.shape.count == 3, tensor.shape[0] == 2, tensor.shape[1] == report.pairs, tensor.shape[2] > 0
    else {
      throw ReportError.wrongLayout(
        path: tensor.path, expected: "an array of shape (2, \(report.pairs), components)",
        found: "(\(tensor.shape.map(String.init).joined(separator: ", ")))")
    }
    projections = (try tensor.elements(), tensor.shape[2])
    varianceFractions = try SavedBasis(path: folder + "/" + ReportFiles.basis).components.varianceFractions
  }

  /// Points of one side on two components.
  func points(side: Int, x: Int = 0, y: Int = 1) -> [PlotPoint] {
    let k = projections.components
    let n = report.pairs
    return (0..<n).map { i in
      let row = (side * n + i) * k
      return PlotPoint(x: projections.values[row + x], y: y < k ? projections.values[row + y] : 0)
    }
  }
}

extension GapFigure {
  /// Above this many points, a scatter is drawn as densities.
  public static let scatterLimit = 20_000

  /// Draws one or several reports, on shared axes.
  ///
  /// - Parameter reports: at least one.
  /// - Throws: `PlotError`, `ReportError.figureDataMissing`.
  public func figure(of reports: [DrawableReport]) throws -> Figure {
    switch self {
    case .pca: pca(reports)
    case .cosines: cosines(reports)
    case .dimensions: dimensions(reports)
    case .shift: try shift(reports)
    case .retrieval: try retrieval(reports)
    case .layers: try layers(reports)
    }
  }

  private func pca(_ reports: [DrawableReport]) -> Figure {
    let panels = reports.map { item in
      ScatterChart(
        title: reports.count > 1 ? item.name : nil,
        series: [
          .init("image", points: item.points(side: 0)), .init("text", points: item.points(side: 1)),
        ],
        xLabel: Self.axisLabel(0, item.varianceFractions), yLabel: Self.axisLabel(1, item.varianceFractions),
        annotations: [Self.summary(item.report)], joinsPairs: true,
        drawing: 2 * item.report.pairs <= Self.scatterLimit ? .all : .density(cells: 160))
    }
    return Figure(panels.map { .scatter($0) }, width: Self.width(reports.count), sharesAxes: reports.count > 1)
  }

  private static func axisLabel(_ component: Int, _ fractions: [Double]) -> String {
    guard component < fractions.count else { return "PC \(component + 1)" }
    return "PC \(component + 1) (\(NumberText.fixed(100 * fractions[component], decimals: 1))%)"
  }

  private func cosines(_ reports: [DrawableReport]) -> Figure {
    let panels = reports.map { item in
      HistogramChart(
        title: reports.count > 1 ? item.name : nil,
        series: [
          ("paired", item.details.perPair["paired_cosine"] ?? [], "paired_cosine.mean"),
          ("unpaired", item.details.unpairedCosines, "unpaired_cosine.mean"),
        ].filter { !$0.1.isEmpty }.map { label, values, key in
          HistogramChart.Series(label, values: values, mean: item.report.metrics.number(key))
        },
        xLabel: "cosine of image and text", annotations: [Self.marginSummary(item.report)])
    }
    return Figure(
      panels.map { .histogram($0) }, width: Self.width(reports.count), sharesAxes: reports.count > 1)
  }

  private func dimensions(_ reports: [DrawableReport]) -> Figure {
    let series = reports.map { item in
      let sorted = item.details.absoluteDifferences.sorted(by: >)
      return LineChart.Series(
        reports.count > 1 ? "\(item.name): \(Self.gap(item.report))" : "",
        x: sorted.indices.map { Double($0 + 1) }, y: sorted,
        showsMarkers: sorted.count <= 32)
    }
    // Magnitudes are compared by their distance from zero.
    let largest = series.flatMap(\.y).reduce(0, max)
    let chart = LineChart(
      series: series, x: PlotAxis("dimension, largest first", kind: .logarithmic),
      y: PlotAxis("|mean difference|", range: 0...(largest > 0 ? 1.05 * largest : 1)),
      annotations: reports.count > 1 ? [] : [Self.summary(reports[0].report), Self.concentration(reports[0])])
    return Figure([.line(chart)])
  }

  private func shift(_ reports: [DrawableReport]) throws -> Figure {
    for item in reports where item.details.shift.lambda.isEmpty {
      throw ReportError.figureDataMissing(
        path: item.name, figure: rawValue, reason: "the report holds no sweep")
    }
    let batches = Set(reports.map { Self.batch($0.details) })
    let temperatures = Set(reports.map { Self.temperature($0.details) })
    let series = reports.map { item in
      // What all curves share is written once above them.
      let own =
        (batches.count > 1 ? [Self.batch(item.details)] : [])
        + (temperatures.count > 1 ? [Self.temperature(item.details)] : [])
      let label = item.name + (own.isEmpty ? "" : " (\(own.joined(separator: ", ")))")
      return LineChart.Series(
        reports.count > 1 ? label : "", x: item.details.shift.distance, y: item.details.shift.loss,
        showsMarkers: true)
    }
    let shared =
      (batches.count == 1 ? Array(batches) : []) + (temperatures.count == 1 ? Array(temperatures) : [])
    let chart = LineChart(
      series: series, x: PlotAxis("signed centroid distance after the shift"), y: PlotAxis("contrastive loss"),
      xReferences: Self.measuredDistances(reports),
      annotations: (reports.count == 1 ? [Self.summary(reports[0].report)] : ["vertical lines: as measured"])
        + (shared.isEmpty ? [] : [shared.joined(separator: ", ")]))
    return Figure([.line(chart)])
  }

  /// The measured distance of each report, in the colour of its curve.
  private static func measuredDistances(_ reports: [DrawableReport]) -> [ReferenceLine] {
    reports.enumerated().compactMap { index, item in
      guard let distance = item.report.metrics.number("centroid_distance") else { return nil }
      return reports.count == 1
        ? ReferenceLine(distance, label: "as measured")
        : ReferenceLine(distance, label: item.name, color: SeriesStyle(index: index).color)
    }
  }

  private static func batch(_ details: GapDetails) -> String {
    "batch of \(NumberText.count(details.shiftBatch.pairs))"
  }

  private static func temperature(_ details: GapDetails) -> String {
    "temperature \(details.shiftBatch.temperature)"
  }

  private func retrieval(_ reports: [DrawableReport]) throws -> Figure {
    let recalls = [("r1", "R@1"), ("r5", "R@5"), ("r10", "R@10")]
    let directions = [("image_to_text", "image → text"), ("text_to_image", "text → image")]
    func series(_ label: String, _ report: GapReport, _ direction: String) throws -> BarChart.Series {
      let paths = recalls.map { "retrieval.\(direction).\($0.0)" }
      let values = paths.compactMap { report.metrics.number($0) }
      guard values.count == recalls.count else {
        throw ReportError.figureDataMissing(
          path: label, figure: rawValue, reason: "the report holds no recalls")
      }
      let intervals = paths.compactMap { report.intervals[$0] }
      let isComplete = intervals.count == recalls.count
      return BarChart.Series(
        label, values: values, lower: isComplete ? intervals.map(\.low) : nil,
        upper: isComplete ? intervals.map(\.high) : nil)
    }
    let panels: [BarChart]
    let galleries = Set(reports.map { Self.gallerySummary($0.report) })
    let annotations = galleries.count == 1 ? Array(galleries) : []
    if reports.count == 1 {
      panels = [
        BarChart(
          groups: recalls.map(\.1), series: try directions.map { try series($0.1, reports[0].report, $0.0) },
          yLabel: "recall", yRange: 0...1, annotations: annotations)
      ]
    } else {
      panels = try directions.map { direction in
        BarChart(
          title: direction.1, groups: recalls.map(\.1),
          series: try reports.map { item in
            // Recall falls as the gallery grows, so galleries of different sizes are named.
            let label = galleries.count == 1 ? item.name : "\(item.name): \(Self.gallerySummary(item.report))"
            return try series(label, item.report, direction.0)
          },
          yLabel: "recall", yRange: 0...1, annotations: annotations)
      }
    }
    return Figure(panels.map { .bar($0) }, width: Self.width(panels.count), sharesAxes: panels.count > 1)
  }

  private func layers(_ reports: [DrawableReport]) throws -> Figure {
    func panel(_ path: String, _ label: String) throws -> LineChart {
      let series = try reports.map { item in
        guard let layers = item.report.metrics.table("layers") else {
          throw ReportError.figureDataMissing(
            path: item.name, figure: rawValue,
            reason: "the report holds no layers (measure with --readout layers)")
        }
        let points = layers.enumerated().compactMap { layer, metrics in
          metrics.number(path).map { (Double(layer), $0) }
        }
        return LineChart.Series(
          reports.count > 1 ? item.name : "", x: points.map(\.0), y: points.map(\.1),
          showsMarkers: points.count <= 40)
      }
      let values = series.flatMap(\.y) + [0]
      let (low, high) = (values.min() ?? 0, values.max() ?? 1)
      let room = 0.05 * max(high - low, 1e-9)
      return LineChart(
        series: series, x: PlotAxis("layer"),
        y: PlotAxis(label, range: (low < 0 ? low - room : 0)...(high + room)),
        annotations: reports.count == 1 ? [Self.size(reports[0].report)] : [])
    }
    let panels = [
      try panel("centroid_distance", "centroid distance"), try panel("matching_margin", "matching margin"),
    ]
    return Figure(panels.map { .line($0) }, width: Self.width(panels.count))
  }

  private static func width(_ panels: Int) -> Double {
    switch panels {
    case 1: Figure.oneColumn
    case 2: Figure.oneAndHalfColumns
    default: Figure.twoColumns
    }
  }

  private static func summary(_ report: GapReport) -> String { "\(gap(report)), \(size(report))" }

  private static func gap(_ report: GapReport) -> String { "gap " + number("centroid_distance", report) }

  private static func marginSummary(_ report: GapReport) -> String {
    "margin \(number("matching_margin", report)), \(size(report))"
  }

  private static func size(_ report: GapReport) -> String {
    "n \(NumberText.count(report.pairs)), d \(NumberText.count(report.dimension))"
  }

  private static func number(_ key: String, _ report: GapReport) -> String {
    report.metrics.number(key).map { NumberText.fixed($0, decimals: 3) } ?? "undefined"
  }

  private static func gallerySummary(_ report: GapReport) -> String {
    let queries = report.sampled["retrieval.text_to_image"]
    return "\(NumberText.count(report.pairs)) pairs"
      + (queries.map { ", \(NumberText.count($0)) queries" } ?? "")
  }

  private static func concentration(_ item: DrawableReport) -> String {
    let squares = item.details.absoluteDifferences.map { $0 * $0 }.sorted(by: >)
    let total = squares.reduce(0, +)
    guard total > 0 else { return "no difference in any dimension" }
    var sum = 0.0
    let half = squares.firstIndex { square in
      sum += square
      return sum >= total / 2
    }
    let count = (half ?? 0) + 1
    return count == 1
      ? "1 dimension holds half of the squared gap" : "\(count) dimensions hold half of the squared gap"
  }
}
