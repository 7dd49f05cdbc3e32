import GapLinearAlgebra

/// Counts, for every query, the items that score at least as high as its true one, exactly.
///
/// One blocked pass of products in whole numbers (`ScoredRows`) of resident rows against rows that stream by; both
/// directions are counted from the same products when both sides are queries. `ScoreError` bounds the score, so that most
/// scores are decided by a comparison; the others are taken again, in finer numbers where there are some, and at last in
/// Double from the rows, in one fixed order of summation, so that bit-equal rows tie exactly. Counts are whole numbers: no
/// order of work can change them.
struct RankScan {
  /// One side of the scan.
  struct Side: Sendable {
    let rows: UnitRows
    /// Rows that take part, as indices into `rows`.
    let indices: [Int]
    /// Group of each taking part: items of the query's own group do not count.
    let groups: [Int]
    /// Distinct-row class of each taking part.
    let classes: [Int32]
    /// For each: the exact score of its true item on the other side, or nil when it is no query.
    let thresholds: [Double]?
    /// Class of that true item: a bit-equal item ties without being scored.
    let trueClasses: [Int32]
  }

  /// Items counted for each resident and each streamed row (zeros where it is no query).
  private(set) var residentCounts: [Int32]
  private(set) var streamedCounts: [Int32]

  /// Rows that stream by at a time, and the sides of a tile: whole panels, whose scores stay in the cache.
  private static let streamedRows = 2016
  private static let tileRows = 96
  private static let tileColumns = 1008

  init(
    resident: Side, streamed: Side, levels: ScoreLevels = .chosen, pool: WorkerPool, progress: (Double) -> Void
  ) throws {
    let d = resident.rows.dimension
    let (a, b) = (resident.indices.count, streamed.indices.count)
    let blockRows = min(Self.streamedRows, b)
    let sides = try ScannedSides(
      resident: (resident.rows, resident.indices), streamed: (streamed.rows, streamed.indices),
      blockRows: blockRows, levels: levels, pool: pool
    ) { $0.open(resident.thresholds, streamed.thresholds) }
    let workers = (0..<pool.threads).map { _ in Worker(resident: a, blockRows: blockRows, dimension: d) }
    streamedCounts = []
    for rows in Pieces(of: 0..<b, size: blockRows).all {
      let (residentRows, block, errors) = try sides.take(rows)
      func bands(_ error: ScoreError) -> (resident: Bands, streamed: Bands) {
        (
          Bands(resident.thresholds.map { $0[...] }, count: a, error),
          Bands(streamed.thresholds.map { $0[rows] }, count: rows.count, error)
        )
      }
      let (first, second) = (bands(errors.first), errors.second.map(bands))
      let tiles = Tile.covering(rows: a, columns: rows.count, side: Self.tileRows, columnSide: Self.tileColumns)
      try pool.forEach(tiles.count) { worker, piece in
        let task = TileTask(
          tile: tiles[piece], firstStreamed: rows.lowerBound, resident: resident, streamed: streamed,
          residentRows: residentRows, block: block, first: first, second: second)
        try task.run(workers[worker])
      }
      // Scoring again has read rows here and there.
      resident.rows.releaseScattered()
      streamed.rows.releaseScattered()
      streamedCounts += Worker.sumAndClear(workers.map(\.streamedCounts), count: rows.count)
      progress(Double(rows.upperBound) / Double(b))
    }
    residentCounts = Worker.sumAndClear(workers.map(\.residentCounts), count: a)
  }

  /// Thresholds widened by the error bound; an open band that nothing reaches where there is no query.
  private struct Bands: Sendable {
    let low: Buffer<Int32>
    let high: Buffer<Int32>

    init(_ thresholds: ArraySlice<Double>?, count: Int, _ error: ScoreError) {
      low = Buffer(thresholds?.map(error.low(_:)) ?? [Int32](repeating: .max, count: count))
      high = Buffer(thresholds?.map(error.high(_:)) ?? [Int32](repeating: .max, count: count))
    }

    /// Whether a score is too near to the threshold to tell.
    func holds(_ score: Int32, _ index: Int) -> Bool { score >= low[index] && score <= high[index] }

    /// Whether a score is above the threshold; nil where it is too near to tell.
    func verdict(_ score: Int32, _ index: Int) -> Bool? { holds(score, index) ? nil : score > high[index] }
  }

  /// What one thread writes.
  private struct Worker: Sendable {
    let residentCounts: Buffer<Int32>
    let streamedCounts: Buffer<Int32>
    let scores: Buffer<Int32>
    let unsure: Buffer<UInt32>
    let residentRow: Buffer<Double>
    let streamedRow: Buffer<Double>

    init(resident: Int, blockRows: Int, dimension: Int) {
      residentCounts = Buffer(repeating: 0, count: resident)
      streamedCounts = Buffer(repeating: 0, count: blockRows)
      scores = Buffer(repeating: 0, count: RankScan.tileRows * RankScan.tileColumns)
      unsure = Buffer(repeating: 0, count: RankScan.tileColumns)
      residentRow = Buffer(repeating: 0, count: dimension)
      streamedRow = Buffer(repeating: 0, count: dimension)
    }

    static func sumAndClear(_ counts: [Buffer<Int32>], count: Int) -> [Int32] {
      var total = [Int32](repeating: 0, count: count)
      for part in counts {
        for i in 0..<count { total[i] += part[i] }
        part.fill(0)
      }
      return total
    }
  }

  /// The scores of one tile, counted.
  private struct TileTask {
    let tile: Tile
    let firstStreamed: Int
    let resident: Side
    let streamed: Side
    let residentRows: ScoredRows
    let block: ScoredRows
    /// Of the two levels of scores.
    let first: (resident: Bands, streamed: Bands)
    let second: (resident: Bands, streamed: Bands)?

    func run(_ worker: Worker) throws {
      let scores = ScoredRows.inner(residentRows, block, tile, into: worker.scores)
      for (r, i) in tile.rows.enumerated() {
        let unsure = scores.row(r) { count($0, i, worker) }
        if unsure > 0 { try settle(scores, r, i, unsure, worker) }
      }
    }

    private func count(_ scores: Span<Int32>, _ i: Int, _ worker: Worker) -> Int {
      let columns = tile.columns
      var above: Int32 = 0
      let unsure = first.streamed.low.read(columns) { low in
        first.streamed.high.read(columns) { high in
          worker.streamedCounts.write(columns) { counts in
            worker.unsure.write(0..<scores.count) { unsure in
              RankKernels.count(
                scores, rowLow: first.resident.low[i], rowHigh: first.resident.high[i], columnLow: low,
                columnHigh: high, columnCounts: &counts, rowCount: &above, unsure: &unsure)
            }
          }
        }
      }
      worker.residentCounts[i] += above
      return unsure
    }

    /// Takes the unsure places of row i again: in the second level, then in Double.
    private func settle(_ scores: Block<Int32>, _ r: Int, _ i: Int, _ unsure: Int, _ worker: Worker) throws {
      // Read when it is wanted first.
      var hasRow = false
      for n in 0..<unsure {
        let column = Int(worker.unsure[n])
        let place = tile.columns.lowerBound + column
        let j = firstStreamed + place
        if resident.groups[i] == streamed.groups[j] { continue }
        let score = scores.buffer[scores.offset + r * scores.stride + column]
        let finer = second == nil ? nil : ScoredRows.finer(residentRows, i, block, place)
        var exact: Double?
        func reaches(_ threshold: Double) throws -> Bool {
          if let exact { return exact >= threshold }
          if !hasRow {
            try worker.residentRow.write(0..<resident.rows.dimension) {
              try resident.rows.copyRow(resident.indices[i], into: &$0)
            }
            hasRow = true
          }
          let found = try worker.residentRow.read(0..<resident.rows.dimension) { row in
            try streamed.rows.withRow(streamed.indices[j], scratch: worker.streamedRow) {
              RowKernels.dot(row, $0)
            }
          }
          exact = found
          return found >= threshold
        }
        if let thresholds = resident.thresholds, first.resident.holds(score, i) {
          let known = finer.flatMap { second?.resident.verdict($0, i) }
          if try known ?? (streamed.classes[j] == resident.trueClasses[i] || reaches(thresholds[i])) {
            worker.residentCounts[i] += 1
          }
        }
        if let thresholds = streamed.thresholds, first.streamed.holds(score, place) {
          let known = finer.flatMap { second?.streamed.verdict($0, place) }
          if try known ?? (resident.classes[i] == streamed.trueClasses[j] || reaches(thresholds[j])) {
            worker.streamedCounts[place] += 1
          }
        }
      }
    }
  }
}
