import GapMetrics

/// Lines of `metrics.jsonl`.
package enum MetricLines {
  /// What the line of a step holds that changed nothing, since a number was not finite.
  static let skipped = "\"skipped\": true"

  /// A step.
  ///
  /// - Parameter isInstructing: whether it is one of the second stage, whose lines say so.
  package static func line(_ record: StepRecord, isInstructing: Bool = false) -> String {
    var fields = isInstructing ? [("stage", "\"instruct\"")] : []
    fields.append(("step", "\(record.step)"))
    if let ntp = record.losses.ntp { fields.append(("ntp_loss", JSONText.number(ntp))) }
    if let contrastive = record.losses.contrastive {
      fields.append(("contrastive_loss", JSONText.number(contrastive)))
    }
    if let temperature = record.temperature { fields.append(("temperature", JSONText.number(temperature))) }
    fields.append(("lr", JSONText.number(record.rate)))
    fields.append(("grad_norm", JSONText.number(record.gradientNorm)))
    if let skipped = record.skipped {
      fields += [("skipped", "true"), ("skipped_steps", "\(skipped)")]
    }
    fields.append(("seconds", JSONText.number(record.seconds)))
    return JSONText.object(fields)
  }

  /// An evaluation.
  package static func line(_ record: EvaluationRecord) -> String {
    JSONText.object(
      (record.stage.map { [("stage", "\"\($0.rawValue)\"")] } ?? []) + [
        ("step", "\(record.step)"),
        ("metrics", JSONText.object(record.metrics.map { ("\($0.readout)", JSONText.object($0.entries)) })),
        ("evaluation", JSONText.object(record.evaluation)), ("seconds", JSONText.number(record.seconds)),
      ])
  }
}
