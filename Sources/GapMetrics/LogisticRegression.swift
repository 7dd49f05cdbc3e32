import GapLinearAlgebra

/// One L2-regularised logistic regression with a free intercept, fitted to convergence.
///
/// ```
/// minimise ½‖w‖² + Σ log(1 + exp(−y f)),   f = w·z + b
/// ```
///
/// Goals, in order: the optimum to nine digits; speed. Steps are `−C⁻¹ gradient` with a line search, C a Cholesky factor
/// of the Hessian in single precision. Gradients are in Double and decide when it has converged, so that the precision
/// and the age of C change the number of steps, never the answer. C is the costly part: one serves as long as every
/// step shrinks the gradient well.
struct LogisticRegression {
  /// Weights, then the intercept.
  let weights: [Double]

  private static let steps = 100
  private static let reuseBelow = 0.3
  private static let gradientTolerance = 1e-9

  /// - Parameters:
  ///   - rows: [m, d].
  ///   - labels: 1 or −1 for each row; 0 leaves it out.
  ///   - start: weights and intercept to start from; zeros without it.
  ///   - curvature: a Cholesky factor to start with, as `curvature(times:_:_:pool:)` makes it.
  /// - Throws: `LinearAlgebraError` when the Hessian is not positive definite or the steps run out.
  init(
    rows: Block<Double>, labels: [Double], start: [Double]? = nil, curvature: Block<Float>? = nil,
    pool: WorkerPool
  ) throws {
    let loss = LogisticLoss(rows: rows, labels: labels, pool: pool)
    var state = try loss.state(at: start ?? [Double](repeating: 0, count: rows.columns + 1))
    var factor = curvature
    var slope = Double.infinity
    var isReused = curvature != nil
    // Every factor that failed to serve again costs a step: after the first one of its own, every step gets its own.
    var patience = curvature == nil ? 1 : 2
    for step in 0..<Self.steps {
      let previous = slope
      slope = state.gradient.reduce(0) { max($0, abs($1)) }
      if slope <= Self.gradientTolerance * Double(loss.count) { break }
      let shrinksWell = slope <= Self.reuseBelow * previous
      if isReused && !shrinksWell { patience -= 1 }
      isReused = factor != nil && shrinksWell && patience > 0
      if !isReused { factor = nil }
      let current = try factor ?? loss.factor(at: state, weight: 1)
      factor = current
      var direction = state.gradient.map { Float($0) }
      try Factorization.solve(factor: current, &direction)
      // No step that lowers the loss: at the optimum to rounding.
      guard let next = try loss.lineSearch(from: state, along: direction.map { Double($0) }) else { break }
      state = next
      if step == Self.steps - 1 {
        throw LinearAlgebraError.notConverged(routine: "logistic regression", info: Self.steps)
      }
    }
    weights = state.weights
  }

  /// A factor of `I + weight · (Hessian of the rows' losses)` at the optimum, for fits on a share of the rows.
  func curvature(times weight: Double, _ rows: Block<Double>, _ labels: [Double], pool: WorkerPool) throws
    -> Block<Float>
  {
    let loss = LogisticLoss(rows: rows, labels: labels, pool: pool)
    return try loss.factor(at: loss.state(at: weights), weight: weight)
  }

  /// `w·z + b`.
  func decision(_ rows: Block<Double>, _ row: Int) -> Double {
    rows.row(row) { z in RowKernels.dot(z, weights.span.extracting(0..<z.count)) } + weights[weights.count - 1]
  }
}

/// The loss of a logistic regression on given rows, with its derivatives.
private struct LogisticLoss {
  let rows: Block<Double>
  /// 1, −1, or 0 for a row that is left out.
  let labels: [Double]
  let pool: WorkerPool
  /// Rows that take part.
  let count: Int

  private static let pieceRows = 64

  init(rows: Block<Double>, labels: [Double], pool: WorkerPool) {
    self.rows = rows
    self.labels = labels
    self.pool = pool
    count = labels.count { $0 != 0 }
  }

  struct State: Sendable {
    var weights: [Double]
    var loss: Double
    var gradient: [Double]
    /// `p (1 − p)` of each row, 0 for one that is left out.
    var curvature: [Double]
  }

  func state(at weights: [Double]) throws -> State {
    let d = rows.columns
    let pieces = Pieces(of: 0..<rows.rows, size: Self.pieceRows)
    let parts = try pool.map(pieces.count) { _, piece in part(pieces[piece], weights) }
    var total = State(
      weights: weights,
      loss: RowKernels.dot(weights.span.extracting(0..<d), weights.span.extracting(0..<d)) / 2,
      gradient: weights, curvature: [])
    total.gradient[d] = 0
    total.curvature.reserveCapacity(rows.rows)
    for part in parts {
      total.loss += part.loss
      total.curvature += part.curvature
      var gradient = total.gradient.mutableSpan
      RowKernels.add(part.gradient.span, to: &gradient)
    }
    return total
  }

  /// Loss, gradient and curvatures of a run of rows, without the regulariser.
  private func part(_ range: Range<Int>, _ weights: [Double]) -> State {
    let d = rows.columns
    let w = weights.span.extracting(0..<d)
    let margins = range.map { row in
      labels[row] == 0 ? 0 : labels[row] * (rows.row(row) { RowKernels.dot($0, w) } + weights[d])
    }
    // log(1 + exp(−m)) = max(−m, 0) + log(1 + exp(−|m|)): no overflow, no lost digits.
    let exponents = margins.map { -abs($0) }
    let decay = RowKernels.exponentials(exponents.span)
    let slopes = Buffer<Double>(repeating: 0, count: range.count)
    var part = State(weights: [], loss: 0, gradient: [], curvature: [])
    var interceptSlope = 0.0
    for (place, row) in range.enumerated() {
      guard labels[row] != 0 else {
        part.curvature.append(0)
        continue
      }
      let margin = margins[place]
      part.loss += max(-margin, 0) + logarithm(1 + decay[place])
      let wrong = margin > 0 ? decay[place] / (1 + decay[place]) : 1 / (1 + decay[place])
      part.curvature.append(wrong * (1 - wrong))
      slopes[place] = -labels[row] * wrong
      interceptSlope += slopes[place]
    }
    let gradient = Buffer<Double>(repeating: 0, count: d)
    Products.addCross(
      Block(slopes, rows: range.count, columns: 1), rows.rows(range), to: Block(gradient, rows: 1, columns: d))
    part.gradient = gradient.array() + [interceptSlope]
    return part
  }

  /// The Cholesky factor of `I + weight · Σ c (z, 1)(z, 1)ᵀ` (upper triangle, row-major) in single precision.
  ///
  /// The intercept, which is not regularised, gets 1e-6 in place of 1, so that no rounding makes it singular.
  func factor(at state: State, weight: Double) throws -> Block<Float> {
    let d = rows.columns
    let scaled = Block(
      Buffer<Float>(repeating: 0, count: rows.rows * (d + 1)), rows: rows.rows, columns: d + 1)
    let pieces = Pieces(of: 0..<rows.rows, size: Self.pieceRows)
    try pool.forEach(pieces.count) { _, piece in
      for row in pieces[piece] where state.curvature[row] > 0 {
        let root = (weight * state.curvature[row]).squareRoot()
        rows.row(row) { z in
          scaled.writeRow(row) { target in
            RowKernels.narrow(z, times: root, into: &target)
            target[d] = Float(root)
          }
        }
      }
    }
    let hessian = Block(Buffer<Float>(repeating: 0, count: (d + 1) * (d + 1)), rows: d + 1, columns: d + 1)
    try Products.add([.gram(scaled, to: hessian)], on: pool)
    for k in 0..<d { hessian.buffer[k * (d + 1) + k] += 1 }
    hessian.buffer[d * (d + 1) + d] += 1e-6
    try Factorization.choleskyInPlace(hessian)
    return hessian
  }

  /// The state after the longest step `−2⁻ᵏ direction` that lowers the loss enough; nil when none does.
  func lineSearch(from state: State, along direction: [Double]) throws -> State? {
    var step = 1.0
    let descent = zip(state.gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    for _ in 0..<40 {
      let candidate = direction.indices.map { state.weights[$0] - step * direction[$0] }
      let next = try self.state(at: candidate)
      if next.loss < state.loss, next.loss <= state.loss - 1e-4 * step * descent { return next }
      step /= 2
    }
    return nil
  }
}
