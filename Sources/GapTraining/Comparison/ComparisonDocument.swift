import GapMetrics

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension Comparison.Outcome {
  /// `compare.json`, as `ComparisonReport` of a directory reads it.
  ///
  /// - Parameter version: of the program.
  /// - Throws: `TrainingError`; not for any comparison that was made.
  public func json(version: String) throws -> Data {
    let configuration = try ConfigurationNode(plan.configurationText, source: "configuration") { "line \($0)" }
    let fields: [(String, String)] = [
      ("schema", "\"embgap.compare/1\""), ("version", JSONText.quoted(version)), ("config", configuration.json),
      ("arms", "[" + plan.arms.map { "\"\($0)\"" }.joined(separator: ", ") + "]"),
      ("budgets", "\(plan.budgets)"), ("seeds", "\(plan.seeds)"),
      ("runs", JSONText.lines(runs.map(Self.text), indent: "  ")),
      ("differences", JSONText.lines(differences, indent: "  ")),
      ("ceiling", JSONText.object(bounds.first?.ceiling ?? [])),
      ("floor", JSONText.object(bounds.first?.floor ?? [])),
      ("settings", JSONText.lines(settings, indent: "  ")), ("seconds", JSONText.number(seconds)),
    ]
    let body = fields.map { "  \(JSONText.quoted($0.0)): \($0.1)" }.joined(separator: ",\n")
    return Data("{\n\(body)\n}\n".utf8)
  }

  /// `vectors.safetensors`: held-out vectors of the first seed and setting, before and after.
  public var vectorData: Data { MomentVectors.data(vectors) }

  /// `trajectories.safetensors`.
  package var trajectoryData: Data { Trajectory.data(trajectories) }

  private var settings: [String] {
    zip(plan.settings, bounds).map { setting, bounds in
      JSONText.object([
        ("varied", Self.text(setting.values)), ("ceiling", JSONText.object(bounds.ceiling)),
        ("floor", JSONText.object(bounds.floor)),
      ])
    }
  }

  private static func text(_ varied: [(key: String, value: String)]) -> String {
    JSONText.object(varied.map { ($0.key, JSONText.quoted($0.value)) })
  }

  private static func metrics(_ record: EvaluationRecord) -> String {
    JSONText.object(record.metrics.map { ("\($0.readout)", JSONText.object($0.entries)) })
  }

  private static func text(_ run: ComparisonRun) -> String {
    var fields: [(String, String)] = [
      ("arm", "\"\(run.arm)\""), ("seed", "\(run.seed)"), ("steps", "\(run.steps)"),
      ("varied", text(run.varied)),
      ("readout", run.readout.map { "\"\($0)\"" } ?? "null"), ("seconds", JSONText.number(run.seconds)),
      ("seconds_per_step", JSONText.number(run.secondsPerStep)),
    ]
    var evaluation: [(String, String)] = []
    if run.skippedSteps > 0 { fields.append(("skipped_steps", "\(run.skippedSteps)")) }
    if let aligned = run.aligned {
      fields.append(("metrics", metrics(aligned)))
      evaluation.append(("aligned", JSONText.object(aligned.evaluation)))
    }
    if let instructed = run.instructed {
      fields.append(("metrics_instructed", metrics(instructed)))
      evaluation.append(("instructed", JSONText.object(instructed.evaluation)))
    }
    fields.append(("evaluation", JSONText.object(evaluation)))
    fields.append(("curve", "[" + run.curve.map(text).joined(separator: ", ") + "]"))
    return JSONText.object(fields)
  }

  private static func text(_ point: ComparisonRun.Point) -> String {
    var fields = [("step", "\(point.evaluation.step)")]
    for entry in point.evaluation.evaluation where entry.key == "ntp_loss" {
      if case .number(let value?) = entry.value { fields.append(("ntp_loss", JSONText.number(value))) }
    }
    if let loss = point.step?.losses.ntp { fields.append(("train_ntp_loss", JSONText.number(loss))) }
    if let loss = point.step?.losses.contrastive { fields.append(("contrastive_loss", JSONText.number(loss))) }
    if let temperature = point.step?.temperature {
      fields.append(("temperature", JSONText.number(temperature)))
    }
    fields.append(("metrics", metrics(point.evaluation)))
    return JSONText.object(fields)
  }

  /// Every arm against `ntp`, quantity by quantity, paired by seed.
  private var differences: [String] {
    var lines: [String] = []
    for setting in plan.settings {
      for steps in plan.budgets {
        func runs(_ arm: ComparisonArm) -> [ComparisonRun] {
          self.runs.filter {
            $0.arm == arm && $0.steps == steps && $0.varied.map(\.value) == setting.values.map(\.value)
          }
        }
        let base = runs(.ntp).map {
          Dictionary($0.quantities.map { ($0.name, $0.value) }) { first, _ in first }
        }
        guard !base.isEmpty else { continue }
        for arm in plan.arms where arm != .ntp {
          let own = runs(arm).map(\.quantities)
          for (name, _) in own.first ?? [] {
            let pairs = zip(own, base).compactMap { own, base in
              own.first { $0.name == name }.flatMap { own in base[name].map { own.value - $0 } }
            }
            guard pairs.count == base.count else { continue }
            let difference = PairedDifference(pairs)
            lines.append(
              JSONText.object([
                ("arm", "\"\(arm)\""), ("against", "\"ntp\""), ("steps", "\(steps)"),
                ("varied", Self.text(setting.values)), ("quantity", JSONText.quoted(name)),
                ("mean", JSONText.number(difference.mean)),
                (
                  "ci95",
                  difference.interval.map { "[\(JSONText.number($0.low)), \(JSONText.number($0.high))]" }
                    ?? "null"
                ), ("n", "\(difference.count)"),
              ]))
          }
        }
      }
    }
    return lines
  }
}
