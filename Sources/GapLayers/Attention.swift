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

  /// Query heads that share a key head.
  var shared: Int { heads / keyHeads }

  /// Queries that are worked on at a time: with those of all heads that share a key head, enough rows for a product;
  /// fewer where a later query sees more keys, since a block goes over all that any of its queries sees.
  var queryRows: Int { reach == .all ? 96 : shared > 1 ? 32 : 48 }

  /// The same for products of bfloat16, which lose less with few rows.
  var halfQueryRows: Int { reach == .all ? 96 : max(16, 48 / shared) }

  /// Queries in blocks of `queryRows`, which end at its multiples wherever the first begins.
  func blocks(of queries: Range<Int>) -> [Range<Int>] {
    let start = queries.lowerBound / queryRows * queryRows
    return Pieces(of: start..<queries.upperBound, size: queryRows).all.map { $0.clamped(to: queries) }
  }

  /// - Parameter x: [tokens, width], normalised.
  /// - Returns: [tokens, width], before the residual is added.
  /// - Complexity: O(tokens · width² + Σ T² · width), T the length of a sequence.
  package func forward(_ x: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws -> Block<Float> {
    precondition(x.rows == sequences.tokens)
    return try output.forward(mixed(prepared(x, sequences, on: pool), sequences, on: pool).block, on: pool)
  }

  /// The precision of the products within heads, where those with weights have `precision`.
  func headPrecision(_ precision: ProductPrecision) -> ProductPrecision {
    headWidth >= HalfHeads.narrowest && AttentionKernels.hasHalfHeads ? precision : .single
  }

  /// What the heads mix from the values, [tokens, heads · head width], in the precision of their products; of the tails
  /// alone, where there are some.
  func mixed(
    _ parts: Saved, _ sequences: Sequences, tails: SequenceTails? = nil, on pool: WorkerPool
  ) throws -> ProductRows {
    let mixed = ProductRows.unset(
      tails?.tokens ?? parts.query.rows, heads * headWidth, parts.query.precision)
    let scratch = (0..<pool.threads).map { _ in HeadScratch(self, sequences.longest, parts.query.precision) }
    try pool.forEach(sequences.count * keyHeads) { worker, piece in
      let (sequence, keyHead) = piece.quotientAndRemainder(dividingBy: keyHeads)
      let rows = sequences.rows(of: sequence)
      let own = keyHead * shared * headWidth..<(keyHead + 1) * shared * headWidth
      let kept = keyHead * headWidth..<(keyHead + 1) * headWidth
      let target = mixed.rows(tails?.rows(of: sequence) ?? rows)
      let branch = sequences.branches[sequence]
      if let half = scratch[worker].half {
        halfHeads(parts, rows, keyHead, asking: target.rows, branch).mix(into: target, half)
      } else {
        mix(
          parts.query.block.rows(rows).columns(own), parts.key.block.rows(rows).columns(kept),
          parts.value.block.rows(rows).columns(kept), branch, into: target.block.columns(own),
          scratch[worker])
      }
    }
    return mixed
  }

  /// What one worker needs for the heads that share a key head.
  struct HeadScratch {
    /// For products of bfloat16, and nothing of the other then.
    let half: Buffer<UInt32>?
    /// Queries and results of a block, [queries · shared, head width].
    let queries: Block<Float>
    let results: Block<Float>
    private let weights: Buffer<Float>
    private let slopes: Buffer<Float>

    /// - Parameter precision: of the products.
    init(_ attention: Attention, _ longest: Int, _ precision: ProductPrecision, gradient: Bool = false) {
      let isHalf = precision == .bfloat16
      let words = HalfHeads.scratch(
        tokens: longest, block: attention.halfQueryRows, shared: attention.shared, width: attention.headWidth)
      half = isHalf ? Buffer(unset: words) : nil
      let rows = isHalf ? 0 : min(attention.queryRows, longest) * attention.shared
      queries = .unset(rows, attention.headWidth)
      results = .unset(rows, attention.headWidth)
      weights = Buffer(unset: rows * longest)
      slopes = Buffer(unset: gradient ? rows * longest : 0)
    }

    /// [rows, keys] each.
    func weights(_ rows: Int, _ keys: Int) -> Block<Float> { Block(weights, rows: rows, columns: keys) }
    func slopes(_ rows: Int, _ keys: Int) -> Block<Float> { Block(slopes, rows: rows, columns: keys) }
  }

  /// The heads that share a key head, in one sequence, a block of queries at a time.
  ///
  /// - Parameter q: [tokens, shared · head width]: row by row, the heads' queries lie one after the other, so that a block
  ///   of rows copied together is a matrix of all their queries. The last of them, as many as `target` has rows, ask.
  private func mix(
    _ q: Block<Float>, _ k: Block<Float>, _ v: Block<Float>, _ branch: Sequences.Branch?,
    into target: Block<Float>, _ scratch: HeadScratch
  ) {
    let first = q.rows - target.rows
    for queries in blocks(of: first..<q.rows) {
      let seen = reach == .all ? k.rows : queries.upperBound
      let rows = queries.count * shared
      let weights = scratch.weights(rows, seen)
      let own = scratch.queries.rows(0..<rows)
      own.unfolded(shared).copy(q.rows(queries))
      self.weights(own, k, queries, branch, into: weights)
      let mixed = scratch.results.rows(0..<rows)
      Products.product(weights, v.rows(0..<seen), into: mixed)
      target.rows(queries.lowerBound - first..<queries.upperBound - first).copy(mixed.unfolded(shared))
    }
  }

  /// The heads that share a key head, in one sequence, for products of bfloat16.
  ///
  /// - Parameters:
  ///   - rows: the sequence's.
  ///   - asking: how many tokens ask, its last.
  func halfHeads(
    _ parts: Saved, _ rows: Range<Int>, _ keyHead: Int, asking: Int, _ branch: Sequences.Branch?
  ) -> HalfHeads {
    HalfHeads(
      query: parts.query.rows(rows), key: parts.key.rows(rows), value: parts.value.rows(rows), keyHead: keyHead,
      width: headWidth, first: rows.count - asking, block: halfQueryRows, seesAll: reach == .all, scale: scale
    ) { bounds(of: $0, rows.count, branch) }
  }

  /// How much each of some queries takes from each key that any of them sees, [queries · shared, keys].
  func weights(
    _ own: Block<Float>, _ k: Block<Float>, _ queries: Range<Int>, _ branch: Sequences.Branch?,
    into weights: Block<Float>
  ) {
    let seen = weights.columns
    Products.inner(own, k.rows(0..<seen), into: weights)
    AttentionKernels.weigh(weights, each: shared, scale: scale) { i in
      bounds(of: queries.lowerBound + i, seen, branch)
    }
  }

  /// The keys that a query sees: those of `first..<end` that are not in `hole`.
  private func bounds(
    of query: Int, _ seen: Int, _ branch: Sequences.Branch?
  ) -> AttentionKernels.Bounds {
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

extension Block<Float> {
  /// The same numbers, `count` rows in one: [rows / count, columns · count].
  func unfolded(_ count: Int) -> Block<Float> {
    precondition(isDense && rows % count == 0)
    return Block(buffer, offset: offset, rows: rows / count, columns: columns * count)
  }
}
