package import GapLinearAlgebra
package import GapTensorFiles

/// A linear layer whose weights stay where they are stored, in whatever precision, and get no gradient.
///
/// ```
/// y = x Wᵀ + b
/// ```
///
/// Weights are widened to single precision a tile at a time, just before they are used, so that a mapped bf16 checkpoint
/// is never in memory twice.
package struct FrozenLinear: Sendable {
  /// W, [outputs, inputs].
  package let weight: Tensor
  /// b, [outputs], or nil.
  package let bias: [Float]?
  /// W packed for repeated use; nil where it is widened anew each time.
  package let packed: PackedWeights?

  /// Output columns that are worked on at a time.
  private static let tile = 128

  /// - Parameters:
  ///   - weight: [outputs, inputs]; a matrix stored the other way round comes as `transposed`.
  ///   - bias: [outputs].
  /// - Throws: `TensorFileError` when the bias cannot be read as numbers.
  package init(weight: Tensor, bias: Tensor? = nil) throws {
    precondition(weight.shape.count == 2 && bias.map { $0.shape == [weight.shape[0]] } ?? true)
    try weight.requireNumbers()
    self.weight = weight
    self.bias = try bias?.elements()
    packed = nil
  }

  private init(weight: Tensor, bias: [Float]?, packed: PackedWeights? = nil) {
    self.weight = weight
    self.bias = bias
    self.packed = packed
  }

  /// The same layer, its weights packed when they are first used: for many passes, at the cost of memory.
  package func packed(_ precision: ProductPrecision) -> FrozenLinear {
    FrozenLinear(weight: weight, bias: bias, packed: packedWeights(precision))
  }

  /// Its weights alone, packed when they are first used.
  package func packedWeights(_ precision: ProductPrecision) -> PackedWeights {
    let weight = weight
    return PackedWeights(outputs: outputs, inputs: inputs, precision: precision) { rows, target in
      try weight.read(rows: rows, into: &target)
    }
  }

  /// The layer that gives only the outputs `range` of this one.
  package func outputs(_ range: Range<Int>) -> FrozenLinear {
    FrozenLinear(weight: weight.rows(range), bias: bias.map { Array($0[range]) })
  }

  package var inputs: Int { weight.shape[1] }
  package var outputs: Int { weight.shape[0] }

  /// - Parameter x: [tokens, inputs].
  /// - Returns: y, [tokens, outputs].
  /// - Throws: `TensorFileError` when the weights cannot be read.
  /// - Complexity: O(tokens · inputs · outputs).
  package func forward(_ x: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    let y = Block<Float>.unset(x.rows, outputs)
    try forward(x, into: y, on: pool)
    return y
  }

  /// The same, into rows that are there.
  package func forward(_ x: Block<Float>, into y: Block<Float>, on pool: WorkerPool) throws {
    precondition(x.columns == inputs && y.rows == x.rows && y.columns == outputs)
    if let packed {
      let pieces = Pieces(of: 0..<x.rows, size: PackedWeights.rows)
      return try pool.forEach(pieces.count) { _, piece in
        try packed.forward(x.rows(pieces[piece]), into: y.rows(pieces[piece]))
        if let bias { y.rows(pieces[piece]).add(bias) }
      }
    }
    let tiles = Pieces(of: 0..<outputs, size: Self.tile)
    let scratch = (0..<pool.threads).map { _ in Buffer<Float>(repeating: 0, count: Self.tile * inputs) }
    try pool.forEach(tiles.count) { worker, piece in
      let columns = tiles[piece]
      let w = Block(scratch[worker], rows: columns.count, columns: inputs)
      try scratch[worker].write(0..<columns.count * inputs) { try weight.read(rows: columns, into: &$0) }
      let target = y.columns(columns)
      Products.inner(x, w, into: target)
      if let bias { target.add(Array(bias[columns])) }
    }
  }
}

extension Block<Float> {
  /// Adds the same numbers to every row.
  package func add(_ terms: [Float]) {
    for i in 0..<rows { writeRow(i) { ActivationKernels.add(terms.span, to: &$0) } }
  }
}
