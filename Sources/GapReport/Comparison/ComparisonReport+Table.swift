import GapMetrics
import GapTensorFiles

extension ComparisonReport {
  /// What the comparison found: means over seeds with paired differences, then every run.
  public var table: String {
    var lines: [String] = []
    for setting in settings {
      for steps in budgets { lines.append(summary(steps: steps, setting: setting)) }
    }
    lines.append(allRuns)
    lines.append(notes)
    return lines.joined(separator: "\n") + "\n"
  }

  /// Rows of the summary: path and what it is called.
  var quantities: [(path: String, name: String)] {
    var rows: [(String, String)] = []
    let readouts = ComparisonReport.unique(["input"] + trainedReadouts).filter { readout in
      runs[0].readouts.contains(readout)
    }
    for readout in readouts {
      rows += [
        ("metrics.\(readout).centroid_distance", "centroid distance, \(readout)"),
        ("metrics.\(readout).paired_cosine.mean", "paired cosine, \(readout)"),
        ("metrics.\(readout).matching_margin", "matching margin, \(readout)"),
        ("metrics.\(readout).standardized_centroid_distance", "distance over spread, \(readout)"),
        ("metrics.\(readout).centroid_separability", "centroid separability, \(readout)"),
        ("metrics.\(readout).linear_separability.accuracy", "linear separability, \(readout)"),
        ("metrics.\(readout).retrieval.image_to_text.r1", "image → text R@1, \(readout)"),
        ("metrics.\(readout).retrieval.text_to_image.r1", "text → image R@1, \(readout)"),
      ]
    }
    rows += [("evaluation.aligned.ntp_loss", "caption NTP loss")]
    for (stage, name) in [("aligned", "after alignment"), ("instructed", "after instruction")] {
      rows += [
        ("evaluation.\(stage).caption_exact_match", "captions exact, \(name)"),
        ("evaluation.\(stage).attribute_f1", "caption attributes F1, \(name)"),
        ("evaluation.\(stage).questions", "questions right, \(name)"),
      ]
      rows += ComparisonReport.unique(runs.flatMap(\.kinds)).map {
        ("evaluation.\(stage).questions_\($0)", "  \($0)")
      }
      rows.append(("evaluation.\(stage).choices", "among choices, \(name)"))
    }
    return rows.filter { row in runs.contains { $0.number(row.0) != nil } }
  }

  private func summary(steps: Int, setting: String) -> String {
    let shown = arms.filter { !runs($0, steps: steps, setting: setting).isEmpty }
    var table = TextTable(rightAligned: Set(1...(shown.count + 2)))
    let bounds = ceiling != nil && settings.count == 1
    table.add([""] + shown + (bounds ? ["ceiling", "floor"] : []))
    for (path, name) in quantities {
      let cells = shown.map { arm -> (String, String) in
        guard let own = SeedSummary(runs(arm, steps: steps, setting: setting).compactMap { $0.number(path) })
        else {
          return ("–", "")
        }
        return (Decimal.text(own.mean, places: 3), differenceText(arm, steps, setting, path))
      }
      func bound(_ value: JSONValue?) -> String {
        guard path.hasPrefix("evaluation."), let key = path.split(separator: ".").last else { return "" }
        return value?[String(key)]?.number.map { Decimal.text($0, places: 3) } ?? ""
      }
      table.add([name] + cells.map(\.0) + (bounds ? [bound(ceiling), bound(floor)] : []))
      if cells.contains(where: { !$0.1.isEmpty }) { table.add([""] + cells.map(\.1)) }
    }
    let count = Set(runs.filter { $0.steps == steps }.map(\.seed)).count
    let title =
      "\(setting.isEmpty ? "" : setting + ": ")\(steps) steps, \(count) \(count == 1 ? "seed" : "seeds")"
      + (differences.isEmpty ? "" : "; means, and under them the difference to ntp with its 95% interval")
    return title + "\n\n" + table.text + "\n"
  }

  /// The paired difference of an arm to `ntp`; nil where there is none.
  func difference(_ arm: String, _ steps: Int, _ setting: String, _ path: String) -> (
    mean: Double, interval: Interval?
  )? {
    let own = differences.first { item in
      let varied = (item["varied"]?.pairs ?? []).map { "\($0.key)=\($0.value.text ?? "")" }.joined(
        separator: ", ")
      return item["arm"]?.text == arm && item["steps"]?.integer == steps && item["quantity"]?.text == path
        && varied == setting
    }
    guard let mean = own?["mean"]?.number else { return nil }
    let ends = own?["ci95"]?.items?.compactMap(\.number) ?? []
    return (mean, ends.count == 2 ? Interval(low: ends[0], high: ends[1]) : nil)
  }

  private func differenceText(_ arm: String, _ steps: Int, _ setting: String, _ path: String) -> String {
    guard let (mean, interval) = difference(arm, steps, setting, path) else { return "" }
    let text = (mean > 0 ? "+" : "") + Decimal.text(mean, places: 2)
    guard let interval else { return text }
    return "\(text) [\(Decimal.text(interval.low, places: 2)), \(Decimal.text(interval.high, places: 2))]"
  }

  private var allRuns: String {
    var table = TextTable(rightAligned: Set(1...12))
    let main = mainReadout
    let columns: [(String, String)] = [
      ("distance", "metrics.\(main).centroid_distance"), ("margin", "metrics.\(main).matching_margin"),
      ("R@1", "metrics.\(main).retrieval.image_to_text.r1"), ("NTP loss", "evaluation.aligned.ntp_loss"),
      ("questions", "evaluation.aligned.questions"), ("instructed", "evaluation.instructed.questions"),
    ].filter { column in runs.contains { $0.number(column.1) != nil } }
    table.add(["arm", "steps", "seed"] + columns.map(\.0) + ["s/step"])
    for run in runs {
      table.add(
        [run.arm + (run.setting.isEmpty ? "" : " (\(run.setting))"), "\(run.steps)", "\(run.seed)"]
          + columns.map { run.number($0.1).map { Decimal.text($0, places: 3) } ?? "–" }
          + [run.secondsPerStep.map { Decimal.text($0, places: 3) } ?? "–"])
    }
    return "Every run; distance, margin and R@1 (image → text) at readout \(main)\n\n" + table.text + "\n"
  }

  private var notes: String {
    """
    ntp: next-token loss alone; joint: with the contrastive loss; joint-last: that at readout last; shuffled: joint with
    captions of other images in the contrastive loss, a control. ceiling: the decoder given a true caption in place of
    the image; floor: given nothing. Intervals cover projector start and order of the data, not the frozen models.
    """
  }
}
