import GapMetrics
import GapTensorFiles

/// A quantity against the step, a line an arm with its band over seeds.
struct PageCurve: Encodable, Sendable {
  struct Line: Encodable, Sendable {
    /// Number of the arm.
    let arm: Int
    let steps: [Double]
    let mean: [Double]
    /// Range over seeds; nil of a single run.
    let low: [Double]?
    let high: [Double]?
  }

  let name: String
  let title: String
  let says: String
  let unit: String
  let lines: [Line]

  /// The most places of a line.
  private static let placeLimit = 200

  /// The gap at each readout that a loss was put on, and the loss on held-out captions.
  static func all(_ report: ComparisonReport, steps: Int?, setting: String? = nil) -> [PageCurve] {
    var quantities: [(path: [String], name: String, unit: String)] = []
    for readout in ComparisonReport.unique([report.mainReadout] + report.trainedReadouts).prefix(2) {
      let slug = readout.replacing(":", with: "-")
      quantities += [
        (
          ["metrics", readout, "centroid_distance"], "centroid-distance-\(slug)",
          "centroid distance, \(readout)"
        ),
        (["metrics", readout, "matching_margin"], "matching-margin-\(slug)", "matching margin, \(readout)"),
      ]
    }
    quantities.append((["ntp_loss"], "ntp-loss", "NTP loss, held out"))
    let seeds = Set(report.runs.filter { steps == nil || $0.steps == steps }.map(\.seed)).count
    return quantities.compactMap { path, name, unit in
      let lines = report.arms.indices.compactMap { place in
        line(report.runs(report.arms[place], steps: steps, setting: setting), path, arm: place)
      }
      guard !lines.isEmpty else { return nil }
      return PageCurve(
        name: name, title: unit.prefix(1).uppercased() + unit.dropFirst(),
        says: seeds > 1 ? "Lines are means, bands the range of \(seeds) seeds." : "One seed.", unit: unit,
        lines: lines)
    }
  }

  private static func line(_ runs: [TrainingRecord], _ path: [String], arm: Int) -> Line? {
    guard let first = runs.first else { return nil }
    var points: [(step: Double, y: SeedSummary)] = []
    let stride = max(1, (first.curve.count + placeLimit - 1) / placeLimit)
    for (place, point) in first.curve.enumerated()
    where place % stride == 0 || place == first.curve.count - 1 {
      let values = runs.compactMap { place < $0.curve.count ? $0.curve[place].number(path) : nil }
      guard let step = point["step"]?.number, values.count == runs.count, values.allSatisfy(\.isFinite),
        let summary = SeedSummary(values)
      else { continue }
      points.append((step, summary))
    }
    guard !points.isEmpty else { return nil }
    return Line(
      arm: arm, steps: points.map(\.step), mean: points.map(\.y.mean),
      low: runs.count > 1 ? points.map(\.y.low) : nil, high: runs.count > 1 ? points.map(\.y.high) : nil)
  }
}

/// Groups of bars, a bar an arm.
struct PageBars: Encodable, Sendable {
  struct Bar: Encodable, Sendable {
    let arm: Int
    let mean: [Double]
    let low: [Double]?
    let high: [Double]?
  }

  /// A value that no arm decides.
  struct Reference: Encodable, Sendable {
    let name: String
    let value: Double
  }

  let name: String
  let title: String
  let says: String
  let unit: String
  let groups: [String]
  let bars: [Bar]
  let references: [Reference]

  /// Recall in both directions at the main readout, and questions right by their kind after each stage.
  static func all(_ report: ComparisonReport, steps: Int, setting: String) -> [PageBars] {
    let seeds = Set(report.runs.filter { $0.steps == steps }.map(\.seed)).count
    let says =
      seeds > 2
      ? "Whiskers: 95% interval over \(seeds) seeds." : seeds == 2 ? "Whiskers: range of 2 seeds." : "One seed."
    func bars(
      _ name: String, _ title: String, _ unit: String, _ groups: [(name: String, path: String)],
      _ references: [Reference] = []
    ) -> PageBars? {
      let bars = report.arms.indices.compactMap { place -> Bar? in
        let runs = report.runs(report.arms[place], steps: steps, setting: setting)
        let own = groups.compactMap { group in
          SeedSummary(runs.compactMap { $0.number(group.path) }.filter(\.isFinite))
        }
        guard own.count == groups.count, !own.isEmpty else { return nil }
        return Bar(
          arm: place, mean: own.map(\.mean),
          low: runs.count > 1 ? own.map { max(0, $0.interval.low) } : nil,
          high: runs.count > 1 ? own.map { min(1, $0.interval.high) } : nil)
      }
      guard !bars.isEmpty else { return nil }
      return PageBars(
        name: name, title: title, says: says, unit: unit, groups: groups.map(\.name), bars: bars,
        references: references)
    }
    let main = report.mainReadout
    let recalls = [("image_to_text", "image → text"), ("text_to_image", "text → image")].flatMap { key, name in
      ["r1", "r10"].map {
        (name: "\(name)\nR@\($0.dropFirst())", path: "metrics.\(main).retrieval.\(key).\($0)")
      }
    }
    let kinds = ComparisonReport.unique(report.runs.flatMap(\.kinds))
    let references = [("ceiling", report.ceiling), ("floor", report.floor)].compactMap { name, value in
      value?["questions"]?.number.map { Reference(name: name, value: $0) }
    }
    let stages = [("aligned", "after alignment"), ("instructed", "after instruction")]
    return
      ([bars("retrieval", "Found at first try and among ten, \(main)", "recall", recalls)]
      + stages.map { stage, name in
        bars(
          "questions-\(stage)", "Questions right, \(name)", "share right",
          [("all", "evaluation.\(stage).questions")]
            + kinds.map { ($0, "evaluation.\(stage).questions_\($0)") },
          report.settings.count == 1 ? references : [])
      }).compactMap { $0 }
  }
}
