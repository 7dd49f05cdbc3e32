import GapLinearAlgebra

/// The pairs that a quadratic metric looks at: all of them up to a limit, a seeded sample above it.
package struct PairSample: Sendable {
  /// Pairs, ascending.
  package let indices: [Int]
  /// Whether pairs were left out.
  package let isSampled: Bool

  /// - Parameter purpose: names the stream of random numbers; metrics of one purpose see the same sample.
  package init(of count: Int, limit: Int, seed: UInt64, purpose: String) {
    var generator = SeededGenerator(seed: seed, purpose: purpose)
    indices = generator.sample(min(limit, count), of: count)
    isSampled = indices.count < count
  }

  /// The unit rows of both sides at the sample, [2m, d], images first.
  func pooledRows(of pair: EmbeddingPair) throws -> Block<Double> {
    let (m, d) = (indices.count, pair.imageDimension)
    let rows = Block(Buffer<Double>(repeating: 0, count: 2 * m * d), rows: 2 * m, columns: d)
    try pair.image.fill(rows.rows(0..<m), at: indices, on: pair.pool)
    try pair.text.fill(rows.rows(m..<2 * m), at: indices, on: pair.pool)
    return rows
  }
}
