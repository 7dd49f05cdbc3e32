import GapMetrics
package import GapModels

/// What one run of a comparison came to.
package struct ComparisonRun: Sendable {
  /// A place on the way: what held-out data gave, and the losses of the step before.
  package struct Point: Sendable {
    package let evaluation: EvaluationRecord
    /// Losses of the last step; nil at the start.
    package let step: StepRecord?
  }

  package let arm: ComparisonArm
  package let seed: UInt64
  /// Steps of the first stage.
  package let steps: Int
  /// What was varied, key by key.
  package let varied: [(key: String, value: String)]
  /// The readout that the contrastive loss was put on; nil without one.
  package let readout: Readout?
  /// From the start to the end of the first stage.
  package let curve: [Point]
  /// After the second stage; nil without one.
  package let instructed: EvaluationRecord?
  /// Of the whole run, and of one step of the first stage.
  package let seconds: Double
  package let secondsPerStep: Double
  /// Steps of both stages that changed nothing, since a number was not finite.
  package let skippedSteps: Int

  /// After the first stage.
  package var aligned: EvaluationRecord? { curve.last?.evaluation }

  /// All single numbers, by the names that differences carry.
  package var quantities: [(name: String, value: Double)] {
    Self.quantities(aligned, "aligned", metrics: "metrics")
      + Self.quantities(instructed, "instructed", metrics: "metrics_instructed")
  }

  /// Those before the first step, by the names that they carry after the first stage.
  var quantitiesAtStart: [(name: String, value: Double)] {
    Self.quantities(curve.first?.evaluation, "aligned", metrics: "metrics")
  }

  private static func quantities(_ record: EvaluationRecord?, _ stage: String, metrics name: String) -> [(
    name: String, value: Double
  )] {
    var result: [(String, Double)] = []
    func add(_ prefix: String, _ entries: [MetricEntry]) {
      for entry in entries {
        switch entry.value {
        case .number(let value?): result.append((prefix + entry.key, value))
        case .object(let inner): add(prefix + entry.key + ".", inner)
        default: break
        }
      }
    }
    for (readout, entries) in record?.metrics ?? [] { add("\(name).\(readout).", entries) }
    add("evaluation.\(stage).", record?.evaluation ?? [])
    return result
  }

  /// The same run under other settings that make no difference to it.
  func with(_ varied: [(key: String, value: String)]) -> ComparisonRun {
    ComparisonRun(
      arm: arm, seed: seed, steps: steps, varied: varied, readout: readout, curve: curve,
      instructed: instructed,
      seconds: seconds, secondsPerStep: secondsPerStep, skippedSteps: skippedSteps)
  }
}
