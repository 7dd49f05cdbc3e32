import GapLinearAlgebra

/// How well a line tells the modality of a held-out row.
///
/// L2-regularised logistic regression on the unit rows, `½‖w‖² + Σ log(1 + exp(−y f))`, `f = w·z + b`, the intercept
/// free; five folds, pair i in fold i mod 5, so both members of a pair are held out together. ½: no gap that a line
/// can see; 1: disjoint. CLIP-like models sit at 1, trained or not: see `CentroidSeparability` for what moves.
///
/// Newton's method to convergence: gradients in Double, the Hessian in single precision and kept while
/// it serves, which costs a few cheap steps; the optimum is the Double one. With fewer rows than columns the rows are first
/// rotated into as many dimensions as there are rows, which changes nothing in the problem.
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
  /// - Complexity: O(m d²) a step, some ten steps a fold; m = min(n, limit) pairs of width d.
  public init(of pair: EmbeddingPair, limit: Int = 5000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "pairs")
    let m = sample.indices.count
    var rows = try sample.pooledRows(of: pair)
    if rows.columns > rows.rows { rows = try Factorization.rowFactor(destroying: rows) }
    let features = rows
    let folds = min(PairMoments.folds, m)
    let decisions = try pair.pool.map(folds) { _, fold in
      let model = try LogisticRegression(
        rows: features, isImage: { $0 < m }, isTraining: { $0 % m % folds != fold })
      return (0..<2 * m).filter { $0 % m % folds == fold }.map { ($0, model.decision(features, $0)) }
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

/// One logistic regression, fitted by Newton's method.
struct LogisticRegression {
  /// Weights, then the intercept.
  let weights: [Double]

  private static let steps = 100
  private static let reuseBelow = 0.3
  private static let gradientTolerance = 1e-9

  /// - Throws: `LinearAlgebraError` when the Hessian is not positive definite or the steps run out.
  init(rows: Block<Double>, isImage: (Int) -> Bool, isTraining: (Int) -> Bool) throws {
    let training = (0..<rows.rows).filter(isTraining)
    weights = try Self.optimum(rows, training, training.map { isImage($0) ? 1.0 : -1.0 })
  }

  private static func optimum(_ rows: Block<Double>, _ training: [Int], _ labels: [Double]) throws -> [Double] {
    let d = rows.columns
    var state = Self.state(rows, training, labels, [Double](repeating: 0, count: d + 1))
    let scaled = Block(
      Buffer<Float>(repeating: 0, count: training.count * (d + 1)), rows: training.count, columns: d + 1)
    let hessian = Block(Buffer<Float>(repeating: 0, count: (d + 1) * (d + 1)), rows: d + 1, columns: d + 1)
    var slope = Double.infinity
    var isStale = false
    var mayReuse = true
    for _ in 0..<steps {
      let previous = slope
      slope = state.gradient.reduce(0) { max($0, abs($1)) }
      if slope <= gradientTolerance * Double(training.count) { return state.weights }
      // The Hessian is the costly part: the last one serves while it shrinks the gradient well, and once it has
      // failed to, every step gets its own.
      let shrinksWell = previous < .infinity && slope <= reuseBelow * previous
      if isStale && !shrinksWell { mayReuse = false }
      isStale = shrinksWell && mayReuse
      if !isStale {
        scale(rows, training, state.curvature, into: scaled)
        hessian.buffer.fill(0)
        for tile in Tile.covering(rows: d + 1, columns: d + 1, side: 256, upperOnly: true) {
          Products.addCross(
            scaled.columns(tile.rows), scaled.columns(tile.columns),
            to: hessian.rows(tile.rows).columns(tile.columns))
        }
        for k in 0..<d { hessian.buffer[k * (d + 1) + k] += 1 }
        hessian.buffer[d * (d + 1) + d] += 1e-6
        try Factorization.choleskyInPlace(hessian)
      }
      var direction = state.gradient.map { Float($0) }
      try Factorization.solve(factor: hessian, &direction)
      // No step that lowers the loss: at the optimum to rounding.
      guard let next = lineSearch(rows, training, labels, direction.map { Double($0) }, state) else {
        return state.weights
      }
      state = next
    }
    throw LinearAlgebraError.notConverged(routine: "logistic regression", info: steps)
  }

  /// Rows `√weight · (z, 1)` in single precision, whose Gram matrix is the Hessian of the loss.
  private static func scale(
    _ rows: Block<Double>, _ training: [Int], _ curvature: [Double], into scaled: Block<Float>
  ) {
    let d = rows.columns
    for (place, row) in training.enumerated() {
      let weight = curvature[place].squareRoot()
      rows.row(row) { z in
        scaled.writeRow(place) { target in
          for k in 0..<d { target[k] = Float(z[k] * weight) }
          target[d] = Float(weight)
        }
      }
    }
  }

  /// `w·z + b`.
  func decision(_ rows: Block<Double>, _ row: Int) -> Double {
    rows.row(row) { z in RowKernels.dot(z, weights.span.extracting(0..<z.count)) } + weights[weights.count - 1]
  }

  private struct State {
    var weights: [Double]
    var loss: Double
    var gradient: [Double]
    /// `p (1 − p)` of each training row.
    var curvature: [Double]
  }

  private static func state(
    _ rows: Block<Double>, _ training: [Int], _ labels: [Double], _ weights: [Double]
  ) -> State {
    let d = rows.columns
    let w = weights.span.extracting(0..<d)
    let margins = training.indices.map { place in
      labels[place] * (rows.row(training[place]) { RowKernels.dot($0, w) } + weights[d])
    }
    // log(1 + exp(−m)) = max(−m, 0) + log(1 + exp(−|m|)): no overflow, no lost digits.
    let exponents = margins.map { -abs($0) }
    let decay = RowKernels.exponentials(exponents.span)
    var loss = RowKernels.dot(w, w) / 2
    var gradient = [Double](repeating: 0, count: d + 1)
    var curvature = [Double](repeating: 0, count: training.count)
    let slopes = Buffer<Double>(repeating: 0, count: rows.rows)  // held-out rows keep 0
    for (place, margin) in margins.enumerated() {
      loss += max(-margin, 0) + logarithm(1 + decay[place])
      let wrong = margin > 0 ? decay[place] / (1 + decay[place]) : 1 / (1 + decay[place])
      curvature[place] = wrong * (1 - wrong)
      let slope = -labels[place] * wrong
      slopes[training[place]] = slope
      gradient[d] += slope
    }
    let total = Block(Buffer<Double>(repeating: 0, count: d), rows: 1, columns: d)
    Products.addCross(Block(slopes, rows: rows.rows, columns: 1), rows, to: total)
    for k in 0..<d { gradient[k] = total.buffer[k] + weights[k] }
    return State(weights: weights, loss: loss, gradient: gradient, curvature: curvature)
  }

  private static func lineSearch(
    _ rows: Block<Double>, _ training: [Int], _ labels: [Double], _ direction: [Double], _ state: State
  ) -> State? {
    var step = 1.0
    let descent = zip(state.gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    for _ in 0..<40 {
      let candidate = direction.indices.map { state.weights[$0] - step * direction[$0] }
      let next = Self.state(rows, training, labels, candidate)
      if next.loss < state.loss, next.loss <= state.loss - 1e-4 * step * descent { return next }
      step /= 2
    }
    return nil
  }
}
