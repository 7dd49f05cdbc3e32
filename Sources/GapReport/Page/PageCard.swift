import GapMetrics

/// One of the numbers that matter: value, interval, where it lies on its scale, and a sentence that says what it means.
struct PageCard: Encodable, Sendable {
  /// A value on its scale.
  struct Value: Encodable, Sendable {
    let path: String
    let label: String
    let text: String
    let interval: String
    /// Places on the scale, 0…1.
    let place: Double
    let low: Double?
    let high: Double?
  }

  let title: String
  var values: [Value]
  /// What the two ends of the scale mean.
  let ends: [String]
  let meaning: String
  let warnings: [Int]

  /// The cards of a report; of sides of different width, how alike their neighbourhoods are.
  static func all(_ report: GapReport, warnings: [PageWarning]) -> [PageCard] {
    [distance(report, warnings), margin(report, warnings), retrieval(report, warnings)].compactMap { $0 }
      + (report.metrics.number("centroid_distance") == nil
        ? [structure(report, warnings)].compactMap { $0 } : [])
  }

  /// An interval as the terminal shows it.
  static func text(_ interval: Interval) -> String {
    "[\(Decimal.text(interval.low)), \(Decimal.text(interval.high))]"
  }

  init(
    _ title: String, _ values: [Value], ends: [String], meaning: String, concerns: [String] = [],
    _ warnings: [PageWarning]
  ) {
    self.title = title
    self.values = values
    self.ends = ends
    self.meaning = meaning
    let paths = values.map(\.path) + concerns
    self.warnings = warnings.indices.filter { index in paths.contains { warnings[index].isAbout($0) } }
  }

  private static func value(
    _ path: String, _ label: String = "", of report: GapReport, scale: ClosedRange<Double>
  )
    -> Value?
  {
    guard let number = report.metrics.number(path), number.isFinite else { return nil }
    func place(_ x: Double) -> Double {
      min(max((x - scale.lowerBound) / (scale.upperBound - scale.lowerBound), 0), 1)
    }
    let interval = report.intervals[path]
    return Value(
      path: path, label: label, text: Decimal.text(number, places: 3), interval: interval.map(short) ?? "",
      place: place(number), low: interval.map { place($0.low) }, high: interval.map { place($0.high) })
  }

  private static func short(_ interval: Interval) -> String {
    "[\(Decimal.text(interval.low, places: 3)), \(Decimal.text(interval.high, places: 3))]"
  }

  static func percent(_ share: Double) -> String {
    // Rounding must not make all of nearly all, nor none of a few.
    if share == 1 { return "100%" }
    if share > 0.999 && share < 1 { return "over 99.9%" }
    return Decimal.text(share * 100, places: share > 0 && share < 0.001 ? 4 : 1) + "%"
  }

  private static func distance(_ report: GapReport, _ warnings: [PageWarning]) -> PageCard? {
    guard let value = value("centroid_distance", of: report, scale: 0...2) else { return nil }
    let number = report.metrics.number("centroid_distance") ?? 0
    var meaning =
      "The centre of all images lies \(Decimal.text(number, places: 3)) away from the centre of all texts"
      + (number < 0.05 ? ": next to nothing." : ".")
    if let accuracy = report.metrics.number("linear_separability.accuracy") {
      meaning +=
        accuracy < 0.6
        ? " A linear classifier can hardly tell an image from a text (\(percent(accuracy)) right; 50% is chance)."
        : " A linear classifier tells an image from a text \(percent(accuracy)) of the time; 50% would be no gap."
    }
    return PageCard(
      "Distance of the centres", [value], ends: ["0: one centre", "2: opposite"], meaning: meaning, warnings)
  }

  private static func margin(_ report: GapReport, _ warnings: [PageWarning]) -> PageCard? {
    guard let value = value("matching_margin", of: report, scale: 0...1),
      let number = report.metrics.number("matching_margin")
    else { return nil }
    var meaning =
      number >= 0
      ? "An image's cosine with its own text is \(Decimal.text(number, places: 3)) higher than with a text of another image"
      : "An image's cosine with its own text is \(Decimal.text(-number, places: 3)) lower than with a text of another image"
    if let paired = report.metrics.number("paired_cosine.mean"),
      let unpaired = report.metrics.number("unpaired_cosine.mean")
    {
      meaning += " (\(Decimal.text(paired, places: 3)) against \(Decimal.text(unpaired, places: 3)))"
    }
    meaning += number >= 0 ? "." : ": pairs are further apart than strangers."
    if let interval = report.intervals["matching_margin"], interval.low <= 0, interval.high >= 0 {
      meaning += " The interval holds 0, so pairs may be no nearer than strangers."
    } else if let p = report.permutationP["matching_margin"] {
      meaning +=
        p < 0.05
        ? " Of random pairings a share of \(Decimal.text(p, places: 3)) at most scores as high."
        : " Random pairings score as high (p \(Decimal.text(p, places: 3)))."
    }
    return PageCard(
      "Margin of matching pairs", [value], ends: ["0: pairs like strangers", "1"], meaning: meaning,
      concerns: ["paired_cosine", "unpaired_cosine"], warnings)
  }

  private static func retrieval(_ report: GapReport, _ warnings: [PageWarning]) -> PageCard? {
    let paths = ["retrieval.image_to_text.r1", "retrieval.text_to_image.r1"]
    guard let forth = value(paths[0], "image → text", of: report, scale: 0...1),
      let back = value(paths[1], "text → image", of: report, scale: 0...1),
      let found = report.metrics.number(paths[0]), let foundBack = report.metrics.number(paths[1])
    else { return nil }
    let meaning =
      "The nearest of all \(Decimal.grouped(report.pairs)) texts is the right one for \(percent(found)) of the images; "
      + "the nearest image is the right one for \(percent(foundBack)) of the texts. Guessing would find about "
      + percent(1 / Double(max(report.pairs, 1))) + "."
    return PageCard(
      "Found at first try (R@1)", [forth, back], ends: ["0: none", "1: all"], meaning: meaning, warnings)
  }

  private static func structure(_ report: GapReport, _ warnings: [PageWarning]) -> PageCard? {
    let values = [("mutual_knn", "shared neighbours"), ("linear_cka", "linear CKA")].compactMap {
      value($0.0, $0.1, of: report, scale: 0...1)
    }
    guard !values.isEmpty else { return nil }
    return PageCard(
      "Likeness of structure", values, ends: ["0: unlike", "1: alike"],
      meaning:
        "The sides have different widths, so distances between them are not defined; these two say whether "
        + "both arrange the items alike.", warnings)
  }
}
