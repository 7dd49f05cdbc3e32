import GapLinearAlgebra

/// One side's unit rows as whole numbers, in whose products most comparisons of scores are decided.
///
/// With 16-bit numbers, or in two levels: 8-bit numbers decide most, at half the time, and 16-bit ones, row by row, most of
/// the others. Either way, what is left is for the caller to score in Double.
final class ScoredRows: Sendable {
  private enum Levels: Sendable {
    case fixed(FixedPointRows)
    case coarse(CoarseRows, FixedPointRows)
  }
  private let levels: Levels

  /// - Parameter rounding: of coarse numbers; nil without these.
  init(_ role: FixedPointRows.Role, capacity: Int, dimension: Int, rounding: CoarseRows.Rounding?) {
    if let rounding {
      levels = .coarse(
        CoarseRows(role, capacity: capacity, rounding: rounding),
        FixedPointRows(.apart, capacity: capacity, dimension: dimension))
    } else {
      levels = .fixed(FixedPointRows(role, capacity: capacity, dimension: dimension))
    }
  }

  var capacity: Int {
    switch levels {
    case .fixed(let rows): rows.capacity
    case .coarse(let rows, _): rows.capacity
    }
  }

  /// Rounds a unit row into place.
  func set(_ index: Int, to row: Span<Double>) {
    switch levels {
    case .fixed(let rows): rows.set(index, to: row)
    case .coarse(let rows, let finer):
      rows.set(index, to: row)
      finer.set(index, to: row)
    }
  }

  /// Scores of a tile, in the first level.
  static func inner(_ left: ScoredRows, _ right: ScoredRows, _ tile: Tile, into scores: Buffer<Int32>) -> Block<
    Int32
  > {
    switch (left.levels, right.levels) {
    case (.fixed(let left), .fixed(let right)):
      FixedPointProducts.inner(left, tile.rows, right, tile.columns, into: scores)
    case (.coarse(let left, _), .coarse(let right, _)):
      CoarseRows.inner(left, tile.rows, right, tile.columns, into: scores)
    default: preconditionFailure("both sides have the same levels")
    }
  }

  /// One score in the second level; nil where there is none.
  static func finer(_ left: ScoredRows, _ i: Int, _ right: ScoredRows, _ j: Int) -> Int32? {
    guard case (.coarse(_, let left), .coarse(_, let right)) = (left.levels, right.levels) else { return nil }
    return left.dot(i, right, j)
  }

  /// How far scores may lie from the exact ones, in either level.
  struct Errors: Sendable {
    let first: ScoreError
    /// nil where there is no second level.
    let second: ScoreError?

    /// Of the first `rows` rows on one side and the first `columns` on the other.
    init(_ left: ScoredRows, of rows: Int, _ right: ScoredRows, of columns: Int) {
      func fixed(_ x: FixedPointRows, _ y: FixedPointRows) -> ScoreError {
        ScoreError(
          left: x.largestError(of: rows), right: y.largestError(of: columns), dimension: x.dimension)
      }
      switch (left.levels, right.levels) {
      case (.fixed(let x), .fixed(let y)): (first, second) = (fixed(x, y), nil)
      case (.coarse(let x, let finerX), .coarse(let y, let finerY)):
        (first, second) = (ScoreError(x, of: rows, y, of: columns), fixed(finerX, finerY))
      default: preconditionFailure("both sides have the same levels")
      }
    }
  }
}

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
  /// Exact scores, [left, right] in the sample, and the rows they are of.
  private let scores: Block<Double>
  private let left: [Int]
  private let right: [Int]
  private let bound: Double

  /// Rows of each side.
  private static let size = 256
  /// With fewer scores, choosing costs more than it saves.
  private static let fewest = 1 << 23
  /// The most scores that may be left open: a score of the second level costs as much as some ten of the first save.
  private static let mostOpen = 0.05
  /// What the largest number of the sample lies below 127, since the others' may be larger.
  private static let margin = 1.1

  /// Rounding for the rows at `left` and `right` (all where nil); nil where coarse numbers do not pay.
  static func rounding(
    _ levels: ScoreLevels, _ left: (rows: UnitRows, indices: [Int]?),
    _ right: (rows: UnitRows, indices: [Int]?),
    on pool: WorkerPool, isOpen: (_ sample: CoarseSample) -> Double
  ) throws -> CoarseRows.Rounding? {
    let counts = [left, right].map { $0.indices?.count ?? $0.rows.count }
    guard levels != .fixed, CoarseRows.isSupported, left.rows.dimension <= CoarseRows.longest else {
      return nil
    }
    guard levels == .coarse || counts[0] * counts[1] >= fewest else { return nil }
    let sample = try CoarseSample(left, right, on: pool)
    return levels == .coarse || isOpen(sample) <= mostOpen ? sample.rounding : nil
  }

  private init(
    _ left: (rows: UnitRows, indices: [Int]?), _ right: (rows: UnitRows, indices: [Int]?), on pool: WorkerPool
  ) throws {
    func drawn(_ side: (rows: UnitRows, indices: [Int]?)) throws -> ([Int], Block<Double>) {
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
