import GapDatasets
import GapMetrics

extension GapReport {
  /// The report as a table for papers, pages and spreadsheets.
  ///
  /// CSV has every number of the report with every digit, those of layers too; the others the rows of the terminal's
  /// table, and a second table for layers. With fixes there are columns for after them.
  public func table(_ format: TableFormat) -> String {
    let main = format == .csv ? everything : reading
    guard format != .csv, let layers else { return main.text(format) }
    return main.text(format) + "\n" + layers.text(format)
  }

  private var columns: [ResultTable.Column] {
    var columns = [
      ResultTable.Column("Metric", key: "metric", .text),
      ResultTable.Column(fixed == nil ? "Value" : "Before", key: "value", .number),
      ResultTable.Column("95% interval", key: "", .interval),
    ]
    if let fixed {
      columns += [
        ResultTable.Column("After " + fixed.fixes.joined(separator: ", "), key: "after", .number),
        ResultTable.Column("95% interval", key: "after_", .interval),
      ]
    }
    return columns
  }

  private func cells(_ path: String, _ value: Double?) -> [ResultTable.Cell] {
    [.text(path), .number(value), .interval(intervals[path])]
      + (fixed.map { [.number($0.metrics.number(path)), .interval($0.intervals[path])] } ?? [])
  }

  private var everything: ResultTable {
    let further = [
      ResultTable.Column("p", key: "p", .number),
      ResultTable.Column("Sample", key: "sample", .number),
    ]
    var table = ResultTable(columns + further)
    for (path, value) in metrics.flattened {
      table.add(
        cells(path, value) + [
          .number(permutationP[path]), .number(sampleSize(path).map(Double.init)),
        ])
    }
    return table
  }

  private var reading: ResultTable {
    let names = inputs.map(\.path).joined(separator: ", ")
    var table = ResultTable(
      columns, caption: "\(Decimal.grouped(pairs)) pairs in \(dimension) dimensions: \(names)")
    var section = ""
    for row in MetricReading.all {
      guard let value = metrics.number(row.path) else { continue }
      if row.section != section {
        section = row.section
        table.add(section: section)
      }
      table.add(cells(row.path, value))
    }
    return table
  }

  private var layers: ResultTable? {
    guard let layers = metrics.table("layers") else { return nil }
    var table = ResultTable(
      [ResultTable.Column("Layer", key: "layer", .text)]
        + Self.layerPaths.map { ResultTable.Column($0, key: $0, .number) },
      caption: "Layer by layer")
    for (layer, core) in layers.enumerated() {
      table.add([.text(String(layer))] + Self.layerPaths.map { .number(core.number($0)) })
    }
    return table
  }

  /// What the table of layers shows.
  static let layerPaths = [
    "centroid_distance", "matching_margin", "paired_cosine.mean", "relative_modality_gap",
  ]
}

extension GapDifference {
  /// The comparison as a table for papers, pages and spreadsheets: CSV has every metric that both reports hold, the
  /// others those of the terminal's table.
  public func table(_ format: TableFormat) -> String {
    var table = ResultTable(
      [
        ResultTable.Column("Metric", key: "metric", .text),
        ResultTable.Column("First", key: "first", .number),
        ResultTable.Column("Second", key: "second", .number),
        ResultTable.Column("Difference", key: "difference", .number, style: .init(isSigned: true)),
        ResultTable.Column("95% interval", key: "", .interval, style: .init(isSigned: true)),
      ],
      caption:
        "\(Decimal.grouped(pairs)) pairs, second minus first: \(paths.first), \(paths.second)")
    func add(_ row: Row) {
      table.add([
        .text(row.key), .number(row.first), .number(row.second), .number(row.difference),
        .interval(row.interval),
      ])
    }
    guard format != .csv else {
      rows.forEach(add)
      return table.text(format)
    }
    var section = ""
    for reading in MetricReading.all {
      guard let row = rows.first(where: { $0.key == reading.path }) else { continue }
      if reading.section != section {
        section = reading.section
        table.add(section: section)
      }
      add(row)
    }
    return table.text(format)
  }
}
