package import GapLinearAlgebra

extension Attention {
  /// What the gradient needs, [tokens, heads · head width] each; weights of attention are made again.
  package struct Saved: Sendable {
    /// Queries and keys as they are compared, values: all in bfloat16 where their products are.
    let query: ProductRows
    let key: ProductRows
    let value: ProductRows
    /// Queries and keys before their norms; nil without these.
    let rawQuery: Block<Float>?
    let rawKey: Block<Float>?
    /// What entered, and what the heads mixed; nil where no adapter asks for it.
    var input: Block<Float>?
    var mixed: Block<Float>?
  }

  /// Queries, keys and values of `x`, ready to be compared.
  package func prepared(_ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws -> Saved {
    let q = try query.forward(x, on: pool)
    let k = try key.forward(x, on: pool)
    let v = try value.forward(x, on: pool)
    let rawQuery = queryNorm == nil ? nil : try q.copied(on: pool)
    let rawKey = keyNorm == nil ? nil : try k.copied(on: pool)
    try queryNorm?.applyToHeads(of: q, on: pool)
    try keyNorm?.applyToHeads(of: k, on: pool)
    try rotary?.apply(to: q, headWidth: headWidth, sequences, on: pool)
    try rotary?.apply(to: k, headWidth: headWidth, sequences, on: pool)
    return Saved(
      query: ProductRows(q), key: ProductRows(k), value: ProductRows(v), rawQuery: rawQuery, rawKey: rawKey)
  }

  /// As `forward`, keeping what the gradient needs.
  package func forwardSaving(
    _ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool
  ) throws -> (Block<Float>, Saved) {
    var saved = try prepared(x, sequences, on: pool)
    let mixed = try mixed(saved, sequences, on: pool).block
    if [query, key, value].contains(where: { $0.adapter != nil }) { saved.input = try x.copied(on: pool) }
    if output.adapter != nil { saved.mixed = mixed }
    return (try output.forward(mixed, on: pool), saved)
  }

  /// The gradient of the input.
  ///
  /// ```
  /// P = softmax(s q kᵀ)   dv = Pᵀ do   dP = do vᵀ   dS = s P (dP − Σ P dP)   dq = dS k   dk = dSᵀ q
  /// ```
  ///
  /// - Parameter dy: [tokens, width].
  package func inputGradient(
    _ dy: Block<Float>, _ saved: Saved, _ sequences: Sequences, on pool: WorkerPool
  ) throws -> Block<Float> {
    let mixed = try output.inputGradient(dy, at: saved.mixed, on: pool)
    let (dq, dk, dv) = try headGradients(ProductRows(mixed), saved, sequences, on: pool)
    try rotary?.apply(to: dq, headWidth: headWidth, sequences, turningBack: true, on: pool)
    try rotary?.apply(to: dk, headWidth: headWidth, sequences, turningBack: true, on: pool)
    if let queryNorm, let raw = saved.rawQuery { try queryNorm.applyGradientToHeads(at: raw, to: dq, on: pool) }
    if let keyNorm, let raw = saved.rawKey { try keyNorm.applyGradientToHeads(at: raw, to: dk, on: pool) }
    let dx = try query.inputGradient(dq, at: saved.input, on: pool)
    try key.addInputGradient(dk, at: saved.input, to: dx, on: pool)
    try value.addInputGradient(dv, at: saved.input, to: dx, on: pool)
    return dx
  }

  /// The gradients of queries and keys as they are compared, and of values.
  ///
  /// - Parameters:
  ///   - mixed: the gradient of what the heads mixed, in the precision of their products; of the tails alone, where there
  ///     are some.
  ///   - reached: the only rows with a gradient, where `mixed` has all; nil for all. The others hold anything, before and
  ///     after.
  func headGradients(
    _ mixed: ProductRows, _ saved: Saved, _ sequences: Sequences, tails: SequenceTails? = nil,
    reached: SequenceTails? = nil, on pool: WorkerPool
  ) throws -> (query: Block<Float>, key: Block<Float>, value: Block<Float>) {
    let tokens = sequences.tokens
    let dq: Block<Float> =
      tails == nil ? .unset(tokens, saved.query.columns) : .zeros(tokens, saved.query.columns)
    let dk = Block<Float>.zeros(tokens, saved.key.columns)
    let dv = Block<Float>.zeros(tokens, saved.value.columns)
    let scratch = (0..<pool.threads).map { _ in
      HeadScratch(self, sequences.longest, saved.query.precision, gradient: true)
    }
    // One piece is all query heads of a key head, since they add to the same keys and values.
    try pool.forEach(sequences.count * keyHeads) { worker, piece in
      let (sequence, keyHead) = piece.quotientAndRemainder(dividingBy: keyHeads)
      let rows = sequences.rows(of: sequence)
      let kept = keyHead * headWidth..<(keyHead + 1) * headWidth
      let own = keyHead * shared * headWidth..<(keyHead + 1) * shared * headWidth
      let asking = mixed.rows(tails?.rows(of: sequence) ?? reached?.allRows(of: sequence) ?? rows)
      let target = (dq.rows(rows).columns(own), dk.rows(rows).columns(kept), dv.rows(rows).columns(kept))
      let branch = sequences.branches[sequence]
      if let half = scratch[worker].half {
        halfHeads(saved, rows, keyHead, asking: asking.rows, branch).gradient(
          asking, ofQuery: target.0, addingOfKey: target.1, ofValue: target.2, half)
      } else {
        let parts = (
          saved.query.block.rows(rows).columns(own), saved.key.block.rows(rows).columns(kept),
          saved.value.block.rows(rows).columns(kept)
        )
        unmix(parts, asking.block.columns(own), branch, into: target, scratch[worker])
      }
    }
    return (dq, dk, dv)
  }

  private typealias Heads = (query: Block<Float>, key: Block<Float>, value: Block<Float>)

  /// The heads that share a key head, in one sequence, a block of queries at a time; see `mix`.
  private func unmix(
    _ at: Heads, _ gradient: Block<Float>, _ branch: Sequences.Branch?, into target: Heads,
    _ scratch: HeadScratch
  ) {
    let first = at.query.rows - gradient.rows
    for queries in blocks(of: first..<at.query.rows) {
      let seen = reach == .all ? at.key.rows : queries.upperBound
      let rows = queries.count * shared
      let weights = scratch.weights(rows, seen)
      let scores = scratch.slopes(rows, seen)
      let own = scratch.queries.rows(0..<rows)
      own.unfolded(shared).copy(at.query.rows(queries))
      self.weights(own, at.key, queries, branch, into: weights)
      let slope = scratch.results.rows(0..<rows)
      let asking = queries.lowerBound - first..<queries.upperBound - first
      slope.unfolded(shared).copy(gradient.rows(asking))
      Products.addCross(weights, slope, to: target.value.rows(0..<seen))
      Products.inner(slope, at.value.rows(0..<seen), into: scores)
      AttentionKernels.weighGradient(of: weights, scale: scale, to: scores)
      Products.addCross(scores, own, to: target.key.rows(0..<seen))
      Products.product(scores, at.key.rows(0..<seen), into: slope)
      target.query.rows(queries).copy(slope.unfolded(shared))
    }
  }
}
