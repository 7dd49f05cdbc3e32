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
package struct BlockStages: Sendable {
  private let block: TransformerBlock
  private var attention: Attention { block.attention }
  private var feedForward: FeedForward { block.feedForward }

  private let query: Layer
  private let key: Layer
  private let value: Layer
  private let output: Layer
  private let up: Layer
  private let gate: Layer?
  private let down: Layer

  /// A layer's packed weights and its bias.
  private struct Layer: Sendable {
    let weights: PackedWeights
    let bias: [Float]?

    init?(_ layer: AdaptableLinear) {
      guard layer.adapter == nil, let weights = layer.frozen.packed else { return nil }
      self.weights = weights
      bias = layer.frozen.bias
    }

    func forward(_ x: Block<Float>, into y: Block<Float>, adding: Bool = false) throws {
      try weights.forward(x, into: y, adding: adding)
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
    /// What entered the block, and its middle.
    let input: Block<Float>
    let middle: Block<Float>
    let attention: Attention.Saved
    /// What enters the activation, and the gate's factor.
    let inner: Block<Float>
    let factors: Block<Float>?
  }

  private static func pieces(_ x: Block<Float>) -> Pieces { Pieces(of: 0..<x.rows, size: PackedWeights.rows) }

  // MARK: Forward

  /// - Parameters:
  ///   - x: [tokens, width]; it is kept, not changed.
  ///   - turning: the rotary embedding's, for these sequences.
  /// - Returns: [tokens, width], and what the gradient needs.
  package func forwardSaving(
    _ x: Block<Float>, _ sequences: Sequences, _ turning: Turning?, on pool: WorkerPool
  ) throws -> (Block<Float>, Saved) {
    let parts = try compared(x, turning, on: pool)
    let mixed = try attention.mixed(parts, sequences, on: pool)
    let inner = Block<Float>.unset(x.rows, up.weights.outputs)
    let factors = gate == nil ? nil : Block<Float>.unset(x.rows, up.weights.outputs)
    let middle = Block<Float>.unset(x.rows, x.columns)
    let y = Block<Float>.unset(x.rows, x.columns)
    let pieces = Self.pieces(x)
    try pool.forEach(pieces.count) { _, piece in
      let rows = pieces[piece]
      try feed(
        x.rows(rows), mixed.rows(rows), inner: inner.rows(rows), factors: factors?.rows(rows),
        middle: middle.rows(rows), into: y.rows(rows))
    }
    return (y, Saved(input: x, middle: middle, attention: parts, inner: inner, factors: factors))
  }

  /// Replaces x [tokens, width] by the block's output; nothing is kept.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, _ turning: Turning?, on pool: WorkerPool)
    throws
  {
    let parts = try compared(x, turning, on: pool)
    let mixed = try attention.mixed(parts, sequences, on: pool)
    let pieces = Self.pieces(x)
    try pool.forEach(pieces.count) { _, piece in
      let rows = x.rows(pieces[piece])
      let inner = Block<Float>.unset(rows.rows, up.weights.outputs)
      let factors = gate == nil ? nil : Block<Float>.unset(rows.rows, up.weights.outputs)
      let middle = Block<Float>.unset(rows.rows, x.columns)
      try feed(rows, mixed.rows(pieces[piece]), inner: inner, factors: factors, middle: middle, into: rows)
    }
  }

  /// Stage 1.
  private func compared(_ x: Block<Float>, _ turning: Turning?, on pool: WorkerPool) throws -> Attention.Saved {
    let q = Block<Float>.unset(x.rows, query.weights.outputs)
    let k = Block<Float>.unset(x.rows, key.weights.outputs)
    let v = Block<Float>.unset(x.rows, value.weights.outputs)
    let rawQuery = attention.queryNorm == nil ? nil : Block<Float>.unset(x.rows, q.columns)
    let rawKey = attention.keyNorm == nil ? nil : Block<Float>.unset(x.rows, k.columns)
    let pieces = Self.pieces(x)
    try pool.forEach(pieces.count) { _, piece in
      let rows = pieces[piece]
      let normed = block.attentionNorm.rows(x.rows(rows))
      for (layer, target, raw, norm) in [
        (query, q, rawQuery, attention.queryNorm), (key, k, rawKey, attention.keyNorm),
      ] {
        let own = target.rows(rows)
        try layer.forward(normed, into: own)
        if let raw, let norm {
          raw.rows(rows).copy(own)
          norm.applyToHeads(of: own)
        }
        turning?.apply(to: own, headWidth: attention.headWidth, rows: rows)
      }
      try value.forward(normed, into: v.rows(rows))
    }
    return Attention.Saved(query: q, key: k, value: v, rawQuery: rawQuery, rawKey: rawKey)
  }

  /// Stage 3, on some rows.
  private func feed(
    _ x: Block<Float>, _ mixed: Block<Float>, inner: Block<Float>, factors: Block<Float>?, middle: Block<Float>,
    into y: Block<Float>
  ) throws {
    middle.copy(x)
    try output.forward(mixed, into: middle, adding: true)
    let normed = block.feedForwardNorm.rows(middle)
    let hidden = Block<Float>.unset(x.rows, inner.columns)
    try (gate ?? up).forward(normed, into: inner)
    if let factors { try up.forward(normed, into: factors) }
    feedForward.activate(inner, factors, into: hidden)
    y.copy(middle)
    try down.forward(hidden, into: y, adding: true)
  }

  // MARK: Gradient

  /// Replaces the gradient of the output by that of the input.
  ///
  /// - Parameters:
  ///   - gradient: [tokens, width].
  ///   - turning: the rotary embedding's the other way, for these sequences.
  package func applyGradient(
    to gradient: Block<Float>, _ saved: Saved, _ sequences: Sequences, _ turning: Turning?, on pool: WorkerPool
  ) throws {
    let mixed = Block<Float>.unset(gradient.rows, output.weights.inputs)
    let pieces = Self.pieces(gradient)
    try pool.forEach(pieces.count) { _, piece in
      let rows = pieces[piece]
      let own = gradient.rows(rows)
      try feedGradient(own, saved, rows)
      try output.weights.inputGradient(own, into: mixed.rows(rows))
    }
    let (dq, dk, dv) = try attention.headGradients(mixed, saved.attention, sequences, on: pool)
    try pool.forEach(pieces.count) { _, piece in
      let rows = pieces[piece]
      let normed = Block<Float>.unset(rows.count, gradient.columns)
      for (target, raw, norm) in [
        (dq, saved.attention.rawQuery, attention.queryNorm), (dk, saved.attention.rawKey, attention.keyNorm),
      ] {
        let own = target.rows(rows)
        turning?.apply(to: own, headWidth: attention.headWidth, rows: rows)
        if let raw, let norm { norm.applyGradientToHeads(at: raw.rows(rows), to: own) }
      }
      try query.weights.inputGradient(dq.rows(rows), into: normed)
      try key.weights.inputGradient(dk.rows(rows), into: normed, adding: true)
      try value.weights.inputGradient(dv.rows(rows), into: normed, adding: true)
      block.attentionNorm.addGradient(normed, at: saved.input.rows(rows), to: gradient.rows(rows))
    }
  }

  /// Of stage 3 but the output layer, on some rows: the gradient of y becomes that of h.
  private func feedGradient(_ gradient: Block<Float>, _ saved: Saved, _ rows: Range<Int>) throws {
    let hidden = Block<Float>.unset(rows.count, down.weights.inputs)
    let normed = Block<Float>.unset(rows.count, gradient.columns)
    try down.weights.inputGradient(gradient, into: hidden)
    let inner = saved.inner.rows(rows)
    let activation = feedForward.activation
    if let gate, let factors = saved.factors?.rows(rows) {
      let ofUp = Block<Float>.unset(rows.count, hidden.columns)
      for i in 0..<rows.count {
        inner.row(i) { g in
          factors.row(i) { u in
            hidden.writeRow(i) { hidden in
              ofUp.writeRow(i) { ofUp in
                ActivationKernels.gatedGradient(activation, gate: g, up: u, to: &hidden, ofUp: &ofUp)
              }
            }
          }
        }
      }
      try gate.weights.inputGradient(hidden, into: normed)
      try up.weights.inputGradient(ofUp, into: normed, adding: true)
    } else {
      for i in 0..<rows.count {
        inner.row(i) { x in hidden.writeRow(i) { ActivationKernels.applyGradient(activation, at: x, to: &$0) } }
      }
      try up.weights.inputGradient(hidden, into: normed)
    }
    block.feedForwardNorm.addGradient(normed, at: saved.middle.rows(rows), to: gradient)
  }
}

// MARK: - Rows on the calling thread

extension Block<Float> {
  /// Copies the rows of `other`.
  func copy(_ other: Block<Float>) {
    precondition(other.rows == rows && other.columns == columns)
    if stride == columns, other.stride == columns {
      return other.buffer.read(other.offset..<other.offset + other.extent) { source in
        buffer.write(offset..<offset + extent) { ActivationKernels.copy(source, to: &$0) }
      }
    }
    for i in 0..<rows { other.row(i) { row in writeRow(i) { ActivationKernels.copy(row, to: &$0) } } }
  }
}

extension Normalization {
  /// The rows of x, normalised.
  func rows(_ x: Block<Float>) -> Block<Float> {
    let y = Block<Float>.unset(x.rows, x.columns)
    for i in 0..<y.rows { x.row(i) { row in y.writeRow(i) { apply(row, into: &$0) } } }
    return y
  }

  /// Adds the gradient of the inputs `x` to `target`; that of the outputs is overwritten.
  func addGradient(_ gradient: Block<Float>, at x: Block<Float>, to target: Block<Float>) {
    for i in 0..<x.rows {
      gradient.writeRow(i) { row in x.row(i) { applyGradient(at: $0, to: &row) } }
      gradient.row(i) { row in target.writeRow(i) { ActivationKernels.add(row, to: &$0) } }
    }
  }

  /// Normalises every group of `width` columns in place: the heads of queries or keys.
  func applyToHeads(of x: Block<Float>) {
    for start in stride(from: 0, to: x.columns, by: width) {
      let head = x.columns(start..<start + width)
      for i in 0..<x.rows { head.writeRow(i) { apply(to: &$0) } }
    }
  }

  /// The gradient of `applyToHeads`, at its input `x`.
  func applyGradientToHeads(at x: Block<Float>, to gradient: Block<Float>) {
    for start in stride(from: 0, to: x.columns, by: width) {
      let (own, at) = (gradient.columns(start..<start + width), x.columns(start..<start + width))
      for i in 0..<x.rows { at.row(i) { x in own.writeRow(i) { applyGradient(at: x, to: &$0) } } }
    }
  }
}
