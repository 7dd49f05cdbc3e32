import GapLinearAlgebra

/// How the contrastive loss changes when the two modalities are moved along the gap.
///
/// ```
/// x' = normalise(x̂ − λ Δ),  y' = normalise(ŷ + λ Δ)
/// loss = ½ (CE over rows + CE over columns) of x'y'ᵀ / temperature
/// ```
///
/// λ = 0 is the model as it is; λ = ½ brings the centres together. For CLIP the loss is lowest near λ = 0: the gap is
/// kept by the loss, at low temperature.
///
/// - Source: the embedding shift experiment of Liang et al., *Mind the Gap*, NeurIPS 2022, §4.1.
public struct ShiftSweep: Sendable, Equatable {
  /// One step of the sweep.
  public struct Point: Sendable, Equatable {
    /// λ.
    public let shift: Double
    /// Distance of the centres after the shift, negative once they have passed each other.
    public let signedDistance: Double
    /// Contrastive loss in nats.
    public let loss: Double
  }

  /// Steps by rising λ.
  public let points: [Point]
  /// Temperature of the loss.
  public let temperature: Double
  /// Pairs in the contrastive batch.
  public let sampledPairs: Int

  /// Sweeps λ from −½ to 1.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - temperature: of the softmax; 0.01 is where CLIP's training ends.
  ///   - limit: pairs in the batch; a seeded sample above it. The loss depends on it: compare at equal size.
  ///   - seed: of the sample.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(31 m² d), m = min(n, limit) pairs of width d.
  public init(of pair: EmbeddingPair, temperature: Double = 0.01, limit: Int = 1000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "shift")
    let m = sample.indices.count
    let rows = try sample.pooledRows(of: pair)
    let delta = Vector.difference(pair.moments.imageMean, pair.moments.textMean)
    let length = Vector.squaredLength(delta).squareRoot()
    self.temperature = temperature
    sampledPairs = m
    points = try pair.pool.map(31) { _, step in
      let shift = -0.5 + 0.05 * Double(step)
      let moved = Self.moved(rows, m, delta, shift)
      let means = (0..<2).map { side in Self.mean(moved.rows(side * m..<(side + 1) * m)) }
      let distance = length > 0 ? Vector.dot(Vector.difference(means[0], means[1]), delta) / length : 0
      return Point(
        shift: shift, signedDistance: distance,
        loss: Self.loss(moved.rows(0..<m), moved.rows(m..<2 * m), temperature))
    }
  }

  private static func moved(_ rows: Block<Double>, _ m: Int, _ delta: [Double], _ shift: Double) -> Block<
    Double
  > {
    let target = CentredFactors.copy(rows)
    let steps = [delta.map { -shift * $0 }, delta.map { shift * $0 }]
    for i in 0..<rows.rows { target.writeRow(i) { move(&$0, by: steps[i < m ? 0 : 1]) } }
    return target
  }

  /// `normalise(row + step)`; a row that lands on zero stays there.
  static func move(_ row: inout MutableSpan<Double>, by step: [Double]) {
    for k in row.indices { row[k] += step[k] }
    let norm = RowKernels.norm(row.span)
    if norm > 0 { RowKernels.divide(&row, by: norm) }
  }

  private static func mean(_ rows: Block<Double>) -> [Double] {
    var mean = [Double](repeating: 0, count: rows.columns)
    for i in 0..<rows.rows {
      rows.row(i) { row in
        var span = mean.mutableSpan
        RowKernels.add(row, to: &span)
      }
    }
    return mean.map { $0 / Double(rows.rows) }
  }

  /// Symmetric cross-entropy of the matching against all scores, mean over the batch.
  private static func loss(_ x: Block<Double>, _ y: Block<Double>, _ temperature: Double) -> Double {
    let m = x.rows
    let scores = Block(Buffer<Double>(repeating: 0, count: m * m), rows: m, columns: m)
    Products.inner(x, y, into: scores)
    var columnSums = [Double](repeating: 0, count: m)
    var total = 0.0
    for i in 0..<m {
      // Scores are at most 1, so 1/temperature is a safe maximum for every softmax.
      let exponents = scores.row(i) { row in row.indices.map { min(0, (row[$0] - 1) / temperature) } }
      let terms = RowKernels.exponentials(exponents.span)
      for j in 0..<m { columnSums[j] += terms[j] }
      total += logarithm(terms.reduce(0, +)) - 2 * exponents[i]
    }
    total += columnSums.reduce(0) { $0 + logarithm($1) }
    return total / Double(2 * m)
  }
}
