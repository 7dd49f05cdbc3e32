import GapLinearAlgebra

/// The mean over random directions of how far one cloud's projection must be moved onto the other's.
///
/// ```
/// mean over 256 unit directions u of W₁(x̂·u, ŷ·u),  W₁ = mean |sorted difference|
/// ```
///
/// 0: equal distributions. It sees shape as well as position; in many dimensions it is small even for disjoint
/// clouds, since a random direction is nearly orthogonal to the gap.
public struct SlicedWasserstein: Sendable, Equatable {
  /// 0…2.
  public let value: Double
  /// Pairs looked at; fewer than n above the limit.
  public let sampledPairs: Int

  static let directions = 256

  /// Projects (a sample of) the unit rows on seeded directions.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(256 m (d + log m)), m = min(n, limit) pairs of width d.
  public init(of pair: EmbeddingPair, limit: Int = 5000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "pairs")
    let (m, d) = (sample.indices.count, pair.imageDimension)
    let rows = try sample.pooledRows(of: pair)
    let axes = Self.axes(dimension: d, seed: seed)
    let projected = Block(
      Buffer<Double>(repeating: 0, count: axes.rows * 2 * m), rows: axes.rows, columns: 2 * m)
    try Products.inner(axes, rows, into: projected, on: pair.pool)
    let distances = try pair.pool.map(axes.rows) { _, axis in
      projected.row(axis) { values in
        let image = (0..<m).map { values[$0] }.sorted()
        let text = (m..<2 * m).map { values[$0] }.sorted()
        return (0..<m).reduce(0.0) { $0 + abs(image[$1] - text[$1]) } / Double(m)
      }
    }
    value = distances.reduce(0, +) / Double(distances.count)
    sampledPairs = m
  }

  private static func axes(dimension: Int, seed: UInt64) -> Block<Double> {
    var generator = SeededGenerator(seed: seed, purpose: "directions")
    let axes = Block(
      Buffer<Double>(repeating: 0, count: directions * dimension), rows: directions, columns: dimension)
    for axis in 0..<directions {
      axes.writeRow(axis) { row in
        for k in row.indices { row[k] = generator.normal() }
      }
      let norm = axes.row(axis) { RowKernels.norm($0) }
      axes.writeRow(axis) { RowKernels.divide(&$0, by: norm) }
    }
    return axes
  }
}
