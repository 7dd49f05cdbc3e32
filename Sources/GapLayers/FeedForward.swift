package import GapLinearAlgebra

/// The position-wise part of a transformer block, with frozen weights and adapters where there are some.
///
/// ```
/// plain:  down(f(up x))          gated:  down(f(gate x) · up x)
/// ```
package struct FeedForward: Sendable {
  package var up: AdaptableLinear
  package var gate: AdaptableLinear?
  package var down: AdaptableLinear
  package let activation: ActivationKernels.Function

  package init(
    up: FrozenLinear, gate: FrozenLinear? = nil, down: FrozenLinear, activation: ActivationKernels.Function
  ) {
    precondition(gate.map { $0.outputs == up.outputs } ?? true && down.inputs == up.outputs)
    self.up = AdaptableLinear(up)
    self.gate = gate.map { AdaptableLinear($0) }
    self.down = AdaptableLinear(down)
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
