package import GapLayers
package import GapLinearAlgebra

/// What stands between a vision encoder and a decoder: features of an image's patches in, tokens of the decoder out.
package struct Projector: Sendable {
  /// One thing that is done to the rows.
  package enum Step: Sendable {
    case linear(FrozenLinear)
    case activation(ActivationKernels.Function)
    case normalization(Normalization)
    /// Side × side neighbours become one row: block row, block column, then channel.
    case mergeBlocks(side: Int)
    /// The same, channel first: channel, block row, block column.
    case mergeBlocksByChannel(side: Int)
    /// Runs of rows that lie together become one row.
    case mergeRuns(count: Int)
    /// Side × side neighbours are averaged.
    case averageBlocks(side: Int)
  }

  /// The rule by which its tensors were recognised, in words.
  package let rule: String
  /// The tensors, in the order in which they are used.
  package let tensors: [String]
  package let steps: [Step]
  /// Numbers in a feature row and in a token.
  package let inputs: Int
  package let outputs: Int

  /// Tokens of an image that has this many feature rows.
  ///
  /// - Throws: `ModelError.badSetting` when the rows make no square grid that the merging divides.
  package func tokens(of features: Int, path: String) throws -> Int {
    try steps.reduce(features) { rows, step in
      switch step {
      case .linear, .activation, .normalization: return rows
      case .mergeRuns(let count):
        guard rows % count == 0 else { throw Self.fault(rows, "a multiple of \(count)", path) }
        return rows / count
      case .mergeBlocks(let side), .mergeBlocksByChannel(let side), .averageBlocks(let side):
        let grid = Int(Double(rows).squareRoot().rounded())
        guard grid * grid == rows, grid % side == 0 else {
          throw Self.fault(rows, "a square grid whose side is a multiple of \(side)", path)
        }
        return rows / (side * side)
      }
    }
  }

  private static func fault(_ rows: Int, _ expected: String, _ path: String) -> ModelError {
    .badSetting(path: path, key: "feature rows of an image", expected: expected, found: String(rows))
  }

  /// - Parameters:
  ///   - features: [images · rows, inputs], image after image, patches row by row.
  ///   - images: how many.
  /// - Returns: [images · tokens, outputs].
  /// - Throws: `ModelError.badSetting` when the rows do not fit; `TensorFileError`.
  package func forward(_ features: Block<Float>, images: Int, path: String, on pool: WorkerPool) throws
    -> Block<Float>
  {
    precondition(features.columns == inputs && features.rows % images == 0)
    _ = try tokens(of: features.rows / images, path: path)
    var rows = try features.copied(on: pool)
    for step in steps {
      switch step {
      case .linear(let layer): rows = try layer.forward(rows, on: pool)
      case .activation(let function):
        try rows.forEachRow(on: pool) { _, row in ActivationKernels.apply(function, to: &row) }
      case .normalization(let norm): try rows.forEachRow(on: pool) { _, row in norm.apply(to: &row) }
      case .mergeRuns, .mergeBlocks, .mergeBlocksByChannel, .averageBlocks:
        rows = try Self.rearranged(rows, step, images: images, path: path, on: pool)
      }
    }
    return rows
  }

  /// Applies a step that has no weights.
  static func rearranged(
    _ rows: Block<Float>, _ step: Step, images: Int, path: String, on pool: WorkerPool
  ) throws -> Block<Float> {
    switch step {
    case .mergeRuns(let count):
      return Block(
        rows.buffer, offset: rows.offset, rows: rows.rows / count, columns: rows.columns * count)
    case .mergeBlocks(let side):
      return try merged(rows, images, side, on: pool) { block, _, channel, channels in
        block * channels + channel
      }
    case .mergeBlocksByChannel(let side):
      return try merged(rows, images, side, on: pool) { block, blocks, channel, _ in
        channel * blocks + block
      }
    case .averageBlocks(let side): return try averaged(rows, images, side, on: pool)
    case .linear, .activation, .normalization: preconditionFailure("a step that has weights")
    }
  }

  /// The gradient of the rows that a step without weights rearranged.
  ///
  /// - Parameter x: the rows that entered it.
  static func spreadBack(
    _ dy: Block<Float>, _ step: Step, like x: Block<Float>, images: Int, on pool: WorkerPool
  ) throws -> Block<Float> {
    let dx = Block<Float>.zeros(x.rows, x.columns)
    let channels = x.columns
    switch step {
    case .mergeRuns:
      return Block(dy.buffer, offset: dy.offset, rows: x.rows, columns: x.columns)
    case .mergeBlocks(let side), .mergeBlocksByChannel(let side):
      var byChannel = false
      if case .mergeBlocksByChannel = step { byChannel = true }
      let isByChannel = byChannel
      try forEachBlock(x, images, side, on: pool) { source, result, block in
        dy.row(result) { dy in
          dx.writeRow(source) { dx in
            for channel in 0..<channels {
              dx[channel] = dy[isByChannel ? channel * side * side + block : block * channels + channel]
            }
          }
        }
      }
    case .averageBlocks(let side):
      try forEachBlock(x, images, side, on: pool) { source, result, _ in
        dy.row(result) { dy in
          dx.writeRow(source) { ActivationKernels.add(dy, times: 1 / Float(side * side), to: &$0) }
        }
      }
    case .linear, .activation, .normalization: preconditionFailure("a step that has weights")
    }
    return dx
  }

  /// Gathers blocks of a square grid into rows; `place(block, blocks, channel, channels)` says where a number goes.
  private static func merged(
    _ rows: Block<Float>, _ images: Int, _ side: Int, on pool: WorkerPool,
    place: @Sendable (_ block: Int, _ blocks: Int, _ channel: Int, _ channels: Int) -> Int
  ) throws -> Block<Float> {
    let target = Block<Float>.zeros(rows.rows / (side * side), rows.columns * side * side)
    let channels = rows.columns
    try forEachBlock(rows, images, side, on: pool) { source, result, block in
      rows.row(source) { row in
        target.writeRow(result) { target in
          for channel in 0..<channels { target[place(block, side * side, channel, channels)] = row[channel] }
        }
      }
    }
    return target
  }

  private static func averaged(
    _ rows: Block<Float>, _ images: Int, _ side: Int, on pool: WorkerPool
  ) throws -> Block<Float> {
    let target = Block<Float>.zeros(rows.rows / (side * side), rows.columns)
    try forEachBlock(rows, images, side, on: pool) { source, result, _ in
      rows.row(source) { row in
        target.writeRow(result) { ActivationKernels.add(row, times: 1 / Float(side * side), to: &$0) }
      }
    }
    return target
  }

  /// Visits every row of every block of every image, the rows of one result on one thread.
  private static func forEachBlock(
    _ rows: Block<Float>, _ images: Int, _ side: Int, on pool: WorkerPool,
    _ visit: @Sendable (_ source: Int, _ result: Int, _ block: Int) -> Void
  ) throws {
    let perImage = rows.rows / images
    let grid = Int(Double(perImage).squareRoot().rounded())
    let smaller = grid / side
    try pool.forEach(images * smaller) { _, piece in
      let (image, down) = piece.quotientAndRemainder(dividingBy: smaller)
      for across in 0..<smaller {
        let result = (image * smaller + down) * smaller + across
        for block in 0..<side * side {
          let (y, x) = (down * side + block / side, across * side + block % side)
          visit(image * perImage + y * grid + x, result, block)
        }
      }
    }
  }
}
