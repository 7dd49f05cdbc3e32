public import GapMetrics

extension Comparison.Outcome {
  /// A number of every run of an arm, seed by seed.
  ///
  /// - Parameters:
  ///   - quantity: as `compare.json` names it in `differences`, such as `metrics.input.centroid_distance` or
  ///     `evaluation.aligned.ntp_loss`.
  ///   - arm: the arm.
  ///   - steps: its budget; nil for the first one.
  ///   - varied: values of varied keys, as they were written; runs of any value of the other keys count.
  /// - Returns: one a run, in the order of settings and then seeds; empty when no run has it.
  public func values(
    _ quantity: String, arm: ComparisonArm, steps: Int? = nil, varied: [String: String] = [:]
  ) -> [Double] {
    selected(arm, steps, varied).compactMap { run in
      run.quantities.first { $0.name == quantity }?.value
    }
  }

  /// The same before the first step: what held-out data gave with the projector that the seed begins with.
  ///
  /// - Parameters:
  ///   - quantity: `metrics.READOUT.KEY` or `evaluation.aligned.KEY`.
  ///   - arm: whose runs are meant.
  ///   - steps: its budget; nil for the first one.
  ///   - varied: values of varied keys; runs of any value of the other keys count.
  public func valuesAtStart(
    _ quantity: String, arm: ComparisonArm, steps: Int? = nil, varied: [String: String] = [:]
  ) -> [Double] {
    selected(arm, steps, varied).compactMap { run in
      run.quantitiesAtStart.first { $0.name == quantity }?.value
    }
  }

  /// What an arm differs by from another, paired by seed and setting.
  ///
  /// - Returns: nil when a run of one has no partner in the other.
  public func difference(
    _ quantity: String, arm: ComparisonArm, against other: ComparisonArm = .ntp, steps: Int? = nil,
    varied: [String: String] = [:]
  ) -> PairedDifference? {
    let own = values(quantity, arm: arm, steps: steps, varied: varied)
    let base = values(quantity, arm: other, steps: steps, varied: varied)
    guard !own.isEmpty, own.count == base.count else { return nil }
    return PairedDifference(zip(own, base).map(-))
  }

  /// What the decoder tells of the held-out data given true captions, and given nothing, in the first setting.
  public var ceilingAndFloor: (ceiling: [MetricEntry], floor: [MetricEntry]) {
    (bounds.first?.ceiling ?? [], bounds.first?.floor ?? [])
  }

  private func selected(_ arm: ComparisonArm, _ steps: Int?, _ varied: [String: String])
    -> [ComparisonRun]
  {
    runs.filter { run in
      run.arm == arm && run.steps == steps ?? plan.budgets[0]
        && varied.allSatisfy { key, value in
          run.varied.contains { $0.key == key && $0.value == value }
        }
    }
  }
}
