import GapLinearAlgebra

/// One neighbour: its row and its exact cosine.
struct Neighbour: Sendable, Equatable {
  let index: Int
  let score: Double

  /// Higher score first, then lower index.
  func precedes(_ other: Neighbour) -> Bool {
    score > other.score || (score == other.score && index < other.index)
  }
}

/// The k rows of a gallery with the highest cosine to each query, in the order of exact Double scores, lower index
/// first among equals.
///
/// Scores come from products in whole numbers (`ScoredRows`); every one that could enter a list, by the bound of
/// `ScoreError`, is taken again in finer numbers, where there are some, and in Double from the rows. The gallery streams
/// by in blocks; what is held is the queries and their lists.
struct NearestNeighbours: Sendable {
  /// k neighbours of each query, best first (fewer when the gallery is smaller).
  let lists: [[Neighbour]]

  private static let galleryRows = 2016
  private static let queryRows = 96

  /// - Parameters:
  ///   - queries: rows of `queryRows` to look for, [q].
  ///   - excludingSelf: leaves gallery row i out for query i: both are one set.
  init(
    of queries: [Int], in queryRows: UnitRows, gallery: UnitRows, k: Int, excludingSelf: Bool,
    levels: ScoreLevels = .chosen, pool: WorkerPool, progress: (Double) -> Void = { _ in }
  ) throws {
    let d = queryRows.dimension
    let exact = Block(Buffer<Double>(repeating: 0, count: queries.count * d), rows: queries.count, columns: d)
    try queryRows.fill(exact, at: queries, on: pool)
    let tasks = Pieces(of: 0..<queries.count, size: Self.queryRows)
    var parts = tasks.all.map { rows in
      Lists(
        queries: Array(queries[rows]), rows: exact.rows(rows), gallery: gallery, k: k,
        excludingSelf: excludingSelf)
    }
    let blockRows = min(Self.galleryRows, gallery.count)
    let sides = try ScannedSides(
      resident: (queryRows, queries), streamed: (gallery, nil), blockRows: blockRows, levels: levels, pool: pool
    ) { $0.openAmongBest() }
    let scores = (0..<pool.threads).map { _ in
      Buffer<Int32>(repeating: 0, count: Self.queryRows * FixedPointProducts.paddedColumns(blockRows))
    }
    let scratch = (0..<pool.threads).map { _ in Scratch(dimension: d, listed: blockRows) }
    for rows in Pieces(of: 0..<gallery.count, size: blockRows).all {
      let (resident, block, errors) = try sides.take(rows)
      let before = parts
      parts = try pool.map(tasks.count) { worker, piece in
        let tile = Tile(rows: tasks[piece], columns: 0..<rows.count)
        let scores = ScoredRows.inner(resident, block, tile, into: scores[worker])
        var lists = before[piece]
        try lists.take(scores, from: rows.lowerBound, errors, scratch[worker]) {
          ScoredRows.finer(resident, tasks[piece].lowerBound + $0, block, $1)
        }
        return lists
      }
      gallery.releaseScattered()
      progress(Double(rows.upperBound) / Double(gallery.count))
    }
    lists = parts.flatMap(\.lists)
  }

  private struct Scratch: Sendable {
    let item: Buffer<Double>
    let listed: Buffer<UInt32>

    init(dimension: Int, listed: Int) {
      item = Buffer(repeating: 0, count: dimension)
      self.listed = Buffer(repeating: 0, count: listed)
    }
  }

  /// The lists of one run of queries.
  private struct Lists: Sendable {
    let queries: [Int]
    let rows: Block<Double>
    let gallery: UnitRows
    let k: Int
    let excludingSelf: Bool
    private(set) var lists: [[Neighbour]]

    init(queries: [Int], rows: Block<Double>, gallery: UnitRows, k: Int, excludingSelf: Bool) {
      self.queries = queries
      self.rows = rows
      self.gallery = gallery
      self.k = k
      self.excludingSelf = excludingSelf
      lists = Array(repeating: [], count: queries.count)
    }

    /// - Parameter finer: the score of a query's place and a column in the second level, where there is one.
    mutating func take(
      _ scores: Block<Int32>, from first: Int, _ errors: ScoredRows.Errors, _ scratch: Scratch,
      finer: (_ place: Int, _ column: Int) -> Int32?
    ) throws {
      for place in queries.indices {
        let found = listed(scores, place, errors.first, scratch)
        guard found > 0 else { continue }
        try rows.row(place) { query in
          for n in 0..<found {
            let column = Int(scratch.listed[n])
            let index = first + column
            // The bound rises while the list fills; what fell under it since is skipped.
            if excludingSelf && index == queries[place] { continue }
            let coarse = scores.buffer[scores.offset + place * scores.stride + column]
            if coarse < bound(place, errors.first) { continue }
            if let error = errors.second, let fine = finer(place, column), fine < bound(place, error) {
              continue
            }
            let score = try gallery.withRow(index, scratch: scratch.item) { RowKernels.dot(query, $0) }
            insert(Neighbour(index: index, score: score), place)
          }
        }
      }
    }

    private func bound(_ place: Int, _ error: ScoreError) -> Int32 {
      lists[place].count < k ? .min : error.low(lists[place][k - 1].score)
    }

    /// Places of scores that may enter the list.
    ///
    /// An empty list would take every score in turn, so it starts from the k-th best of the scores in whole numbers.
    private func listed(_ scores: Block<Int32>, _ place: Int, _ error: ScoreError, _ scratch: Scratch) -> Int {
      scores.row(place) { row in
        var bound = bound(place, error)
        if bound == .min, row.count > k + 1 { bound = error.low(belowScore: kthBest(row, k + 1)) }
        return scratch.listed.write(0..<scratch.listed.count) {
          RankKernels.list(row, atLeast: bound, into: &$0)
        }
      }
    }

    /// The `k`-th largest of the scores (one more than wanted, for the query itself may be among them).
    private func kthBest(_ row: Span<Int32>, _ k: Int) -> Int32 {
      var best: [Int32] = []
      for j in row.indices {
        let score = row[j]
        if best.count == k && score <= best[k - 1] { continue }
        var at = best.count
        while at > 0 && best[at - 1] < score { at -= 1 }
        best.insert(score, at: at)
        if best.count > k { best.removeLast() }
      }
      return best[best.count - 1]
    }

    private mutating func insert(_ neighbour: Neighbour, _ place: Int) {
      if lists[place].count == k {
        guard neighbour.precedes(lists[place][k - 1]) else { return }
        lists[place].removeLast()
      }
      let at = lists[place].firstIndex { neighbour.precedes($0) } ?? lists[place].count
      lists[place].insert(neighbour, at: at)
    }
  }
}
