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

    func forward(_ x: ProductRows, into y: Block<Float>, adding: Bool = false) throws {
      try weights.forward(x, into: y, adding: adding)
      if let bias { y.add(bias) }
    }

    func forward(_ x: ProductRows, into y: ProductRows) throws {
      try weights.forward(x, into: y)
      if let bias { y.add(bias) }
    }

    func addForward(_ x: Block<Float>, to y: Block<Float>) throws {
      try weights.forward(x, into: y, adding: true)
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

  private var precision: ProductPrecision { up.weights.precision }

  /// What one worker needs for a piece of rows.
  private struct Scratch {
    /// Normalised rows, [rows, width], and the gradient of these.
    let normed: ProductRows
    let slope: Block<Float>
    /// What enters `down`, [rows, inner width]; its gradient, and those of gate and factors.
    let hidden: ProductRows
    let ofHidden: Block<Float>
    let ofUp: ProductRows

    init(_ stages: BlockStages, _ x: Block<Float>, gradient: Bool = false) {
      let rows = min(x.rows, PackedWeights.rows)
      let inner = stages.up.weights.outputs
      normed = .unset(rows, x.columns, stages.precision)
      hidden = .unset(rows, inner, stages.precision)
      slope = .unset(gradient ? rows : 0, x.columns)
      ofHidden = .unset(gradient ? rows : 0, inner)
      ofUp = .unset(gradient && stages.gate != nil ? rows : 0, inner, stages.precision)
    }
  }

  private func scratch(_ x: Block<Float>, gradient: Bool = false, on pool: WorkerPool) -> [Scratch] {
    (0..<pool.threads).map { _ in Scratch(self, x, gradient: gradient) }
  }

  private static func pieces(_ x: Block<Float>) -> Pieces { Pieces(of: 0..<x.rows, size: PackedWeights.rows) }

  // MARK: Forward

  /// - Parameters:
  ///   - x: [tokens, width]; it is kept, not changed.
  ///   - turning: the rotary embedding's, for these sequences.
  ///   - tails: the rows whose output is wanted; nil for all.
  /// - Returns: [tokens, width], or of the tails alone, and what the gradient needs.
  package func forwardSaving(
    _ x: Block<Float>, _ sequences: Sequences, _ turning: Turning?, tails: SequenceTails? = nil,
    on pool: WorkerPool
  ) throws -> (Block<Float>, Saved) {
    let parts = try compared(x, turning, on: pool)
    let mixed = try attention.mixed(parts, sequences, tails: tails, on: pool)
    let input = x
    let x = tails?.gathered(x) ?? x
    let inner = ProductRows.unset(x.rows, up.weights.outputs, precision)
    let factors = gate == nil ? nil : ProductRows.unset(x.rows, up.weights.outputs, precision)
    let middle = Block<Float>.unset(x.rows, x.columns)
    let y = Block<Float>.unset(x.rows, x.columns)
    let pieces = Self.pieces(x)
    let scratch = scratch(x, on: pool)
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      try feed(
        x.rows(rows), mixed.rows(rows), inner: inner.rows(rows), factors: factors?.rows(rows),
        middle: middle.rows(rows), into: y.rows(rows), scratch[worker])
    }
    return (y, Saved(input: input, middle: middle, attention: parts, inner: inner, factors: factors))
  }

  /// Replaces x [tokens, width] by the block's output; nothing is kept.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, _ turning: Turning?, on pool: WorkerPool)
    throws
  {
    let parts = try compared(x, turning, on: pool)
    let mixed = try attention.mixed(parts, sequences, on: pool)
    let pieces = Self.pieces(x)
    let scratch = scratch(x, on: pool)
    try pool.forEach(pieces.count) { worker, piece in
      let rows = x.rows(pieces[piece])
      let inner = ProductRows.unset(rows.rows, up.weights.outputs, precision)
      let factors = gate == nil ? nil : ProductRows.unset(rows.rows, up.weights.outputs, precision)
      let middle = Block<Float>.unset(rows.rows, x.columns)
      try feed(
        rows, mixed.rows(pieces[piece]), inner: inner, factors: factors, middle: middle, into: rows,
        scratch[worker])
    }
  }

  /// Stage 1.
  private func compared(_ x: Block<Float>, _ turning: Turning?, on pool: WorkerPool) throws -> Attention.Saved {
    let kept = attention.headPrecision(precision)
    let (wide, narrow) = (query.weights.outputs, key.weights.outputs)
    let parts = Attention.Saved(
      query: .unset(x.rows, wide, kept), key: .unset(x.rows, narrow, kept), value: .unset(x.rows, narrow, kept),
      rawQuery: attention.queryNorm == nil ? nil : .unset(x.rows, wide),
      rawKey: attention.keyNorm == nil ? nil : .unset(x.rows, narrow))
    let pieces = Self.pieces(x)
    let most = min(x.rows, PackedWeights.rows)
    let scratch = (0..<pool.threads).map { _ in ProductRows.unset(most, x.columns, precision) }
    let unrounded = (0..<pool.threads).map { _ in
      Buffer<Float>(unset: kept == .single ? 0 : most * max(wide, narrow))
    }
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      let normed = scratch[worker].first(rows.count)
      block.attentionNorm.write(x.rows(rows), into: normed)
      for (layer, target, raw, norm, turning) in [
        (query, parts.query, parts.rawQuery, attention.queryNorm, turning),
        (key, parts.key, parts.rawKey, attention.keyNorm, turning),
        (value, parts.value, nil, nil, nil),
      ] {
        let target = target.rows(rows)
        let own =
          kept == .single
          ? target.block : Block(unrounded[worker], rows: rows.count, columns: target.columns)
        try layer.forward(normed, into: own)
        if let raw, let norm {
          raw.rows(rows).copy(own)
          norm.applyToHeads(of: own)
        }
        turning?.apply(to: own, headWidth: attention.headWidth, rows: rows)
        if kept != .single { target.copy(own) }
      }
    }
    return parts
  }

  /// Stage 3, on some rows.
  private func feed(
    _ x: Block<Float>, _ mixed: Block<Float>, inner: ProductRows, factors: ProductRows?, middle: Block<Float>,
    into y: Block<Float>, _ scratch: Scratch
  ) throws {
    middle.copy(x)
    try output.addForward(mixed, to: middle)
    let normed = scratch.normed.first(x.rows)
    block.feedForwardNorm.write(middle, into: normed)
    try (gate ?? up).forward(normed, into: inner)
    if let factors { try up.forward(normed, into: factors) }
    let hidden = scratch.hidden.first(x.rows)
    hidden.activate(feedForward.activation, gate: inner, up: factors)
    y.copy(middle)
    try down.forward(hidden, into: y, adding: true)
  }

  // MARK: Gradient

  /// The gradient of the input.
  ///
  /// - Parameters:
  ///   - gradient: of the output, [tokens, width], overwritten; of the tails alone where the pass gave these.
  ///   - turning: the rotary embedding's the other way, for these sequences.
  /// - Returns: [tokens, width]: `gradient` itself where it has all rows.
  package func inputGradient(
    _ gradient: Block<Float>, _ saved: Saved, _ sequences: Sequences, _ turning: Turning?,
    tails: SequenceTails? = nil, on pool: WorkerPool
  ) throws -> Block<Float> {
    let mixed = Block<Float>.unset(gradient.rows, output.weights.inputs)
    let pieces = Self.pieces(gradient)
    let scratch = scratch(saved.input, gradient: true, on: pool)
    try pool.forEach(pieces.count) { worker, piece in
      let rows = pieces[piece]
      let own = gradient.rows(rows)
      try feedGradient(own, saved, rows, scratch[worker])
      try output.weights.inputGradient(own, into: mixed.rows(rows))
    }
    let (dq, dk, dv) = try attention.headGradients(
      mixed, saved.attention, sequences, tails: tails, on: pool)
    let gradient = tails?.scattered(gradient) ?? gradient
    let all = Self.pieces(gradient)
    try pool.forEach(all.count) { worker, piece in
      let rows = all[piece]
      let normed = scratch[worker].slope.rows(0..<rows.count)
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
    return gradient
  }

  /// Of stage 3 but the output layer, on some rows: the gradient of y becomes that of h.
  private func feedGradient(
    _ gradient: Block<Float>, _ saved: Saved, _ rows: Range<Int>, _ scratch: Scratch
  ) throws {
    let ofHidden = scratch.ofHidden.rows(0..<rows.count)
    let normed = scratch.slope.rows(0..<rows.count)
    try down.weights.inputGradient(gradient, into: ofHidden)
    let ofInner = scratch.hidden.first(rows.count)
    let ofUp = gate == nil ? nil : scratch.ofUp.first(rows.count)
    ofInner.activateGradient(
      feedForward.activation, gate: saved.inner.rows(rows), up: saved.factors?.rows(rows), from: ofHidden,
      ofUp: ofUp)
    try (gate ?? up).weights.inputGradient(ofInner, into: normed)
    if let ofUp { try up.weights.inputGradient(ofUp, into: normed, adding: true) }
    block.feedForwardNorm.addGradient(normed, at: saved.middle.rows(rows), to: gradient)
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

  /// Adds the gradient of the inputs `x` to `target`; that of the outputs is overwritten.
  func addGradient(_ gradient: Block<Float>, at x: Block<Float>, to target: Block<Float>) {
    if case .rootMeanSquare(let weight, let offset, let epsilon) = self {
      return ActivationKernels.addNormalizeBySquareGradient(
        gradient, at: x, weight: weight, offset: offset, epsilon: epsilon, to: target)
    }
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
