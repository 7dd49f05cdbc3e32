import GapDatasets
import GapMetrics

extension GapReport {
  /// The report as a table for a terminal: value, 95% interval, a word on direction; warnings below.
  ///
  /// With fixes, value and interval before and after.
  public var table: String {
    var table = TextTable(rightAligned: fixed == nil ? [1] : [1, 3])
    if fixed != nil { table.add(["", "before", "95% interval", "after", "95% interval"]) }
    var section = ""
    for row in MetricReading.all {
      guard let value = metrics.number(row.path) else { continue }
      if row.section != section {
        section = row.section
        table.add(heading: section)
      }
      table.add(
        [row.path, Decimal.text(value), Self.text(intervals[row.path])] + after(row.path)
          + [row.reading + permutation(row.path) + sample(row.path)])
    }
    return header + "\n" + table.text + layerTable + "\n" + notes
  }

  /// What the fixes made of a metric; nothing without fixes.
  private func after(_ path: String) -> [String] {
    guard let fixed else { return [] }
    return [fixed.metrics.number(path).map(Decimal.text) ?? "–", Self.text(fixed.intervals[path])]
  }

  /// A line a layer; nothing without layers.
  private var layerTable: String {
    guard let layers = metrics.table("layers") else { return "" }
    let paths = Self.layerPaths
    var table = TextTable(rightAligned: Set(1...paths.count))
    table.add(heading: "Layer by layer")
    table.add(["layer"] + paths)
    for (layer, core) in layers.enumerated() {
      table.add([String(layer)] + paths.map { core.number($0).map(Decimal.text) ?? "undefined" })
    }
    return "\n" + table.text
  }

  private var header: String {
    let dropped = droppedPairs > 0 ? ", \(Decimal.grouped(droppedPairs)) bad pairs left out" : ""
    let read = readout.map { " at readout \($0 == "layers" ? "input" : $0)" } ?? ""
    let names = inputs.map(\.path).joined(separator: ", ")
    let fixes = fixed.map { fixed -> String in
      let left =
        fixed.droppedPairs > 0 ? ", \(Decimal.grouped(fixed.droppedPairs)) pairs left without length" : ""
      return "\nafter: \(fixed.fixes.joined(separator: ", then ")); \(fixed.dimension) dimensions\(left)\n"
    }
    return "\(Decimal.grouped(pairs)) pairs in \(dimension) dimensions\(read)\(dropped)\n\(names)\(fixes ?? "")"
  }

  private var notes: String {
    var lines = warnings.map { "  \($0.code): \($0.message)" }
    lines += (fixed?.warnings ?? []).filter { !warnings.contains($0) }.map {
      "  after the fixes: \($0.code): \($0.message)"
    }
    if !lines.isEmpty { lines.insert("\nWarnings", at: 0) }
    if !intervals.isEmpty {
      lines.append(
        "\n[low, high] is a 95% interval over pairs; rows without one have none that is honest. p is the share of"
          + "\nrandom pairings that score as high.")
    }
    return lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")
  }

  static func text(_ interval: Interval?) -> String {
    interval.map { "[\(Decimal.text($0.low)), \(Decimal.text($0.high))]" } ?? ""
  }

  private func permutation(_ path: String) -> String {
    permutationP[path].map { "; p \(Decimal.text($0))" } ?? ""
  }

  private func sample(_ path: String) -> String {
    sampleSize(path).map { " (sample of \(Decimal.grouped($0)))" } ?? ""
  }

  /// How many pairs or queries a metric used; nil where it used all.
  func sampleSize(_ path: String) -> Int? {
    let parts = path.split(separator: ".")
    let prefixes = (1...parts.count).map { parts.prefix($0).joined(separator: ".") }
    return prefixes.lazy.compactMap { sampled[$0] }.first
  }
}
