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

/// The rows of both sides of a scan, one side resident, the other streaming by, in the numbers that pay.
///
/// A sample says whether coarse numbers do. Where the rows of a block turn out to be much worse than the sample's (one row
/// of another kind is enough, on either side), the block is taken in 16-bit numbers.
final class ScannedSides {
  typealias Side = (rows: UnitRows, indices: [Int]?)

  private let resident: Side
  private let streamed: Side
  private let blockRows: Int
  private let pool: WorkerPool
  /// nil where coarse numbers do not pay.
  private let sample: CoarseSample?
  /// The most that a block's bound may be.
  private let mostBound: Double
  private lazy var coarse = pair(sample?.rounding)
  private lazy var fixed = pair(nil)
  private var filled: Set<ObjectIdentifier> = []

  /// How many times the sample's bound a block's may be.
  private static let tolerance = 2.0

  /// - Parameters:
  ///   - blockRows: the most rows that stream by at a time.
  ///   - share: of the scores that coarse numbers would leave open.
  /// - Throws: what the sources throw.
  init(
    resident: Side, streamed: Side, blockRows: Int, levels: ScoreLevels, pool: WorkerPool,
    open share: (_ sample: CoarseSample) -> Double
  ) throws {
    self.resident = resident
    self.streamed = streamed
    self.blockRows = blockRows
    self.pool = pool
    sample = try CoarseSample(levels, resident, streamed, on: pool, open: share)
    mostBound = levels == .coarse ? .infinity : Self.tolerance * (sample?.bound ?? 0)
  }

  private func pair(_ rounding: CoarseRows.Rounding?) -> (resident: ScoredRows, block: ScoredRows) {
    let d = resident.rows.dimension
    return (
      ScoredRows(.left, capacity: residentCount, dimension: d, rounding: rounding),
      ScoredRows(.right, capacity: blockRows, dimension: d, rounding: rounding)
    )
  }

  private var residentCount: Int { resident.indices?.count ?? resident.rows.count }

  /// Takes the rows that stream by at these places.
  ///
  /// - Returns: the resident rows and these, and how far their scores may lie from the exact ones.
  func take(_ places: Range<Int>) throws -> (resident: ScoredRows, block: ScoredRows, errors: ScoredRows.Errors)
  {
    if sample != nil {
      let taken = try take(places, in: coarse)
      if taken.errors.first.bound <= mostBound { return taken }
    }
    return try take(places, in: fixed)
  }

  private func take(
    _ places: Range<Int>, in pair: (resident: ScoredRows, block: ScoredRows)
  ) throws -> (resident: ScoredRows, block: ScoredRows, errors: ScoredRows.Errors) {
    if filled.insert(ObjectIdentifier(pair.resident)).inserted {
      try resident.rows.fill(pair.resident, at: resident.indices, on: pool)
    }
    if let indices = streamed.indices {
      try streamed.rows.fill(pair.block, at: Array(indices[places]), on: pool)
    } else {
      try streamed.rows.fill(pair.block, from: places.lowerBound, count: places.count, on: pool)
    }
    return (
      pair.resident, pair.block,
      ScoredRows.Errors(pair.resident, of: residentCount, pair.block, of: places.count)
    )
  }
}
