import CGapKernels

/// Row operations between the products of attention, and all of it at once where the processor has bfloat16 products.
package enum AttentionKernels {
  /// The keys that a query sees: those of `first..<end` that are not in `hole`.
  package typealias Bounds = (first: Int, hole: Range<Int>, end: Int)

  /// Scores become weights: `softmax(scale · scores)` over the keys that a query sees, 0 elsewhere.
  ///
  /// - Parameters:
  ///   - scores: [queries · each, keys], one after the other.
  ///   - each: rows after each other that belong to one query.
  ///   - bounds: of query `i`, counted from 0.
  package static func weigh(_ scores: Block<Float>, each: Int, scale: Float, bounds: (Int) -> Bounds) {
    precondition(scores.isDense && scores.rows % each == 0)
    let seen = scores.columns
    for i in 0..<scores.rows / each {
      let (first, hole, end) = bounds(i)
      precondition(first >= 0 && first < end && end <= seen)
      precondition(
        hole.isEmpty || hole.lowerBound >= first && hole.upperBound <= end && hole.count < end - first)
      let rows = unsafe scores.buffer.pointer(at: scores.offset + i * each * seen, reaching: each * seen)
      var own = gap_attended(first: first, hole: hole.lowerBound, hole_end: hole.upperBound, end: end)
      unsafe gap_attend_rows(rows, seen, each, seen, &own, each, scale)
    }
  }

  /// From weights and their gradient, that of the scores before scaling, in place.
  package static func weighGradient(of weights: Block<Float>, scale: Float, to gradient: Block<Float>) {
    precondition(weights.rows == gradient.rows && weights.columns == gradient.columns)
    precondition(weights.isDense && gradient.isDense)
    unsafe gap_attend_rows_gradient(
      weights.buffer.pointer(at: weights.offset, reaching: weights.extent),
      gradient.buffer.pointer(at: gradient.offset, reaching: gradient.extent), weights.rows, weights.columns,
      scale)
  }

  /// Whether `HalfHeads` work here.
  package static let hasHalfHeads = gap_has_half_attention() != 0
}

/// Attention of the query heads that share a key head, in one sequence: products of factors rounded to bfloat16, sums and
/// everything between two products in single precision.
package struct HalfHeads {
  private let query: ProductRows
  private let key: ProductRows
  private let value: ProductRows
  private let keyHead: Int
  private let width: Int
  private let shared: Int
  package let scale: Float
  /// Queries worked on at a time.
  package let block: Int
  package let seesAll: Bool
  /// Of each query that asks, within the keys that its block sees.
  private let bounds: [gap_attended]

  /// - Parameters:
  ///   - query: of all heads in bfloat16, [tokens, heads · head width].
  ///   - key: likewise, [tokens, key heads · head width].
  ///   - value: likewise, [tokens, key heads · head width].
  ///   - keyHead: the one whose query heads these are.
  ///   - width: of a head.
  ///   - first: the first token that asks.
  ///   - seesAll: whether a query may see keys after it.
  ///   - bounds: of a query.
  package init(
    query: ProductRows, key: ProductRows, value: ProductRows, keyHead: Int, width: Int, first: Int, block: Int,
    seesAll: Bool, scale: Float, bounds: (Int) -> AttentionKernels.Bounds
  ) {
    precondition(AttentionKernels.hasHalfHeads, "this processor has no bfloat16 products")
    precondition(key.rows == query.rows && value.rows == query.rows && value.columns == key.columns)
    precondition(query.columns % key.columns == 0 && key.columns % width == 0)
    precondition(keyHead >= 0 && (keyHead + 1) * width <= key.columns)
    precondition(first >= 0 && first <= query.rows && block > 0)
    self.query = query
    self.key = key
    self.value = value
    self.keyHead = keyHead
    self.width = width
    self.block = block
    self.seesAll = seesAll
    self.scale = scale
    shared = query.columns / key.columns
    self.bounds = (first..<query.rows).map { i in
      let (first, hole, end) = bounds(i)
      precondition(first >= 0 && first < end && end <= (seesAll ? key.rows : i + 1))
      precondition(
        hole.isEmpty || hole.lowerBound >= first && hole.upperBound <= end && hole.count < end - first)
      return gap_attended(first: first, hole: hole.lowerBound, hole_end: hole.upperBound, end: end)
    }
  }

  private var first: Int { query.rows - bounds.count }

  /// Below this head width, tiles of 64 columns are mostly empty: single precision is as fast, and exact.
  package static let narrowest = 32

  /// Words of scratch that sequences of at most `tokens` tokens need.
  package static func scratch(tokens: Int, block: Int, shared: Int, width: Int) -> Int {
    gap_attention_room(tokens, min(block, tokens), shared, width)
  }

  @unsafe private func withHeads(_ body: (UnsafePointer<gap_heads>) -> Void) {
    unsafe bounds.withUnsafeBufferPointer { bounds in
      guard let base = bounds.baseAddress, !bounds.isEmpty else { return }
      var heads = unsafe gap_heads(
        q: query.halves + keyHead * shared * width, k: key.halves + keyHead * width,
        v: value.halves + keyHead * width, q_stride: query.columns, kv_stride: key.columns,
        tokens: query.rows, first: first, shared: shared, width: width,
        block: min(block, query.rows), sees_all: seesAll ? 1 : 0, bounds: base, scale: scale)
      unsafe body(&heads)
    }
  }

  /// What the heads mix from the values.
  ///
  /// - Parameters:
  ///   - target: of all heads in bfloat16, [queries that ask, heads · head width]; these heads' columns are written.
  ///   - scratch: `scratch(tokens:block:shared:width:)` words.
  package func mix(into target: ProductRows, _ scratch: Buffer<UInt32>) {
    precondition(target.rows == bounds.count && target.columns == query.columns)
    let room = unsafe self.room(scratch)
    let own = unsafe target.halves + keyHead * shared * width
    unsafe withHeads { unsafe gap_attention($0, own, target.columns, room) }
  }

  /// The gradients from that of what was mixed.
  ///
  /// - Parameters:
  ///   - gradient: of all heads in bfloat16, [queries that ask, heads · head width].
  ///   - ofQuery: [tokens, shared · head width], written to where queries ask.
  ///   - ofKey: [tokens, head width], added to.
  ///   - ofValue: [tokens, head width], added to.
  package func gradient(
    _ gradient: ProductRows, ofQuery: Block<Float>, addingOfKey ofKey: Block<Float>,
    ofValue: Block<Float>, _ scratch: Buffer<UInt32>
  ) {
    precondition(gradient.rows == bounds.count && gradient.columns == query.columns)
    precondition(ofQuery.rows == query.rows && ofQuery.columns == shared * width)
    precondition(ofKey.rows == key.rows && ofKey.columns == width && ofKey.stride == ofValue.stride)
    precondition(ofValue.rows == key.rows && ofValue.columns == width)
    let room = unsafe self.room(scratch)
    let slope = unsafe gradient.halves + keyHead * shared * width
    let q = unsafe ofQuery.buffer.pointer(at: ofQuery.offset, reaching: ofQuery.extent)
    let k = unsafe ofKey.buffer.pointer(at: ofKey.offset, reaching: ofKey.extent)
    let v = unsafe ofValue.buffer.pointer(at: ofValue.offset, reaching: ofValue.extent)
    unsafe withHeads {
      unsafe gap_attention_gradient($0, slope, gradient.columns, q, ofQuery.stride, k, v, ofKey.stride, room)
    }
  }

  @unsafe private func room(_ scratch: Buffer<UInt32>) -> UnsafeMutablePointer<UInt32> {
    let words = Self.scratch(tokens: query.rows, block: block, shared: shared, width: width)
    return unsafe scratch.pointer(at: 0, reaching: words)
  }
}
