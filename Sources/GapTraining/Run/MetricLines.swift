import GapMetrics

/// Lines of `metrics.jsonl`.
package enum MetricLines {
  /// A step.
  ///
  /// - Parameter isInstructing: whether it is one of the second stage, whose lines say so.
  package static func line(_ record: StepRecord, isInstructing: Bool = false) -> String {
    var fields = isInstructing ? [("stage", "\"instruct\"")] : []
    fields.append(("step", "\(record.step)"))
    if let ntp = record.losses.ntp { fields.append(("ntp_loss", number(ntp))) }
    if let contrastive = record.losses.contrastive { fields.append(("contrastive_loss", number(contrastive))) }
    if let temperature = record.temperature { fields.append(("temperature", number(temperature))) }
    fields.append(("lr", number(record.rate)))
    fields.append(("grad_norm", number(record.gradientNorm)))
    if record.isSkipped { fields.append(("skipped", "true")) }
    fields.append(("seconds", number(record.seconds)))
    return object(fields)
  }

  /// An evaluation.
  package static func line(_ record: EvaluationRecord) -> String {
    object((record.stage.map { [("stage", "\"\($0.rawValue)\"")] } ?? []) + [
      ("step", "\(record.step)"),
      ("metrics", object(record.metrics.map { ("\($0.readout)", object($0.entries)) })),
      ("evaluation", object(record.evaluation)), ("seconds", number(record.seconds)),
    ])
  }

  private static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  private static func object(_ entries: [MetricEntry]) -> String {
    object(entries.map { ($0.key, text($0.value)) })
  }

  private static func text(_ value: MetricValue) -> String {
    switch value {
    case .number(let value): value.map(number) ?? "null"
    case .list(let values): "[" + values.map(number).joined(separator: ", ") + "]"
    case .object(let entries): object(entries)
    case .table(let rows): "[" + rows.map { object($0) }.joined(separator: ", ") + "]"
    }
  }

  /// The shortest text that reads back to the same number; null for what JSON does not have.
  private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
}
