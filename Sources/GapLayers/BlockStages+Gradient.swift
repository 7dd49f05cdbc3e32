package import GapLinearAlgebra

extension BlockStages {
  /// What one worker needs for a piece of rows in the gradient of stage 3.
  private struct GradientScratch {
    /// Of the residual stream as products take it, where that is not as it is, and of normalised rows, [rows, width] each.
    let rounded: ProductRows?
    let slope: Block<Float>
    /// Of what enters `down`, and of gate and factors, [rows, inner width] each.
    let ofHidden: Block<Float>
    let ofInner: ProductRows
    let ofUp: ProductRows

    init(_ stages: BlockStages, _ x: Block<Float>) {
      let rows = min(x.rows, PackedWeights.rows)
      let inner = stages.up.weights.outputs
      rounded = stages.precision == .single ? nil : .unset(rows, x.columns, stages.precision)
      slope = .unset(rows, x.columns)
      ofHidden = .unset(rows, inner)
      ofInner = .unset(rows, inner, stages.precision)
      ofUp = .unset(stages.gate == nil ? 0 : rows, inner, stages.precision)
    }
  }

  /// The same in that of stage 1.
  private struct OpeningGradientScratch {
    /// Of normalised rows, [rows, width].
    let normed: Block<Float>
    /// Of queries and of keys as products take it, where that is not as it is, [rows, heads · head width].
    let query: ProductRows?
    let key: ProductRows?

    init(_ stages: BlockStages, _ x: Block<Float>) {
      let rows = min(x.rows, PackedWeights.rows)
      let isRounded = stages.precision != .single
      normed = .unset(rows, x.columns)
      query = isRounded ? .unset(rows, stages.query.weights.outputs, stages.precision) : nil
      key = isRounded ? .unset(rows, stages.key.weights.outputs, stages.precision) : nil
    }
  }

  /// Reading every matrix once more takes a piece about as long as so many rows.
  private static let rowsToReadMatrices = 16

  /// Rows cut in pieces: those wanted, unless these make so many pieces that all rows are sooner done.
  private static func pieces(_ wanted: [Range<Int>]?, of rows: Int) -> [Range<Int>] {
    let all = Pieces(of: 0..<rows, size: PackedWeights.rows).all
    let pieces = wanted?.filter { !$0.isEmpty }.flatMap { range in
      let count = Pieces(of: range, size: PackedWeights.rows).count
      return Pieces(of: range, size: (range.count + count - 1) / count).all
    }
    func cost(_ pieces: [Range<Int>]) -> Int { pieces.reduce(0) { $0 + $1.count + rowsToReadMatrices } }
    guard let pieces, cost(pieces) < cost(all) else { return all }
    return pieces
  }

  /// The gradient of the input.
  ///
  /// - Parameters:
  ///   - gradient: of the output, [tokens, width], overwritten; of the tails alone where the pass gave these.
  ///   - mixed: the gradient of what the heads mixed, where the block after has taken stage 3 back.
  ///   - turning: the rotary embedding's the other way, for these sequences.
  ///   - reached: the only rows with a gradient that leads to one that is wanted; nil for all. Where attention looks back
  ///     alone, what comes before the first wanted row of a sequence is not among them. The others hold anything.
  ///   - wanted: the rows whose gradient is wanted, some of those, each once, in order; nil for all of them. The others
  ///     hold anything then.
  ///   - earlier: the block whose stage 3 is to be taken back too: one whose output has no gradient but this. It wants all
  ///     that is reached.
  /// - Returns: [tokens, width]: `gradient` itself where it has all rows; and what `earlier` goes on with.
  package func inputGradient(
    _ gradient: Block<Float>, mixed: ProductRows? = nil, _ saved: Saved, _ sequences: Sequences,
    _ turning: Turning?, tails: SequenceTails? = nil, reached: SequenceTails? = nil,
    wanted: [Range<Int>]? = nil, then earlier: (stages: BlockStages, saved: Saved)? = nil, on pool: WorkerPool
  ) throws -> (input: Block<Float>, mixed: ProductRows?) {
    precondition(wanted == nil || earlier == nil)
    let within = reached?.all
    let mixed = try mixed ?? closedGradient(gradient, saved, within: tails == nil ? within : nil, on: pool)
    let parts = try attention.headGradients(
      mixed, saved.attention, sequences, tails: tails, reached: reached, on: pool)
    let gradient = tails?.scattered(gradient) ?? gradient
    let following = earlier.map { $0.stages.unsetMixed(gradient.rows) }
    let pieces = Self.pieces(wanted ?? within, of: gradient.rows)
    let scratch = (0..<pool.threads).map { _ in
      (
        own: OpeningGradientScratch(self, gradient),
        earlier: earlier.map { GradientScratch($0.stages, gradient) }
      )
    }
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      let earlierOwn = scratch[worker].earlier
      try addOpeningGradient(
        parts, saved, turning, rows, tails: tails, to: gradient,
        rounded: earlierOwn?.rounded?.first(rows.count), scratch[worker].own)
      if let earlier, let following, let earlierOwn {
        try earlier.stages.closingGradient(gradient, earlier.saved, rows, into: following, earlierOwn)
      }
    }
    return (gradient, following)
  }

  /// Room for the gradient of what the heads mix.
  private func unsetMixed(_ rows: Int) -> ProductRows {
    .unset(rows, output.weights.inputs, attention.headPrecision(precision))
  }

  /// Of stage 3: the gradient of y becomes that of h but for attention's part.
  ///
  /// - Parameter wanted: some rows; nil for all.
  /// - Returns: the gradient of what the heads mixed.
  private func closedGradient(
    _ gradient: Block<Float>, _ saved: Saved, within wanted: [Range<Int>]?, on pool: WorkerPool
  ) throws -> ProductRows {
    let mixed = unsetMixed(gradient.rows)
    let pieces = Self.pieces(wanted, of: gradient.rows)
    let scratch = (0..<pool.threads).map { _ in GradientScratch(self, gradient) }
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      scratch[worker].rounded?.first(rows.count).copy(gradient.rows(rows))
      try closingGradient(gradient, saved, rows, into: mixed, scratch[worker])
    }
    return mixed
  }

  /// The same on some rows, whose gradient is in the scratch already where products take it rounded.
  private func closingGradient(
    _ gradient: Block<Float>, _ saved: Saved, _ rows: Range<Int>, into mixed: ProductRows,
    _ scratch: GradientScratch
  ) throws {
    let gradient = gradient.rows(rows)
    let rounded = scratch.rounded?.first(rows.count)
    let slope = rounded ?? ProductRows(gradient)
    let ofHidden = scratch.ofHidden.rows(0..<rows.count)
    let normed = scratch.slope.rows(0..<rows.count)
    try down.weights.inputGradient(slope, into: ofHidden)
    let ofInner = scratch.ofInner.first(rows.count)
    let ofUp = gate == nil ? nil : scratch.ofUp.first(rows.count)
    ofInner.activateGradient(
      feedForward.activation, gate: saved.inner.rows(rows), up: saved.factors?.rows(rows), from: ofHidden,
      ofUp: ofUp)
    try (gate ?? up).weights.inputGradient(ofInner, into: normed)
    if let ofUp { try up.weights.inputGradient(ofUp, into: normed, adding: true) }
    block.feedForwardNorm.addGradient(normed, at: saved.middle.rows(rows), to: gradient, rounded: rounded)
    try output.weights.inputGradient(slope, into: mixed.rows(rows))
  }

  /// Of stage 1, on some rows: the gradient of h becomes that of x, where queries of the tails alone have one.
  private func addOpeningGradient(
    _ parts: (query: Block<Float>, key: Block<Float>, value: Block<Float>), _ saved: Saved, _ turning: Turning?,
    _ rows: Range<Int>, tails: SequenceTails?, to gradient: Block<Float>, rounded: ProductRows?,
    _ scratch: OpeningGradientScratch
  ) throws {
    let normed = scratch.normed.rows(0..<rows.count)
    /// Of queries or keys before their norm and turning, as products take it.
    func turnedBack(
      _ slope: Block<Float>, _ rows: Range<Int>, raw: Block<Float>?, _ norm: Normalization?,
      rounded: ProductRows?
    ) -> ProductRows {
      let slope = slope.rows(rows)
      let rounded = rounded?.first(rows.count)
      turning?.apply(
        to: slope, headWidth: attention.headWidth, rows: rows, rounded: raw == nil ? rounded : nil)
      if let raw, let norm { norm.applyGradientToHeads(at: raw.rows(rows), to: slope) }
      if turning == nil || raw != nil { rounded?.copy(slope) }
      return rounded ?? ProductRows(slope)
    }
    let raw = saved.attention.rawQuery
    if let tails {
      // Beyond the tails, gradients of queries are 0 already, and there may be nothing that the norm was applied to.
      for asking in tails.parts(of: rows) {
        _ = turnedBack(parts.query, asking, raw: raw, attention.queryNorm, rounded: nil)
      }
      let asking = tails.worthwhileParts(of: rows)
      if asking != [rows] { normed.clear() }
      for asking in asking {
        try query.weights.inputGradient(
          parts.query.rows(asking),
          into: normed.rows(asking.lowerBound - rows.lowerBound..<asking.upperBound - rows.lowerBound))
      }
    } else {
      let queries = turnedBack(parts.query, rows, raw: raw, attention.queryNorm, rounded: scratch.query)
      try query.weights.inputGradient(queries, into: normed)
    }
    let keys = turnedBack(
      parts.key, rows, raw: saved.attention.rawKey, attention.keyNorm, rounded: scratch.key)
    try key.weights.inputGradient(keys, into: normed, adding: true)
    try value.weights.inputGradient(parts.value.rows(rows), into: normed, adding: true)
    block.attentionNorm.addGradient(
      normed, at: saved.input.rows(rows), to: gradient.rows(rows), rounded: rounded)
  }
}

// MARK: - Rows on the calling thread

extension Normalization {
  /// Adds the gradient of the inputs `x` to `target`; that of the outputs is overwritten.
  ///
  /// - Parameter rounded: becomes the target, rounded to bfloat16; nil for none.
  func addGradient(
    _ gradient: Block<Float>, at x: Block<Float>, to target: Block<Float>, rounded: ProductRows?
  ) {
    if case .rootMeanSquare(let weight, let offset, let epsilon) = self {
      return ActivationKernels.addNormalizeBySquareGradient(
        gradient, at: x, weight: weight, offset: offset, epsilon: epsilon, to: target, rounded: rounded)
    }
    for i in 0..<x.rows {
      gradient.writeRow(i) { row in x.row(i) { applyGradient(at: $0, to: &row) } }
      gradient.row(i) { row in target.writeRow(i) { ActivationKernels.add(row, to: &$0) } }
    }
    rounded?.copy(target)
  }

  /// The gradient of `applyToHeads`, at its input `x`.
  func applyGradientToHeads(at x: Block<Float>, to gradient: Block<Float>) {
    for start in stride(from: 0, to: x.columns, by: width) {
      let (own, at) = (gradient.columns(start..<start + width), x.columns(start..<start + width))
      for i in 0..<x.rows { at.row(i) { x in own.writeRow(i) { applyGradient(at: x, to: &$0) } } }
    }
  }
}
