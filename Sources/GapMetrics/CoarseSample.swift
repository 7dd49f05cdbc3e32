import GapLinearAlgebra

/// Which numbers a scan of scores begins with.
enum ScoreLevels: Sendable {
  /// Coarse ones where they pay: by a sample of the rows.
  case chosen
  /// For tests.
  case fixed, coarse
}

/// Rows drawn evenly from both sides of a scan: how to round all of them, and what that would leave open.
struct CoarseSample {
  let rounding: CoarseRows.Rounding
  /// Exact scores, [left, right] in the sample, and their places among all that take part.
  private let scores: Block<Double>
  private let left: [Int]
  private let right: [Int]
  /// How far coarse scores of the sample may lie from these.
  let bound: Double

  /// Rows of each side.
  private static let size = 256
  /// With fewer scores, choosing costs more than it saves.
  private static let fewest = 1 << 23
  /// The most scores that may be left open: a score of the second level costs as much as some ten of the first save.
  private static let mostOpen = 0.05
  /// How many times the sample's largest number about the centre still fits into 127: others' may be larger.
  private static let margin = 1.2

  /// A sample of the rows at `left` and `right` (all where nil); nil where coarse numbers do not pay.
  ///
  /// - Parameter share: of the scores that they would leave open.
  init?(
    _ levels: ScoreLevels, _ left: ScannedSides.Side, _ right: ScannedSides.Side, on pool: WorkerPool,
    open share: (_ sample: CoarseSample) -> Double
  ) throws {
    let counts = [left, right].map { $0.indices?.count ?? $0.rows.count }
    guard levels != .fixed, CoarseRows.isSupported, left.rows.dimension <= CoarseRows.longest else {
      return nil
    }
    guard counts.allSatisfy({ $0 > 0 }), levels == .coarse || counts[0] * counts[1] >= Self.fewest else {
      return nil
    }
    try self.init(left, right, on: pool)
    guard levels == .coarse || share(self) <= Self.mostOpen else { return nil }
  }

  private init(_ left: ScannedSides.Side, _ right: ScannedSides.Side, on pool: WorkerPool) throws {
    func drawn(_ side: ScannedSides.Side) throws -> ([Int], Block<Double>) {
      let count = side.indices?.count ?? side.rows.count
      let places = (0..<min(count, Self.size)).map { $0 * count / min(count, Self.size) }
      let d = side.rows.dimension
      let rows = Block(Buffer<Double>(repeating: 0, count: places.count * d), rows: places.count, columns: d)
      try side.rows.fill(rows, at: places.map { side.indices?[$0] ?? $0 }, on: pool)
      return (places, rows)
    }
    let (x, y): (Block<Double>, Block<Double>)
    (self.left, x) = try drawn(left)
    (self.right, y) = try drawn(right)
    let (a, b) = (Self.centreAndScale(x), Self.centreAndScale(y))
    let rounding = CoarseRows.Rounding(
      leftCentre: a.centre, leftScale: a.scale, rightCentre: b.centre, rightScale: b.scale)
    self.rounding = rounding
    scores = Block(
      Buffer<Double>(repeating: 0, count: x.rows * y.rows), rows: x.rows, columns: y.rows)
    Products.inner(x, y, into: scores)
    let rounded = [(FixedPointRows.Role.left, x), (.right, y)].map { role, rows in
      let rounded = CoarseRows(role, capacity: rows.rows, rounding: rounding)
      for i in 0..<rows.rows { rows.row(i) { rounded.set(i, to: $0) } }
      return rounded
    }
    bound = CoarseRows.bound(rounded[0], of: x.rows, rounded[1], of: y.rows)
  }

  private static func centreAndScale(_ rows: Block<Double>) -> (centre: [Double], scale: Double) {
    var centre = [Double](repeating: 0, count: rows.columns)
    for i in 0..<rows.rows { rows.row(i) { row in for k in row.indices { centre[k] += row[k] } } }
    for k in centre.indices { centre[k] /= Double(rows.rows) }
    var largest = 0.0
    for i in 0..<rows.rows {
      rows.row(i) { row in for k in row.indices { largest = max(largest, abs(row[k] - centre[k])) } }
    }
    return (centre, min(127 / (margin * largest), CoarseRows.largestScale))
  }

  /// The share of scores within the bound of a threshold of their row or column.
  func open(_ rowThresholds: [Double]?, _ columnThresholds: [Double]?) -> Double {
    share { i, j, score in
      [rowThresholds?[left[i]], columnThresholds?[right[j]]].contains { threshold in
        threshold.map { abs(score - $0) <= bound } ?? false
      }
    }
  }

  /// The share of scores that may be among a row's best, which are taken to score as the best of the sample or better.
  func openAmongBest() -> Double {
    let best = (0..<scores.rows).map { i in
      scores.row(i) { row in
        // The row itself, where it is on both sides, is no neighbour.
        row.indices.reduce(-1.0) { row[$1] < 1 - 1e-9 ? max($0, row[$1]) : $0 }
      }
    }
    return share { i, _, score in score >= best[i] - 2 * bound }
  }

  private func share(_ isOpen: (_ i: Int, _ j: Int, _ score: Double) -> Bool) -> Double {
    var open = 0
    for i in 0..<scores.rows {
      scores.row(i) { row in for j in row.indices where isOpen(i, j, row[j]) { open += 1 } }
    }
    return Double(open) / Double(max(scores.rows * scores.columns, 1))
  }
}
