package import GapLinearAlgebra

/// Multi-head attention within each sequence, with frozen weights and adapters where there are some.
///
/// ```
/// softmax(scale · q kᵀ) v, head by head; key and value heads may be shared by several query heads
/// ```
package struct Attention: Sendable {
  /// Which keys a query sees.
  package enum Reach: Sendable, Equatable {
    /// All of its sequence: vision encoders.
    case all
    /// Itself and what is before it; with a window, the last `window` of these.
    case before(window: Int?)
  }

  package var query: AdaptableLinear
  package var key: AdaptableLinear
  package var value: AdaptableLinear
  package var output: AdaptableLinear
  package let heads: Int
  package let keyHeads: Int
  package let headWidth: Int
  package let scale: Float
  package let reach: Reach
  package let rotary: RotaryEmbedding?
  package let queryNorm: Normalization?
  package let keyNorm: Normalization?

  package init(
    query: FrozenLinear, key: FrozenLinear, value: FrozenLinear, output: FrozenLinear, heads: Int,
    keyHeads: Int,
    headWidth: Int, scale: Float? = nil, reach: Reach, rotary: RotaryEmbedding? = nil,
    queryNorm: Normalization? = nil, keyNorm: Normalization? = nil
  ) {
    precondition(heads > 0 && keyHeads > 0 && heads % keyHeads == 0)
    precondition(query.outputs == heads * headWidth && key.outputs == keyHeads * headWidth)
    precondition(value.outputs == key.outputs && output.inputs == heads * headWidth)
    self.query = AdaptableLinear(query)
    self.key = AdaptableLinear(key)
    self.value = AdaptableLinear(value)
    self.output = AdaptableLinear(output)
    self.heads = heads
    self.keyHeads = keyHeads
    self.headWidth = headWidth
    self.scale = scale ?? 1 / Float(headWidth).squareRoot()
    self.reach = reach
    self.rotary = rotary
    self.queryNorm = queryNorm
    self.keyNorm = keyNorm
  }

  /// Queries that are worked on at a time.
  static let queryRows = 48

  /// - Parameter x: [tokens, width], normalised.
  /// - Returns: [tokens, width], before the residual is added.
  /// - Complexity: O(tokens · width² + Σ T² · width), T the length of a sequence.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws -> Block<Float> {
    precondition(x.rows == sequences.tokens)
    return try output.forward(mixed(prepared(x, sequences, on: pool), sequences, on: pool), on: pool)
  }

  /// What the heads mix from the values, [tokens, heads · head width].
  func mixed(_ parts: Saved, _ sequences: Sequences, on pool: WorkerPool) throws -> Block<Float> {
    let mixed = Block<Float>.unset(parts.query.rows, heads * headWidth)
    let scratch = (0..<pool.threads).map { _ in
      Buffer<Float>(unset: Self.queryRows * sequences.longest)
    }
    try pool.forEach(sequences.count * heads) { worker, piece in
      let (sequence, head) = piece.quotientAndRemainder(dividingBy: heads)
      let rows = sequences.rows(of: sequence)
      let own = head * headWidth..<(head + 1) * headWidth
      let shared = head / (heads / keyHeads) * headWidth
      let kept = shared..<shared + headWidth
      mix(
        parts.query.rows(rows).columns(own), parts.key.rows(rows).columns(kept),
        parts.value.rows(rows).columns(kept), sequences.branches[sequence], into: mixed.rows(rows).columns(own),
        scratch[worker])
    }
    return mixed
  }

  /// One head of one sequence, a block of queries at a time.
  private func mix(
    _ q: Block<Float>, _ k: Block<Float>, _ v: Block<Float>, _ branch: Sequences.Branch?,
    into target: Block<Float>, _ scratch: Buffer<Float>
  ) {
    for queries in Pieces(of: 0..<q.rows, size: Self.queryRows).all {
      let seen = reach == .all ? k.rows : queries.upperBound
      let weights = Block(scratch, rows: queries.count, columns: seen)
      self.weights(q, k, queries, branch, into: weights)
      Products.product(weights, v.rows(0..<seen), into: target.rows(queries))
    }
  }

  /// How much each of some queries takes from each key that any of them sees, [queries, keys].
  func weights(
    _ q: Block<Float>, _ k: Block<Float>, _ queries: Range<Int>, _ branch: Sequences.Branch?,
    into weights: Block<Float>
  ) {
    let seen = weights.columns
    Products.inner(q.rows(queries), k.rows(0..<seen), into: weights)
    for i in queries {
      let (first, hole, end) = bounds(of: i, seen, branch)
      let row = i - queries.lowerBound
      weights.writeRow(row) { row in
        for j in 0..<first { row[j] = 0 }
        for j in hole { row[j] = -.greatestFiniteMagnitude }
        for j in end..<seen { row[j] = 0 }
      }
      weights.columns(first..<end).writeRow(row) { ActivationKernels.softmax(&$0, scale: scale) }
      weights.writeRow(row) { row in for j in hole { row[j] = 0 } }
    }
  }

  /// The keys that a query sees: those of `first..<end` that are not in `hole`.
  private func bounds(
    of query: Int, _ seen: Int, _ branch: Sequences.Branch?
  ) -> (first: Int, hole: Range<Int>, end: Int) {
    guard case .before(let window) = reach else { return (0, 0..<0, seen) }
    guard let branch, query >= branch.start else {
      return (max(0, query + 1 - (window ?? query + 1)), 0..<0, query + 1)
    }
    let position = query - branch.start + branch.shared
    let first = max(0, position + 1 - (window ?? position + 1))
    guard first < branch.shared else { return (first - branch.shared + branch.start, 0..<0, query + 1) }
    return (first, branch.shared..<branch.start, query + 1)
  }
}
