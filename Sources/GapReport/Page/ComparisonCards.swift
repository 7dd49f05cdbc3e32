import GapMetrics
import GapTensorFiles

/// The numbers that matter of a comparison, after one number of steps under one setting.
struct ComparisonCards {
  let report: ComparisonReport
  let steps: Int
  let setting: String

  /// What differs from `ntp` and whether that can be told.
  private struct Difference {
    let arm: String
    let mean: Double
    let interval: Interval?

    /// Whether the interval leaves no doubt about the sign.
    var isSure: Bool { interval.map { $0.low > 0 || $0.high < 0 } ?? false }
  }

  private var arms: [String] {
    report.arms.filter { !report.runs($0, steps: steps, setting: setting).isEmpty }
  }
  private var seeds: Int { Set(report.runs.filter { $0.steps == steps }.map(\.seed)).count }

  /// Gap, margin and questions; with what a careful reviewer would raise.
  func all() -> (cards: [PageCard], warnings: [PageWarning]) {
    let warnings = warnings()
    return ([gap(warnings), margin(warnings), questions(warnings)].compactMap { $0 }, warnings)
  }

  // MARK: Cards

  private func gap(_ warnings: [PageWarning]) -> PageCard? {
    let path = "metrics.input.centroid_distance"
    guard let base = mean(path, arms.first ?? "") else { return nil }
    let values = arms.compactMap { value(path, $0, scale: 0...2) }
    let meaning = sentence(
      path, better: { $0.mean < 0 },
      sure: { difference in
        let share = difference.mean.magnitude / max(base, 1e-12)
        return difference.mean < 0
          ? "closes \(PageCard.percent(share)) of the gap that ntp leaves"
          : "widens the gap that ntp leaves by \(PageCard.percent(share))"
      })
    return PageCard(
      "Gap at input: distance of the centres", values, ends: ["0: one centre", "2: opposite"],
      meaning: meaning, warnings)
  }

  private func margin(_ warnings: [PageWarning]) -> PageCard? {
    let path = "metrics.input.matching_margin"
    let values = arms.compactMap { value(path, $0, scale: -0.1...1) }
    guard !values.isEmpty else { return nil }
    var meaning = sentence(
      path, better: { $0.mean > 0 },
      sure: {
        $0.mean > 0
          ? "brings pairs nearer than strangers by \(Decimal.text($0.mean, places: 3)) more than ntp"
          : "brings pairs \(Decimal.text(-$0.mean, places: 3)) less near than ntp"
      })
    let recalls = arms.compactMap { arm in
      mean("metrics.input.retrieval.text_to_image.r1", arm).map { "\(arm) \(PageCard.percent($0))" }
    }
    if !recalls.isEmpty {
      meaning += " Texts that find their image at first try: \(recalls.joined(separator: ", "))."
    }
    return PageCard(
      "Margin of matching pairs at input", values, ends: ["−0.1", "1"], meaning: meaning,
      concerns: ["metrics.input.retrieval"], warnings)
  }

  private func questions(_ warnings: [PageWarning]) -> PageCard? {
    for (stage, name) in [("instructed", "after instruction"), ("aligned", "after alignment")] {
      let path = "evaluation.\(stage).questions"
      let values = arms.compactMap { value(path, $0, scale: 0...1) }
      guard !values.isEmpty else { continue }
      var meaning = sentence(
        path, better: { $0.mean > 0 },
        sure: {
          "answers \(Decimal.text($0.mean.magnitude * 100, places: 1)) percentage points "
            + ($0.mean > 0 ? "more questions right than ntp" : "fewer questions right than ntp")
        })
      let bounds = [("given nothing", report.floor), ("given true captions", report.ceiling)].compactMap {
        name, value in value?["questions"]?.number.map { "\(name) \(PageCard.percent($0))" }
      }
      if report.settings.count == 1, !bounds.isEmpty {
        meaning += " The decoder alone: \(bounds.joined(separator: ", "))."
      }
      return PageCard(
        "Questions right, \(name)", values, ends: ["0: none", "1: all"], meaning: meaning, warnings)
    }
    return loss(warnings)
  }

  private func loss(_ warnings: [PageWarning]) -> PageCard? {
    let path = "evaluation.aligned.ntp_loss"
    let most = arms.compactMap { mean(path, $0) }.max() ?? 1
    let values = arms.compactMap { value(path, $0, scale: 0...max(most * 1.2, 1e-9)) }
    guard !values.isEmpty else { return nil }
    return PageCard(
      "NTP loss on held-out captions", values, ends: ["0", Decimal.text(most * 1.2, places: 2)],
      meaning: sentence(
        path, better: { $0.mean < 0 },
        sure: {
          "\($0.mean < 0 ? "lowers" : "raises") the loss by \(Decimal.text($0.mean.magnitude, places: 3))"
        }), warnings)
  }

  // MARK: Words

  /// What each arm does against `ntp`: those that surely differ, then those that cannot be told from it.
  private func sentence(
    _ path: String, better: (Difference) -> Bool, sure: (Difference) -> String
  ) -> String {
    let all = differences(path)
    guard !all.isEmpty else {
      return arms.contains("ntp")
        ? "ntp stands alone: there is no other arm." : "Without ntp nothing is compared."
    }
    let certain = all.filter(\.isSure)
    var parts = certain.map { difference in
      "\(difference.arm) \(sure(difference))" + (better(difference) ? "" : ", which is worse")
    }
    let open = all.filter { !$0.isSure }
    if !open.isEmpty {
      let names = Self.list(open.map(\.arm))
      if open.allSatisfy({ $0.interval == nil }) {
        let moves = Self.list(
          open.map { "\($0.arm) is \(Self.signed($0.mean)) \(better($0) ? "(better)" : "(not better)")" })
        parts.append("\(moves) against ntp, but one seed cannot tell that from chance")
      } else {
        parts.append(
          "\(names) cannot be told from ntp with \(seeds) seeds: the "
            + (open.count == 1 ? "interval of its difference holds 0" : "intervals of their differences hold 0")
        )
      }
    }
    let text = parts.joined(separator: "; ") + "."
    return text.prefix(1).uppercased() == text.prefix(1) ? text : "After \(steps) steps " + text
  }

  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }

  static func signed(_ value: Double, places: Int = 3) -> String {
    let text = Decimal.text(value.magnitude, places: places)
    let isZero = !text.contains { $0 != "0" && $0 != "." }
    return isZero ? text : (value < 0 ? "−" : "+") + text
  }

  // MARK: Numbers

  private func mean(_ path: String, _ arm: String) -> Double? {
    SeedSummary(numbers(path, arm))?.mean
  }

  private func numbers(_ path: String, _ arm: String) -> [Double] {
    report.runs(arm, steps: steps, setting: setting).compactMap { $0.number(path) }.filter(\.isFinite)
  }

  private func value(_ path: String, _ arm: String, scale: ClosedRange<Double>) -> PageCard.Value? {
    guard let own = SeedSummary(numbers(path, arm)) else { return nil }
    func place(_ x: Double) -> Double {
      min(max((x - scale.lowerBound) / (scale.upperBound - scale.lowerBound), 0), 1)
    }
    let difference = differences(path).first { $0.arm == arm }
    let text = difference.map { difference in
      Self.signed(difference.mean)
        + (difference.interval.map {
          " [\(Self.signed($0.low)), \(Self.signed($0.high))]"
        } ?? "") + " to ntp"
    }
    return PageCard.Value(
      path: path, label: arm, text: Decimal.text(own.mean, places: 3), interval: text ?? "",
      place: place(own.mean), low: own.low < own.high ? place(own.low) : nil,
      high: own.low < own.high ? place(own.high) : nil)
  }

  private func differences(_ path: String) -> [Difference] {
    report.differences.compactMap { item in
      guard item["steps"]?.integer == steps, item["quantity"]?.text == path, let arm = item["arm"]?.text,
        ComparisonReport.setting(of: item) == setting, let mean = item["mean"]?.number
      else { return nil }
      let ends = item["ci95"]?.items?.compactMap(\.number) ?? []
      return Difference(
        arm: arm, mean: mean, interval: ends.count == 2 ? Interval(low: ends[0], high: ends[1]) : nil)
    }
  }

  // MARK: Warnings

  private func warnings() -> [PageWarning] {
    var warnings: [PageWarning] = []
    let names = ["metrics", "evaluation"]
    if seeds < 3 {
      warnings.append(
        PageWarning(
          code: "few_seeds",
          message: seeds == 1
            ? "one seed: no difference has an interval" : "2 seeds: intervals have one degree of freedom",
          about: names))
    }
    let gap = "metrics.input.centroid_distance"
    if let control = differences(gap).first(where: { $0.arm == "shuffled" }), control.isSure, control.mean < 0 {
      warnings.append(
        PageWarning(
          code: "control_closes_the_gap",
          message:
            "shuffled, the control with captions of other images, closes the gap too: some of it needs no "
            + "matching pairs", about: [gap]))
    }
    return warnings
  }
}
