import GapLinearAlgebra

/// The exact median of all distances between unit rows.
///
/// A random draw of distances brackets it. Fixed-point scores (`d² = 2 − 2 x·y`) tell which distances surely lie below
/// the bracket and which surely above; only the others are taken from the rows, in Double, and ordered.
struct MedianDistance {
  /// 0…2; the mean of the two middle distances when their number is even.
  let value: Double

  /// A quantile of so many draws is off by 0.35% (one standard deviation).
  private static let draws = 20_000
  private static let firstSlack = 0.0125
  private static let side = (rows: 96, columns: 1008)

  /// - Parameter rows: unit rows, at least two.
  /// - Complexity: O(m² d), m rows of width d.
  init(of rows: Block<Double>, seed: UInt64, pool: WorkerPool) throws {
    let scan = try Scan(rows: rows, pool: pool)
    var slack = Self.firstSlack
    while true {
      let bracket = scan.total <= Self.draws || slack >= 0.5 ? nil : scan.bracket(slack: slack, seed: seed)
      if let median = Self.median(of: try scan.split(by: bracket), total: scan.total) {
        value = median
        return
      }
      slack *= 5
    }
  }

  /// The number of squared distances below a bracket, and those inside it.
  private struct Split: Sendable {
    var below = 0
    var inside: [Double] = []
  }

  private static func median(of split: Split, total: Int) -> Double? {
    var values = split.inside
    let lower = (total - 1) / 2 - split.below
    let upper = total / 2 - split.below
    guard lower >= 0, upper < values.count else { return nil }
    let low = Selection.element(lower, of: &values).squareRoot()
    return lower == upper ? low : (low + Selection.element(upper, of: &values).squareRoot()) / 2
  }

  private struct Scan {
    private let rows: Block<Double>
    private let left: FixedPointRows
    private let right: FixedPointRows
    private let error: ScoreError
    private let pool: WorkerPool

    init(rows: Block<Double>, pool: WorkerPool) throws {
      self.rows = rows
      self.pool = pool
      let left = FixedPointRows(.left, capacity: rows.rows, dimension: rows.columns)
      let right = FixedPointRows(.right, capacity: rows.rows, dimension: rows.columns)
      let pieces = Pieces(of: 0..<rows.rows, size: 64)
      try pool.forEach(pieces.count) { _, piece in
        for i in pieces[piece] {
          rows.row(i) { row in
            left.set(i, to: row)
            right.set(i, to: row)
          }
        }
      }
      (self.left, self.right) = (left, right)
      let rounding = left.largestError(of: rows.rows)
      error = ScoreError(left: rounding, right: rounding, dimension: rows.columns)
    }

    /// The number of distances.
    var total: Int { rows.rows * (rows.rows - 1) / 2 }

    /// Squared distances between which the median lies but for bad luck.
    func bracket(slack: Double, seed: UInt64) -> Range<Double> {
      var generator = SeededGenerator(seed: seed, purpose: "median")
      let draws = (0..<MedianDistance.draws).map { _ in
        let i = generator.index(below: rows.rows)
        let j = generator.index(below: rows.rows - 1)
        return squaredDistance(i, j < i ? j : j + 1)
      }.sorted()
      return Sample.quantile(
        0.5 - slack, ofSorted: draws)..<Sample.quantile(0.5 + slack, ofSorted: draws).nextUp
    }

    /// Without a bracket, every squared distance is inside.
    func split(by bracket: Range<Double>?) throws -> Split {
      let bracket = bracket ?? -1..<Double.infinity
      let (rowSide, columnSide) = MedianDistance.side
      // A tile takes part when any of its columns lies beyond its first row.
      let tiles = Tile.covering(rows: rows.rows, columns: rows.rows, side: rowSide, columnSide: columnSide)
        .filter {
          $0.columns.upperBound > $0.rows.lowerBound + 1
        }
      let workers = (0..<pool.threads).map { _ in Worker() }
      let parts = try pool.map(tiles.count) { worker, piece in split(tiles[piece], bracket, workers[worker]) }
      return parts.reduce(into: Split()) { total, part in
        total.below += part.below
        total.inside += part.inside
      }
    }

    private struct Worker: Sendable {
      let scores = Buffer<Int32>(
        repeating: 0,
        count: MedianDistance.side.rows * FixedPointProducts.paddedColumns(MedianDistance.side.columns))
      let open = Buffer<Int32>(repeating: .max, count: MedianDistance.side.columns)
      let counts = Buffer<Int32>(repeating: 0, count: MedianDistance.side.columns)
      let unsure = Buffer<UInt32>(repeating: 0, count: MedianDistance.side.columns)
    }

    private func split(_ tile: Tile, _ bracket: Range<Double>, _ worker: Worker) -> Split {
      let scores = FixedPointProducts.inner(left, tile.rows, right, tile.columns, into: worker.scores)
      let low = error.low(1 - bracket.upperBound / 2)
      let high = error.high(1 - bracket.lowerBound / 2)
      var split = Split()
      for (r, i) in tile.rows.enumerated() {
        let first = max(tile.columns.lowerBound, i + 1)
        guard first < tile.columns.upperBound else { continue }
        var surelyBelow: Int32 = 0
        let columns = scores.columns(first - tile.columns.lowerBound..<tile.columns.count)
        let unsure = columns.row(r) { row in
          worker.open.read(0..<row.count) { open in
            worker.counts.write(0..<row.count) { counts in
              worker.unsure.write(0..<row.count) { unsure in
                RankKernels.count(
                  row, rowLow: low, rowHigh: high, columnLow: open, columnHigh: open, columnCounts: &counts,
                  rowCount: &surelyBelow, unsure: &unsure)
              }
            }
          }
        }
        split.below += Int(surelyBelow)
        for n in 0..<unsure {
          let square = squaredDistance(i, first + Int(worker.unsure[n]))
          if square < bracket.lowerBound {
            split.below += 1
          } else if square < bracket.upperBound {
            split.inside.append(square)
          }
        }
      }
      return split
    }

    private func squaredDistance(_ i: Int, _ j: Int) -> Double {
      rows.row(i) { a in rows.row(j) { b in RowKernels.squaredDistance(a, b) } }
    }
  }
}
