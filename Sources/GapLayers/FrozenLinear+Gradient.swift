package import GapLinearAlgebra
import GapTensorFiles

extension FrozenLinear {
  /// Rows of the gradient that one thread works on at a time, and outputs that are widened together.
  private static let gradientRows = 128
  private static let gradientTile = 256

  /// The gradient of the input, `dx = dy W`.
  ///
  /// The weights are frozen: they have none.
  ///
  /// - Parameter dy: [tokens, outputs].
  /// - Returns: dx, [tokens, inputs].
  /// - Throws: `TensorFileError` when the weights cannot be read.
  package func inputGradient(_ dy: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    guard let packed else {
      let dx = Block<Float>.zeros(dy.rows, inputs)
      try addInputGradient(dy, to: dx, on: pool)
      return dx
    }
    precondition(dy.columns == outputs)
    let dx = Block<Float>.unset(dy.rows, inputs)
    let pieces = Pieces(of: 0..<dy.rows, size: PackedWeights.rows)
    try pool.forEach(pieces.count) { _, piece in
      try packed.inputGradient(dy.rows(pieces[piece]), into: dx.rows(pieces[piece]))
    }
    return dx
  }

  /// The same, added to what is there.
  package func addInputGradient(_ dy: Block<Float>, to dx: Block<Float>, on pool: WorkerPool) throws {
    precondition(dy.columns == outputs && dx.rows == dy.rows && dx.columns == inputs)
    if let packed {
      let pieces = Pieces(of: 0..<dy.rows, size: PackedWeights.rows)
      return try pool.forEach(pieces.count) { _, piece in
        try packed.inputGradient(dy.rows(pieces[piece]), into: dx.rows(pieces[piece]), adding: true)
      }
    }
    let pieces = Pieces(of: 0..<dy.rows, size: Self.gradientRows)
    let scratch = (0..<pool.threads).map { _ in
      Buffer<Float>(repeating: 0, count: min(Self.gradientTile, outputs) * inputs)
    }
    try pool.forEach(pieces.count) { worker, piece in
      for tile in Pieces(of: 0..<outputs, size: Self.gradientTile).all {
        try scratch[worker].write(0..<tile.count * inputs) { try weight.read(rows: tile, into: &$0) }
        let w = Block(scratch[worker], rows: tile.count, columns: inputs)
        Products.product(
          dy.rows(pieces[piece]).columns(tile), w, into: dx.rows(pieces[piece]), adding: true)
      }
    }
  }
}
