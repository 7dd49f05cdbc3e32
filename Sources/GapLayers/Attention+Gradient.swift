package import GapLinearAlgebra

extension Attention {
  /// What the gradient needs, [tokens, heads · head width] each; weights of attention are made again.
  package struct Saved: Sendable {
    /// Queries and keys as they are compared, values.
    let query: Block<Float>
    let key: Block<Float>
    let value: Block<Float>
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
    return Saved(query: q, key: k, value: v, rawQuery: rawQuery, rawKey: rawKey)
  }

  /// As `forward`, keeping what the gradient needs.
  package func forwardSaving(
    _ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool
  ) throws -> (Block<Float>, Saved) {
    var saved = try prepared(x, sequences, on: pool)
    let mixed = try mixed(saved, sequences, on: pool)
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
    let (dq, dk, dv) = try headGradients(mixed, saved, sequences, on: pool)
    try rotary?.apply(to: dq, headWidth: headWidth, sequences, turningBack: true, on: pool)
    try rotary?.apply(to: dk, headWidth: headWidth, sequences, turningBack: true, on: pool)
    if let queryNorm, let raw = saved.rawQuery { try queryNorm.applyGradientToHeads(at: raw, to: dq, on: pool) }
    if let keyNorm, let raw = saved.rawKey { try keyNorm.applyGradientToHeads(at: raw, to: dk, on: pool) }
    let dx = try query.inputGradient(dq, at: saved.input, on: pool)
    try key.addInputGradient(dk, at: saved.input, to: dx, on: pool)
    try value.addInputGradient(dv, at: saved.input, to: dx, on: pool)
    return dx
  }

  /// The gradients of queries and keys as they are compared, and of values, from that of what the heads mixed.
  func headGradients(
    _ mixed: Block<Float>, _ saved: Saved, _ sequences: Sequences, on pool: WorkerPool
  ) throws -> (query: Block<Float>, key: Block<Float>, value: Block<Float>) {
    let dq = Block<Float>.unset(mixed.rows, saved.query.columns)
    let dk = Block<Float>.zeros(mixed.rows, saved.key.columns)
    let dv = Block<Float>.zeros(mixed.rows, saved.value.columns)
    let scratch = (0..<pool.threads).map { _ in
      Buffer<Float>(unset: 2 * Self.queryRows * sequences.longest)
    }
    let shared = heads / keyHeads
    // One piece is all query heads of a key head, since they add to the same keys and values.
    try pool.forEach(sequences.count * keyHeads) { worker, piece in
      let (sequence, keyHead) = piece.quotientAndRemainder(dividingBy: keyHeads)
      let rows = sequences.rows(of: sequence)
      let kept = keyHead * headWidth..<(keyHead + 1) * headWidth
      for head in keyHead * shared..<(keyHead + 1) * shared {
        let own = head * headWidth..<(head + 1) * headWidth
        unmix(
          (
            saved.query.rows(rows).columns(own), saved.key.rows(rows).columns(kept),
            saved.value.rows(rows).columns(kept)
          ),
          mixed.rows(rows).columns(own), sequences.branches[sequence],
          into: (dq.rows(rows).columns(own), dk.rows(rows).columns(kept), dv.rows(rows).columns(kept)),
          scratch[worker])
      }
    }
    return (dq, dk, dv)
  }

  private typealias Heads = (query: Block<Float>, key: Block<Float>, value: Block<Float>)

  /// One head of one sequence, a block of queries at a time.
  private func unmix(
    _ at: Heads, _ gradient: Block<Float>, _ branch: Sequences.Branch?, into target: Heads,
    _ scratch: Buffer<Float>
  ) {
    let half = scratch.count / 2
    for queries in Pieces(of: 0..<at.query.rows, size: Self.queryRows).all {
      let seen = reach == .all ? at.key.rows : queries.upperBound
      let weights = Block(scratch, rows: queries.count, columns: seen)
      let scores = Block(scratch, offset: half, rows: queries.count, columns: seen)
      self.weights(at.query, at.key, queries, branch, into: weights)
      let own = gradient.rows(queries)
      Products.addCross(weights, own, to: target.value.rows(0..<seen))
      Products.inner(own, at.value.rows(0..<seen), into: scores)
      for i in 0..<queries.count {
        weights.row(i) { p in
          scores.writeRow(i) { ActivationKernels.softmaxGradient(of: p, scale: scale, to: &$0) }
        }
      }
      Products.product(scores, at.key.rows(0..<seen), into: target.query.rows(queries))
      Products.addCross(scores, at.query.rows(queries), to: target.key.rows(0..<seen))
    }
  }
}
