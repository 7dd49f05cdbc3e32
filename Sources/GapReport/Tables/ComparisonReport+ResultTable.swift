import GapMetrics
import GapTensorFiles

extension ComparisonReport {
  /// What the comparison found, as tables for papers, pages and spreadsheets.
  ///
  /// CSV has a line for each setting, budget, arm and quantity; the others a table for each setting and budget, with a
  /// column for each arm: the mean over seeds and, in brackets, the 95% interval of the paired difference to `ntp`.
  public func table(_ format: TableFormat) -> String {
    guard format != .csv else { return lines.text(.csv) }
    return settings.flatMap { setting in
      budgets.map { summary($0, setting).text(format) }
    }.joined(separator: "\n")
  }

  private var lines: ResultTable {
    var table = ResultTable([
      ResultTable.Column("Setting", key: "setting", .text),
      ResultTable.Column("Steps", key: "steps", .text),
      ResultTable.Column("Arm", key: "arm", .text),
      ResultTable.Column("Quantity", key: "quantity", .text),
      ResultTable.Column("Mean", key: "mean", .number),
      ResultTable.Column("Seeds", key: "seeds", .text),
      ResultTable.Column("Difference", key: "difference", .estimate),
    ])
    for setting in settings {
      for steps in budgets {
        for arm in arms {
          for (path, _) in quantities {
            let values = runs(arm, steps: steps, setting: setting).compactMap { $0.number(path) }
            guard let own = SeedSummary(values) else { continue }
            let difference = difference(arm, steps, setting, path)
            table.add([
              .text(setting), .text("\(steps)"), .text(arm), .text(path), .number(own.mean),
              .text("\(values.count)"), .estimate(difference?.mean, difference?.interval),
            ])
          }
        }
      }
    }
    return table
  }

  private func summary(_ steps: Int, _ setting: String) -> ResultTable {
    let shown = arms.filter { !runs($0, steps: steps, setting: setting).isEmpty }
    let style = ResultTable.NumberStyle(places: 3, intervalPlaces: 2)
    let title = "\(setting.isEmpty ? "" : setting + ": ")\(steps) steps"
    var table = ResultTable(
      [ResultTable.Column(title, key: "quantity", .text)]
        + shown.map { ResultTable.Column($0, key: $0, .estimate, style: style) },
      caption:
        "\(title); means over seeds, in brackets the 95% interval of the paired difference to ntp")
    for (path, name) in quantities {
      table.add(
        [.text(name)]
          + shown.map { arm in
            let own = SeedSummary(
              runs(arm, steps: steps, setting: setting).compactMap { $0.number(path) })
            return .estimate(own?.mean, difference(arm, steps, setting, path)?.interval)
          })
    }
    return table
  }
}
