package import GapLinearAlgebra

/// A transformer block in three stages, each of which takes some rows (or heads) through all its layers at once, while
/// they are in the processor's cache.
///
/// ```
/// 1 rows   q, k, v = turned(norm₁ x Wᵀ)
/// 2 heads  m = attention(q, k, v)
/// 3 rows   h = x + m Woᵀ     y = h + (f(norm₂ h Wgᵀ) · norm₂ h Wuᵀ) Wdᵀ
/// ```
///
/// For blocks whose norms come first, with packed weights and without adapters; `TransformerBlock` does the others layer
/// by layer. What lies between two layers of a stage is never stored: the gradient makes it again from what is kept.
///
/// Stage 3 of a block and stage 1 of the next need no rows but their own: a pass takes them in one go, and its threads
/// wait for each other twice in a block instead of three times. So does the gradient, the other way.
package struct BlockStages: Sendable {
  let block: TransformerBlock
  var attention: Attention { block.attention }
  var feedForward: FeedForward { block.feedForward }

  let query: Layer
  let key: Layer
  let value: Layer
  let output: Layer
  let up: Layer
  let gate: Layer?
  let down: Layer

  /// A layer's packed weights and its bias.
  struct Layer: Sendable {
    let weights: PackedWeights
    let bias: [Float]?

    init?(_ layer: AdaptableLinear) {
      guard layer.adapter == nil, let weights = layer.frozen.packed else { return nil }
      self.weights = weights
      bias = layer.frozen.bias
    }

    func forward(_ x: ProductRows, into y: Block<Float>) throws {
      try weights.forward(x, into: y)
      if let bias { y.add(bias) }
    }

    func forward(_ x: ProductRows, into y: ProductRows) throws {
      try weights.forward(x, into: y)
      if let bias { y.add(bias) }
    }

    func forward(_ x: ProductRows, plus base: Block<Float>, into y: Block<Float>) throws {
      try weights.forward(x, plus: base, into: y)
      if let bias { y.add(bias) }
    }
  }

  /// - Returns: nil where the block is not of this kind.
  package init?(_ block: TransformerBlock) {
    guard !block.isPostNorm, block.attentionScale == nil, block.feedForwardScale == nil,
      let query = Layer(block.attention.query), let key = Layer(block.attention.key),
      let value = Layer(block.attention.value), let output = Layer(block.attention.output),
      let up = Layer(block.feedForward.up), let down = Layer(block.feedForward.down)
    else { return nil }
    gate = block.feedForward.gate.flatMap { Layer($0) }
    guard (gate == nil) == (block.feedForward.gate == nil) else { return nil }
    self.block = block
    (self.query, self.key, self.value, self.output) = (query, key, value, output)
    (self.up, self.down) = (up, down)
  }

  /// What the gradient needs, [tokens, …] each.
  package struct Saved: Sendable {
    /// What entered the block, and its middle; but for the input and what attention compares, of the tails alone where
    /// only these went on.
    let input: Block<Float>
    let middle: Block<Float>
    let attention: Attention.Saved
    /// What enters the activation, and the gate's factor.
    let inner: ProductRows
    let factors: ProductRows?
  }

  var precision: ProductPrecision { up.weights.precision }

  /// What one worker needs for a piece of rows in stage 1.
  private struct OpeningScratch {
    /// Normalised rows, [rows, width].
    let normed: ProductRows
    /// Queries, keys or values before they are rounded.
    let unrounded: Buffer<Float>

    init(_ stages: BlockStages, _ x: Block<Float>) {
      let rows = min(x.rows, PackedWeights.rows)
      normed = .unset(rows, x.columns, stages.precision)
      let isRounded = stages.attention.headPrecision(stages.precision) != .single
      let widest = max(stages.query.weights.outputs, stages.key.weights.outputs)
      unrounded = Buffer(unset: isRounded ? rows * widest : 0)
    }
  }

  /// The same in stage 3.
  private struct ClosingScratch {
    /// Normalised rows, [rows, width].
    let normed: ProductRows
    /// What enters `down`, [rows, inner width].
    let hidden: ProductRows

    init(_ stages: BlockStages, _ x: Block<Float>) {
      let rows = min(x.rows, PackedWeights.rows)
      normed = .unset(rows, x.columns, stages.precision)
      hidden = .unset(rows, stages.up.weights.outputs, stages.precision)
    }
  }

  private static func pieces(_ x: Block<Float>) -> Pieces { Pieces(of: 0..<x.rows, size: PackedWeights.rows) }

  // MARK: Forward

  /// - Parameters:
  ///   - x: [tokens, width]; it is kept, not changed.
  ///   - opened: what stage 1 made of x, where the block before has taken it, with the same tails.
  ///   - turning: the rotary embedding's, for these sequences.
  ///   - tails: the rows whose output is wanted; nil for all. These alone query.
  ///   - next: the block whose stage 1 is to be taken too, and its tails; without tails alone.
  /// - Returns: [tokens, width], or of the tails alone; what the gradient needs; what `next` is opened with.
  package func forwardSaving(
    _ x: Block<Float>, opened: Attention.Saved? = nil, _ sequences: Sequences, _ turning: Turning?,
    tails: SequenceTails? = nil, then next: (stages: BlockStages, tails: SequenceTails?)? = nil,
    on pool: WorkerPool
  ) throws -> (output: Block<Float>, saved: Saved, opened: Attention.Saved?) {
    precondition(tails == nil || next == nil)
    let parts = try opened ?? self.opened(x, turning, tails: tails, on: pool)
    let mixed = try attention.mixed(parts, sequences, tails: tails, on: pool)
    let input = x
    let x = tails?.gathered(x) ?? x
    let inner = ProductRows.unset(x.rows, up.weights.outputs, precision)
    let factors = gate == nil ? nil : ProductRows.unset(x.rows, up.weights.outputs, precision)
    let middle = Block<Float>.unset(x.rows, x.columns)
    let y = Block<Float>.unset(x.rows, x.columns)
    let following = next?.stages.unopened(y)
    let pieces = Self.pieces(x)
    let scratch = (0..<pool.threads).map { _ in
      (closing: ClosingScratch(self, x), opening: next.map { OpeningScratch($0.stages, y) })
    }
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      try close(
        x.rows(rows), mixed.rows(rows), inner: inner.rows(rows), factors: factors?.rows(rows),
        middle: middle.rows(rows), into: y.rows(rows), scratch[worker].closing)
      if let next, let following, let own = scratch[worker].opening {
        try next.stages.open(y, rows, turning, tails: next.tails, into: following, own)
      }
    }
    let saved = Saved(input: input, middle: middle, attention: parts, inner: inner, factors: factors)
    return (y, saved, following)
  }

  /// Replaces x [tokens, width] by the block's output; nothing is kept.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, _ turning: Turning?, on pool: WorkerPool)
    throws
  {
    let parts = try opened(x, turning, on: pool)
    let mixed = try attention.mixed(parts, sequences, on: pool)
    let pieces = Self.pieces(x)
    let scratch = (0..<pool.threads).map { _ in ClosingScratch(self, x) }
    try pool.forEach(pieces.count) { worker, piece in
      let rows = x.rows(pieces[piece])
      let inner = ProductRows.unset(rows.rows, up.weights.outputs, precision)
      let factors = gate == nil ? nil : ProductRows.unset(rows.rows, up.weights.outputs, precision)
      let middle = Block<Float>.unset(rows.rows, x.columns)
      try close(
        rows, mixed.rows(pieces[piece]), inner: inner, factors: factors, middle: middle, into: rows,
        scratch[worker])
    }
  }

  /// Stage 1.
  private func opened(
    _ x: Block<Float>, _ turning: Turning?, tails: SequenceTails? = nil, on pool: WorkerPool
  ) throws -> Attention.Saved {
    let parts = unopened(x)
    let pieces = Self.pieces(x)
    let scratch = (0..<pool.threads).map { _ in OpeningScratch(self, x) }
    try pool.forEach(pieces.count) { worker, piece in
      try open(x, pieces[piece], turning, tails: tails, into: parts, scratch[worker])
    }
    return parts
  }

  /// Room for what stage 1 makes of x.
  private func unopened(_ x: Block<Float>) -> Attention.Saved {
    let kept = attention.headPrecision(precision)
    let (wide, narrow) = (query.weights.outputs, key.weights.outputs)
    return Attention.Saved(
      query: .unset(x.rows, wide, kept), key: .unset(x.rows, narrow, kept), value: .unset(x.rows, narrow, kept),
      rawQuery: attention.queryNorm == nil ? nil : .unset(x.rows, wide),
      rawKey: attention.keyNorm == nil ? nil : .unset(x.rows, narrow))
  }

  /// Stage 1, on some rows; of queries, no more than those of the tails need be written.
  private func open(
    _ x: Block<Float>, _ rows: Range<Int>, _ turning: Turning?, tails: SequenceTails?,
    into parts: Attention.Saved, _ scratch: OpeningScratch
  ) throws {
    let normed = scratch.normed.first(rows.count)
    block.attentionNorm.write(x.rows(rows), into: normed)
    func turned(
      _ layer: Layer, _ rows: Range<Int>, into target: ProductRows, raw: Block<Float>? = nil,
      _ norm: Normalization? = nil, _ turning: Turning? = nil, from normed: ProductRows
    ) throws {
      let target = target.rows(rows)
      let isRounded = target.precision != .single
      // What follows the product is worked out before it is rounded.
      if raw == nil, turning == nil, layer.bias == nil { return try layer.forward(normed, into: target) }
      let own =
        isRounded ? Block(scratch.unrounded, rows: rows.count, columns: target.columns) : target.block
      try layer.forward(normed, into: own)
      if let raw, let norm {
        raw.rows(rows).copy(own)
        norm.applyToHeads(of: own)
      }
      if let turning {
        turning.apply(
          to: own, headWidth: attention.headWidth, rows: rows, rounded: isRounded ? target : nil)
      } else if isRounded {
        target.copy(own)
      }
    }
    for asking in tails?.worthwhileParts(of: rows) ?? [rows] {
      try turned(
        query, asking, into: parts.query, raw: parts.rawQuery, attention.queryNorm, turning,
        from: normed.rows(asking.lowerBound - rows.lowerBound..<asking.upperBound - rows.lowerBound))
    }
    try turned(
      key, rows, into: parts.key, raw: parts.rawKey, attention.keyNorm, turning, from: normed)
    try turned(value, rows, into: parts.value, from: normed)
  }

  /// Stage 3, on some rows.
  private func close(
    _ x: Block<Float>, _ mixed: ProductRows, inner: ProductRows, factors: ProductRows?, middle: Block<Float>,
    into y: Block<Float>, _ scratch: ClosingScratch
  ) throws {
    try output.forward(mixed, plus: x, into: middle)
    let normed = scratch.normed.first(x.rows)
    block.feedForwardNorm.write(middle, into: normed)
    try (gate ?? up).forward(normed, into: inner)
    if let factors { try up.forward(normed, into: factors) }
    let hidden = scratch.hidden.first(x.rows)
    hidden.activate(feedForward.activation, gate: inner, up: factors)
    try down.forward(hidden, plus: middle, into: y)
  }
}

// MARK: - Rows on the calling thread

extension Normalization {
  /// Writes the rows of x, normalised.
  func write(_ x: Block<Float>, into y: ProductRows) {
    if case .rootMeanSquare(let weight, let offset, let epsilon) = self {
      return y.normalizeBySquare(x, weight: weight, offset: offset, epsilon: epsilon)
    }
    let normed = Block<Float>.unset(x.rows, x.columns)
    for i in 0..<x.rows { x.row(i) { row in normed.writeRow(i) { apply(row, into: &$0) } } }
    y.copy(normed)
  }

  /// Normalises every group of `width` columns in place: the heads of queries or keys.
  func applyToHeads(of x: Block<Float>) {
    for start in stride(from: 0, to: x.columns, by: width) {
      let head = x.columns(start..<start + width)
      for i in 0..<x.rows { head.writeRow(i) { apply(to: &$0) } }
    }
  }

}
