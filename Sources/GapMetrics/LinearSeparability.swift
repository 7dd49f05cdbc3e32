import GapLinearAlgebra

/// How well a line tells the modality of a held-out row.
///
/// L2-regularised logistic regression on the unit rows, `½‖w‖² + Σ log(1 + exp(−y f))`, `f = w·z + b`, the intercept
/// free; five folds, pair i in fold i mod 5, so both members of a pair are held out together. ½: no gap that a line
/// can see; 1: disjoint. CLIP-like models sit at 1, trained or not: see `CentroidSeparability` for what moves.
///
/// One fit on all rows comes first: each fold's optimum is near it, and so is its curvature (`LogisticRegression`). With
/// fewer rows than columns the rows are first rotated into as many dimensions as there are rows, which changes nothing
/// in the problem.
///
/// - Source: the optimum is that of scikit-learn's LogisticRegression(C=1).
public struct LinearSeparability: Sendable, Equatable {
  /// Share of held-out rows on the right side, pooled over the folds, 0…1.
  public let accuracy: Double
  /// Area under the ROC curve of the held-out decision values, pooled; ties count half.
  public let auc: Double
  /// Pairs looked at; fewer than n above the limit.
  public let sampledPairs: Int

  /// Fits five classifiers on (a sample of) the pairs.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw; `LinearAlgebraError`.
  /// - Complexity: O(m d²) a step, some ten steps; m = min(n, limit) pairs of width d.
  public init(of pair: EmbeddingPair, limit: Int = 5000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "pairs")
    let m = sample.indices.count
    var rows = try sample.pooledRows(of: pair)
    if rows.columns > rows.rows { rows = try Factorization.rowFactor(destroying: rows) }
    let features = rows
    let folds = min(PairMoments.folds, m)
    let labels = (0..<2 * m).map { $0 < m ? 1.0 : -1.0 }
    let whole = try LogisticRegression(rows: features, labels: labels, pool: pair.pool)
    let curvature = try whole.curvature(times: 1 - 1 / Double(folds), features, labels, pool: pair.pool)
    let decisions = try pair.pool.map(folds) { _, fold in
      let training = labels.indices.map { $0 % m % folds == fold ? 0 : labels[$0] }
      let model = try LogisticRegression(
        rows: features, labels: training, start: whole.weights, curvature: curvature,
        pool: WorkerPool(threads: 1))
      return labels.indices.filter { training[$0] == 0 }.map { ($0, model.decision(features, $0)) }
    }.flatMap { $0 }
    let right = decisions.count { row, decision in (decision > 0) == (row < m) }
    accuracy = Double(right) / Double(2 * m)
    auc = Self.areaUnderCurve(
      positive: decisions.filter { $0.0 < m }.map(\.1), negative: decisions.filter { $0.0 >= m }.map(\.1))
    sampledPairs = m
  }

  /// The share of (positive, negative) pairs in the right order, ties counting half, by midranks.
  static func areaUnderCurve(positive: [Double], negative: [Double]) -> Double {
    let all = (positive.map { ($0, true) } + negative.map { ($0, false) }).sorted { $0.0 < $1.0 }
    var rankSum = 0.0
    var start = 0
    while start < all.count {
      var end = start
      while end < all.count, all[end].0 == all[start].0 { end += 1 }
      let midrank = Double(start + end + 1) / 2
      rankSum += midrank * Double(all[start..<end].count { $0.1 })
      start = end
    }
    let p = Double(positive.count)
    return (rankSum - p * (p + 1) / 2) / (p * Double(negative.count))
  }
}
