import CGapKernels

/// Row operations between the products of attention.
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
      precondition(hole.isEmpty || hole.lowerBound >= first && hole.upperBound <= end)
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
}
