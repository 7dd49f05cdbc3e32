import GapLinearAlgebra
import GapMetrics
import GapTensorFiles

/// What a page of a comparison shows, as its script reads it.
struct ComparisonPageData: Encodable, Sendable {
  /// The comparison after one number of steps under one setting.
  struct Variant: Encodable, Sendable {
    let name: String
    let cards: [PageCard]
    let warnings: [PageWarning]
    let curves: [PageCurve]
    let bars: [PageBars]
  }

  let title: String
  let heading: String
  let version: String
  let schema: String
  let measured: String
  let seed: String
  let inputs: [String]
  let arms: [String]
  /// The first is shown first: the most steps.
  let variants: [Variant]
  let tables: [PageTable]
  let scatter: PageScatter?
  let thumbnails: PageThumbnails?

  init(_ report: ComparisonReport, labels: PairLabels, threads: Int) throws {
    let all = Self.variants(report)
    title = "Comparison: " + report.arms.joined(separator: ", ")
    heading = "Modality gap, compared"
    version = report.version ?? embeddingGapVersion
    schema = "embgap.compare/1"
    let pairs = labels.captions.map { ", \(Decimal.grouped($0.count)) held-out pairs" } ?? ""
    measured = report.summary + pairs
    seed = ComparisonReport.unique(report.runs.map { "\($0.seed)" }).joined(separator: ", ")
    inputs = Self.inputs(report)
    arms = report.arms
    variants = all
    tables = [Self.differences(report), Self.runs(report)].compactMap { $0 }
    var scatter = PageScatter(nil, labels: labels, training: report)
    let drawn = scatter?.members.flatMap { $0 } ?? []
    thumbnails =
      try drawn.isEmpty
      ? nil
      : labels.images.map {
        try PageThumbnails(
          of: $0, wanted: [], drawn: drawn, seed: UInt64(clamping: report.firstSeed),
          pool: WorkerPool(threads: threads))
      }
    if let thumbnails { scatter?.add(thumbnails) }
    self.scatter = scatter
  }

  /// The most variants that are shown.
  private static let variantLimit = 24

  private static func variants(_ report: ComparisonReport) -> [Variant] {
    let places = report.settings.flatMap { setting in
      report.budgets.reversed().map { (setting: setting, steps: $0) }
    }
    return places.prefix(variantLimit).map { setting, steps in
      let (cards, warnings) = ComparisonCards(report: report, steps: steps, setting: setting).all()
      return Variant(
        name: [setting, "\(steps) steps"].filter { !$0.isEmpty }.joined(separator: ", "), cards: cards,
        warnings: warnings, curves: PageCurve.all(report, steps: steps, setting: setting),
        bars: PageBars.all(report, steps: steps, setting: setting))
    }
  }

  private static func inputs(_ report: ComparisonReport) -> [String] {
    guard let root = report.configuration else { return [] }
    let keys = [
      ("model", ["checkpoint"]), ("vision encoder", ["vision"]), ("decoder", ["llm"]),
      ("features", ["features"]), ("trained on", ["pairs"]), ("held out", ["evaluation", "pairs"]),
      ("questions", ["evaluation", "questions"]),
    ]
    return keys.compactMap { name, path in
      path.reduce(Optional(root)) { $0?[$1] }?.text.map { "\(name): \($0)" }
    }
  }

  private static func differences(_ report: ComparisonReport) -> PageTable? {
    var rows: [[PageTable.Cell]] = []
    let hasSettings = report.settings.count > 1
    for (path, name) in report.quantities {
      for item in report.differences where item["quantity"]?.text == path {
        guard let arm = item["arm"]?.text, let steps = item["steps"]?.integer else { continue }
        let setting = ComparisonReport.setting(of: item)
        func mean(_ arm: String) -> Double? {
          SeedSummary(report.runs(arm, steps: steps, setting: setting).compactMap { $0.number(path) })?.mean
        }
        let ends = item["ci95"]?.items?.compactMap(\.number) ?? []
        let hasEnds = ends.count == 2
        rows.append(
          [.text(name.trimmingPrefix("  ").description), .text(arm)] + (hasSettings ? [.text(setting)] : []) + [
            .number(Double(steps), places: 0), .number(mean("ntp"), places: 3), .number(mean(arm), places: 3),
            .number(item["mean"]?.number, places: 3), .number(hasEnds ? ends[0] : nil, places: 3),
            .number(hasEnds ? ends[1] : nil, places: 3),
            .text(hasEnds ? (ends[0] > 0 ? "higher" : ends[1] < 0 ? "lower" : "not told apart") : "one seed"),
          ])
      }
    }
    guard !rows.isEmpty else { return nil }
    return PageTable(
      "differences", "Differences to ntp",
      says: "Means over seeds, the paired difference to ntp, and its 95% interval (Student's t over seeds).",
      columns: [("quantity", "Quantity", false), ("arm", "Arm", false)].map(column)
        + (hasSettings ? [column("setting", "Setting", false)] : [])
        + [
          ("steps", "Steps", true), ("ntp", "ntp", true), ("mean", "Arm’s mean", true),
          ("difference", "Difference", true), ("low", "Low", true), ("high", "High", true),
          ("verdict", "Against ntp", false),
        ].map(column), rows: rows, isGrouped: true)
  }

  private static func column(_ key: String, _ name: String, _ isNumber: Bool) -> PageTable.Column {
    PageTable.Column(key: key, name: name, isNumber: isNumber)
  }

  private static func runs(_ report: ComparisonReport) -> PageTable? {
    let main = report.mainReadout
    let quantities: [(key: String, name: String, path: String)] = [
      ("distance", "Centroid distance", "metrics.\(main).centroid_distance"),
      ("margin", "Matching margin", "metrics.\(main).matching_margin"),
      ("r1", "Image → text R@1", "metrics.\(main).retrieval.image_to_text.r1"),
      ("ntp_loss", "NTP loss", "evaluation.aligned.ntp_loss"),
      ("questions", "Questions, aligned", "evaluation.aligned.questions"),
      ("questions_instructed", "Questions, instructed", "evaluation.instructed.questions"),
    ].filter { quantity in report.runs.contains { $0.number(quantity.path) != nil } }
    let hasSettings = report.settings.count > 1
    let rows = report.runs.map { run -> [PageTable.Cell] in
      [.text(run.arm)] + (hasSettings ? [.text(run.setting)] : [])
        + [.number(Double(run.steps), places: 0), .number(Double(run.seed), places: 0)]
        + quantities.map { .number(run.number($0.path), places: 3) }
    }
    return PageTable(
      "runs", "Every run",
      says: "Distance, margin and R@1 at readout \(main). How long each took is in compare.json.",
      columns: [column("arm", "Arm", false)] + (hasSettings ? [column("setting", "Setting", false)] : [])
        + [column("steps", "Steps", true), column("seed", "Seed", true)]
        + quantities.map { column($0.key, $0.name, true) }, rows: rows, isGrouped: true)
  }
}
