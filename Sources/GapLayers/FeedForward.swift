package import GapLinearAlgebra

/// The position-wise part of a transformer block, with frozen weights.
///
/// ```
/// plain:  down(f(up x))          gated:  down(f(gate x) · up x)
/// ```
package struct FeedForward: Sendable {
  package let up: FrozenLinear
  package let gate: FrozenLinear?
  package let down: FrozenLinear
  package let activation: ActivationKernels.Function

  package init(
    up: FrozenLinear, gate: FrozenLinear? = nil, down: FrozenLinear, activation: ActivationKernels.Function
  ) {
    precondition(gate.map { $0.outputs == up.outputs } ?? true && down.inputs == up.outputs)
    self.up = up
    self.gate = gate
    self.down = down
    self.activation = activation
  }

  /// - Parameter x: [tokens, width], normalised.
  /// - Returns: [tokens, width], before the residual is added.
  package func forward(_ x: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    let activation = activation
    let hidden = try (gate ?? up).forward(x, on: pool)
    guard gate != nil else {
      try hidden.forEachRow(on: pool) { _, row in ActivationKernels.apply(activation, to: &row) }
      return try down.forward(hidden, on: pool)
    }
    let factors = try up.forward(x, on: pool)
    try hidden.forEachRow(on: pool) { i, row in
      ActivationKernels.apply(activation, to: &row)
      factors.row(i) { ActivationKernels.multiply(&row, by: $0) }
    }
    return try down.forward(hidden, on: pool)
  }
}
