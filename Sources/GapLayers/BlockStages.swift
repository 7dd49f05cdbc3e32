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

  private var precision: ProductPrecision { up.weights.precision }

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

  /// The same for the gradient.
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

  /// The same for the gradient of stage 1.
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

  // MARK: Gradient

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
