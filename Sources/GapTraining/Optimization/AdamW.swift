package import GapLinearAlgebra

/// AdamW's settings.
package struct AdamWSettings: Sendable, Equatable {
  package var beta1 = 0.9
  package var beta2 = 0.999
  package var epsilon = 1e-8
  package var weightDecay = 0.0
  /// Largest norm of the gradient; 0 for none.
  package var clip = 1.0

  package init() {}
}

/// Parameters that are trained together: their gradient, and AdamW's two running means.
package struct ParameterGroup: Sendable {
  package let values: Buffer<Float>
  package let gradient: Buffer<Float>
  package let first: Buffer<Float>
  package let second: Buffer<Float>
  /// Whether weight decay applies.
  package let decays: Bool
  /// The factor of the learning rate.
  package let rateFactor: Double

  /// - Parameter gradient: where others add the gradient to; nil for memory of its own.
  package init(_ values: Buffer<Float>, decays: Bool, rateFactor: Double = 1, gradient: Buffer<Float>? = nil) {
    self.values = values
    self.decays = decays
    self.rateFactor = rateFactor
    self.gradient = gradient ?? Buffer(repeating: 0, count: values.count)
    first = Buffer(repeating: 0, count: values.count)
    second = Buffer(repeating: 0, count: values.count)
  }
}

/// AdamW with decoupled weight decay and clipping of the whole gradient's norm.
///
/// - Source: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*; as PyTorch's `AdamW` and `clip_grad_norm_`.
package struct AdamW: Sendable {
  package let settings: AdamWSettings
  package let groups: [ParameterGroup]
  /// Steps taken.
  package var count = 0

  /// Numbers that one thread works on at a time.
  private static let piece = 1 << 14

  package init(_ settings: AdamWSettings, groups: [ParameterGroup]) {
    self.settings = settings
    self.groups = groups
  }

  /// Sets all gradients to 0.
  package func clearGradients() { for group in groups { group.gradient.fill(0) } }

  /// The Euclidean norm of all gradients together.
  package func gradientNorm(on pool: WorkerPool) throws -> Double {
    var total = 0.0
    for group in groups {
      let pieces = Pieces(of: 0..<group.gradient.count, size: Self.piece)
      total += try pool.map(pieces.count) { _, i in
        group.gradient.read(pieces[i]) { TrainingKernels.sumOfSquares($0) }
      }.reduce(0, +)
    }
    return total.squareRoot()
  }

  /// Whether all parameters and all mean squares of their gradients are finite numbers.
  package func isFinite(on pool: WorkerPool) throws -> Bool {
    for numbers in groups.flatMap({ [$0.values, $0.second] }) {
      let pieces = Pieces(of: 0..<numbers.count, size: Self.piece)
      let sums = try pool.map(pieces.count) { _, i in
        numbers.read(pieces[i]) { TrainingKernels.sumOfSquares($0) }
      }
      guard sums.allSatisfy(\.isFinite) else { return false }
    }
    return true
  }

  /// Moves all parameters.
  ///
  /// - Parameters:
  ///   - rate: the learning rate of this step.
  ///   - norm: of the gradients, as `gradientNorm` gave it.
  package mutating func step(rate: Double, norm: Double, on pool: WorkerPool) throws {
    count += 1
    let scale = settings.clip > 0 ? min(1, settings.clip / (norm + 1e-6)) : 1
    for group in groups {
      let step = TrainingKernels.AdamWStep(
        scale: scale, rate: rate * group.rateFactor, beta1: settings.beta1, beta2: settings.beta2,
        epsilon: settings.epsilon, weightDecay: group.decays ? settings.weightDecay : 0, count: count)
      let pieces = Pieces(of: 0..<group.values.count, size: Self.piece)
      try pool.forEach(pieces.count) { _, i in
        group.values.write(pieces[i]) { values in
          group.first.write(pieces[i]) { first in
            group.second.write(pieces[i]) { second in
              group.gradient.read(pieces[i]) {
                TrainingKernels.adamW(&values, gradient: $0, first: &first, second: &second, step)
              }
            }
          }
        }
      }
    }
  }
}

/// How the learning rate changes from step to step.
package struct LearningRateSchedule: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case cosine
    case constant
  }

  package let kind: Kind
  package let peak: Double
  package let warmupSteps: Int
  package let steps: Int

  package init(kind: Kind, peak: Double, warmupSteps: Int, steps: Int) {
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.steps = steps
  }

  /// The rate of step `step`, counted from 0: rises from 0 through the warm-up, then stays or falls to 0 along half a
  /// cosine.
  ///
  /// - Source: as `get_cosine_schedule_with_warmup` and `get_constant_schedule_with_warmup` of transformers.
  package func rate(_ step: Int) -> Double {
    if step < warmupSteps { return peak * Double(step) / Double(warmupSteps) }
    if kind == .constant { return peak }
    let share = Double(step - warmupSteps) / Double(max(1, steps - warmupSteps))
    return peak * max(0, 0.5 * (1 + cosine(.pi * share)))
  }
}
