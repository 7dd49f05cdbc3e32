package import GapLinearAlgebra

/// A frozen linear layer, and a trainable low-rank addition where there is one.
package struct AdaptableLinear: Sendable {
  package let frozen: FrozenLinear
  package let adapter: LowRankAdapter?

  package init(_ frozen: FrozenLinear, adapter: LowRankAdapter? = nil) {
    precondition(adapter.map { $0.down.columns == frozen.inputs && $0.up.rows == frozen.outputs } ?? true)
    self.frozen = frozen
    self.adapter = adapter
  }

  func packed(_ precision: ProductPrecision) -> AdaptableLinear {
    AdaptableLinear(frozen.packed(precision), adapter: adapter)
  }

  package var inputs: Int { frozen.inputs }
  package var outputs: Int { frozen.outputs }

  /// - Parameter x: [tokens, inputs].
  /// - Returns: [tokens, outputs].
  package func forward(_ x: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    let y = try frozen.forward(x, on: pool)
    try adapter?.add(x, to: y, on: pool)
    return y
  }

  /// The gradient of the input; the adapter's own gradients are added to where it keeps them.
  ///
  /// - Parameters:
  ///   - dy: [tokens, outputs].
  ///   - x: what entered, [tokens, inputs]; needed with an adapter.
  package func inputGradient(_ dy: Block<Float>, at x: Block<Float>?, on pool: WorkerPool) throws -> Block<
    Float
  > {
    let dx = try frozen.inputGradient(dy, on: pool)
    try addAdapterGradients(dy, at: x, to: dx, on: pool)
    return dx
  }

  /// The same, added to what is there.
  package func addInputGradient(
    _ dy: Block<Float>, at x: Block<Float>?, to dx: Block<Float>, on pool: WorkerPool
  ) throws {
    try frozen.addInputGradient(dy, to: dx, on: pool)
    try addAdapterGradients(dy, at: x, to: dx, on: pool)
  }

  private func addAdapterGradients(
    _ dy: Block<Float>, at x: Block<Float>?, to dx: Block<Float>, on pool: WorkerPool
  ) throws {
    guard let adapter else { return }
    guard let x else { preconditionFailure("an adapter's gradient needs what entered the layer") }
    try adapter.addGradients(dy, at: x, to: dx, on: pool)
  }
}
