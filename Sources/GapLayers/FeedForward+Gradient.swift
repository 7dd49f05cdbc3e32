package import GapLinearAlgebra

extension FeedForward {
  /// What the gradient needs.
  package struct Saved: Sendable {
    /// What enters the activation, [tokens, inner]: of the gate where there is one.
    let inner: Block<Float>
    /// The gate's factor, [tokens, inner]; nil without a gate.
    let factors: Block<Float>?
    /// What entered, and what enters `down`; nil where no adapter asks for it.
    let input: Block<Float>?
    let hidden: Block<Float>?
  }

  /// As `forward`, keeping what the gradient needs.
  package func forwardSaving(_ x: Block<Float>, on pool: WorkerPool) throws -> (Block<Float>, Saved) {
    let inner = try (gate ?? up).forward(x, on: pool)
    let factors = gate == nil ? nil : try up.forward(x, on: pool)
    let activation = activation
    let hidden = try inner.copied(on: pool)
    try hidden.forEachRow(on: pool) { i, row in
      ActivationKernels.apply(activation, to: &row)
      factors?.row(i) { ActivationKernels.multiply(&row, by: $0) }
    }
    let saved = Saved(
      inner: inner, factors: factors,
      input: try up.adapter == nil && gate?.adapter == nil ? nil : x.copied(on: pool),
      hidden: down.adapter == nil ? nil : hidden)
    return (try down.forward(hidden, on: pool), saved)
  }

  /// The gradient of the input.
  ///
  /// - Parameter dy: [tokens, width].
  package func inputGradient(_ dy: Block<Float>, _ saved: Saved, on pool: WorkerPool) throws -> Block<Float> {
    let hidden = try down.inputGradient(dy, at: saved.hidden, on: pool)
    let (activation, inner) = (activation, saved.inner)
    guard let factors = saved.factors, let gate else {
      try hidden.forEachRow(on: pool) { i, row in
        inner.row(i) { ActivationKernels.applyGradient(activation, at: $0, to: &row) }
      }
      return try up.inputGradient(hidden, at: saved.input, on: pool)
    }
    // Of up: hidden · f(gate).  Of the gate: hidden · up · f'(gate).
    let ofFactors = try inner.copied(on: pool)
    try ofFactors.forEachRow(on: pool) { i, row in
      ActivationKernels.apply(activation, to: &row)
      hidden.row(i) { ActivationKernels.multiply(&row, by: $0) }
    }
    try hidden.forEachRow(on: pool) { i, row in
      factors.row(i) { ActivationKernels.multiply(&row, by: $0) }
      inner.row(i) { ActivationKernels.applyGradient(activation, at: $0, to: &row) }
    }
    let dx = try up.inputGradient(ofFactors, at: saved.input, on: pool)
    try gate.addInputGradient(hidden, at: saved.input, to: dx, on: pool)
    return dx
  }
}
