import GapLinearAlgebra

/// The item of another pair that a query is most like: what retrieval finds in the place of the right one.
public struct HardestNegatives: Sendable, Equatable {
  /// One query and its hardest negative.
  public struct Item: Sendable, Equatable {
    /// The pair that the query is of.
    public let query: Int
    /// The pair that the negative is of.
    public let negative: Int
    /// Cosine of the two.
    public let cosine: Double
  }

  /// One for each query that has a negative, in the order of the queries.
  public let items: [Item]

  /// Rows that are read together.
  private static let blockRows = 1024

  /// Finds the negatives of some queries among all items of the other side.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - queries: pairs; with ids an image query is an image's first pair, and a negative is of another id.
  ///   - fromImages: whether images look for texts, or texts for images.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(q n d) time, O(q d) memory; q queries, n pairs of width d.
  public init(of pair: EmbeddingPair, queries: [Int], fromImages: Bool) throws {
    try pair.requireEqualDimensions()
    let (own, other) = fromImages ? (pair.image, pair.text) : (pair.text, pair.image)
    let d = own.dimension
    let looked = Block(
      Buffer<Double>(repeating: 0, count: queries.count * d), rows: queries.count, columns: d)
    try own.fill(looked, at: queries, on: pair.pool)
    @Sendable func isItem(_ item: Int) -> Bool {
      fromImages || pair.groupRepresentatives[pair.groups[item]] == item
    }
    var best = [(item: Int, cosine: Double)?](repeating: nil, count: queries.count)
    let storage = Buffer<Double>(repeating: 0, count: min(Self.blockRows, pair.count) * d)
    for range in Pieces(of: 0..<pair.count, size: Self.blockRows).all {
      let block = Block(storage, rows: range.count, columns: d)
      try other.fill(block, from: range.lowerBound, on: pair.pool)
      let found = try pair.pool.map(queries.count) { _, q in
        var most: (item: Int, cosine: Double)?
        for item in range where isItem(item) && pair.groups[item] != pair.groups[queries[q]] {
          let cosine = looked.row(q) { x in block.row(item - range.lowerBound) { RowKernels.dot(x, $0) } }
          if most.map({ cosine > $0.cosine }) ?? true { most = (item, cosine) }
        }
        return most
      }
      for (q, most) in found.enumerated() {
        if let most, best[q].map({ most.cosine > $0.cosine }) ?? true { best[q] = most }
      }
      other.release(range)
    }
    items = queries.indices.compactMap { q in
      best[q].map { Item(query: queries[q], negative: $0.item, cosine: $0.cosine) }
    }
  }
}
