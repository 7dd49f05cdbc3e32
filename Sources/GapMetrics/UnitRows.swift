package import GapLinearAlgebra

/// The rows of one modality scaled to unit length, read from the source when wanted.
///
/// Small sets are kept in memory; large ones are read again, so that memory does not grow with their number.
package struct UnitRows: Sendable {
  package let source: any EmbeddingRows
  /// Source row of each kept row; nil when all are kept.
  package let kept: [Int]?
  /// Euclidean length of each kept row.
  package let norms: [Double]
  private var cached: Buffer<Double>?

  /// Sets of at most this many numbers stay in memory (64 MB).
  private static let cacheLimit = 8 << 20

  /// Sets of at most this many numbers may stay mapped.
  private static let scatteredLimit = 64 << 20
  /// Rows read here and there between two releases: the system may map 2 MB around each.
  private static let scatteredRows = 128

  package var count: Int { norms.count }
  package var dimension: Int { source.dimension }

  init(source: any EmbeddingRows, kept: [Int]?, norms: [Double], pool: WorkerPool) throws {
    self.source = source
    self.kept = kept
    self.norms = norms
    guard norms.count * source.dimension <= Self.cacheLimit else { return }
    let buffer = Buffer<Double>(repeating: 0, count: norms.count * source.dimension)
    try fill(Block(buffer, rows: norms.count, columns: source.dimension), from: 0, on: pool)
    cached = buffer
  }

  /// Hands over one unit row; `scratch` (one row) is used when it has to be read.
  package func withRow<R>(_ index: Int, scratch: Buffer<Double>, _ body: (Span<Double>) throws -> R) throws -> R
  {
    let d = dimension
    if let cached { return try cached.read(index * d..<(index + 1) * d, body) }
    try scratch.write(0..<d) { try readRow(index, into: &$0) }
    return try scratch.read(0..<d, body)
  }

  /// Writes one unit row.
  package func readRow(_ index: Int, into target: inout MutableSpan<Double>) throws {
    let row = kept.map { $0[index] } ?? index
    try source.read(row..<row + 1, into: &target)
    RowKernels.divide(&target, by: norms[index])
  }

  /// Writes the unit rows `first..<first + target.rows`, in parallel.
  package func fill(_ target: Block<Double>, from first: Int, on pool: WorkerPool) throws {
    try forEachPiece(first..<first + target.rows, on: pool) { _, rows in
      for i in rows { try target.writeRow(i - first) { try copyRow(i, into: &$0) } }
    }
  }

  /// Writes the unit rows at `indices`, in parallel.
  package func fill(_ target: Block<Double>, at indices: [Int], on pool: WorkerPool) throws {
    try forEachScattered(indices.count, on: pool) { _, i in
      try target.writeRow(i) { try copyRow(indices[i], into: &$0) }
    }
  }

  /// Rounds the unit rows at `indices` or, without them, the `count` rows from `first` on into the first places.
  func fill(
    _ target: ScoredRows, from first: Int = 0, count: Int? = nil, at indices: [Int]? = nil,
    on pool: WorkerPool
  ) throws {
    let scratch = (0..<pool.threads).map { _ in Buffer<Double>(repeating: 0, count: dimension) }
    if let indices {
      return try forEachScattered(indices.count, on: pool) { worker, i in
        try withRow(indices[i], scratch: scratch[worker]) { target.set(i, to: $0) }
      }
    }
    let count = count ?? target.capacity
    try forEachPiece(0..<count, on: pool) { worker, rows in
      for i in rows { try withRow(first + i, scratch: scratch[worker]) { target.set(i, to: $0) } }
    }
    release(first..<first + count)
  }

  /// The rows at `indices`, as a set of their own.
  func subset(_ indices: [Int]) -> UnitRows {
    UnitRows(
      source: source, kept: indices.map { i in kept.map { $0[i] } ?? i }, norms: indices.map { norms[$0] })
  }

  private init(source: any EmbeddingRows, kept: [Int], norms: [Double]) {
    self.source = source
    self.kept = kept
    self.norms = norms
  }

  /// Cuts `count` reads of rows here and there into runs, with `releaseScattered` to be called after each.
  func scattered(_ count: Int) -> [Range<Int>] {
    Pieces(of: 0..<count, size: mapsMuch ? Self.scatteredRows : max(count, 1)).all
  }

  private var mapsMuch: Bool { cached == nil && count * dimension > Self.scatteredLimit }

  /// Lets the source give back what reading rows here and there has brought in, when that may be much: the system maps
  /// the neighbourhood of every page that is touched.
  func releaseScattered() {
    if mapsMuch { source.release(0..<source.count) }
  }

  /// Lets the source give back the pages of these rows.
  package func release(_ rows: Range<Int>) {
    guard cached == nil, let first = rows.first, let last = rows.last else { return }
    source.release((kept.map { $0[first] } ?? first)..<(kept.map { $0[last] } ?? last) + 1)
  }

  func copyRow(_ index: Int, into target: inout MutableSpan<Double>) throws {
    guard let cached else { return try readRow(index, into: &target) }
    cached.read(index * dimension..<(index + 1) * dimension) { row in
      for i in row.indices { target[i] = row[i] }
    }
  }

  /// Rows read here and there, so few at a time that what the system maps around them stays small.
  private func forEachScattered(
    _ count: Int, on pool: WorkerPool, _ body: @Sendable (_ worker: Int, _ row: Int) throws -> Void
  ) throws {
    for part in scattered(count) {
      let pieces = Pieces(of: part, size: 16)
      try pool.forEach(pieces.count) { worker, piece in for i in pieces[piece] { try body(worker, i) } }
      releaseScattered()
    }
  }

  private func forEachPiece(
    _ range: Range<Int>, on pool: WorkerPool,
    _ body: @Sendable (_ worker: Int, _ rows: Range<Int>) throws -> Void
  ) throws {
    let pieces = Pieces(of: range, size: 64)
    try pool.forEach(pieces.count) { worker, piece in try body(worker, pieces[piece]) }
  }
}
