package import GapLinearAlgebra

/// Token sequences of different lengths, packed one after the other: no padding exists, so none can reach a result.
///
/// The rows of a `Block<Float>` [tokens, width] belong to them: sequence s has rows `rows(of: s)`.
///
/// A sequence may have two continuations of one beginning, one after the other: the second sees the beginning and itself,
/// and its positions go on from the beginning.
package struct Sequences: Sendable, Equatable {
  /// Where the second continuation of a sequence lies, in rows from the sequence's first.
  package struct Branch: Sendable, Equatable {
    /// Rows of the beginning.
    package let shared: Int
    /// First row of the second continuation.
    package let start: Int

    package init(shared: Int, start: Int) {
      precondition(shared >= 0 && shared <= start)
      self.shared = shared
      self.start = start
    }
  }

  /// First row of each sequence, and the number of all rows at the end.
  package let starts: [Int]
  /// The second continuation of each sequence, where it has one.
  package let branches: [Branch?]
  /// The position of each sequence's first row: what has gone before it.
  package let offsets: [Int]

  /// Packs sequences of these lengths; an empty one is a programmer error.
  package init(lengths: [Int], branches: [Branch?]? = nil, offsets: [Int]? = nil) {
    precondition(lengths.allSatisfy { $0 > 0 }, "an empty sequence")
    starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    self.branches = branches ?? lengths.map { _ in nil }
    self.offsets = offsets ?? lengths.map { _ in 0 }
    precondition(self.branches.count == lengths.count && self.offsets.count == lengths.count)
  }

  /// The position of a sequence's row, both counted from 0.
  package func position(of row: Int, in sequence: Int) -> Int {
    guard let branch = branches[sequence], row >= branch.start else { return offsets[sequence] + row }
    return offsets[sequence] + row - branch.start + branch.shared
  }

  /// Positions from 0 that any of the rows has, and all before them.
  package var positions: Int { (0..<count).reduce(0) { max($0, offsets[$1] + rows(of: $1).count) } }

  /// Number of sequences.
  package var count: Int { starts.count - 1 }
  /// Number of tokens in all of them.
  package var tokens: Int { starts[count] }
  /// The rows of one sequence.
  package func rows(of sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }
  /// Length of the longest one.
  package var longest: Int { (0..<count).reduce(0) { max($0, rows(of: $1).count) } }
}

extension Block<Float> {
  /// Zeros, [rows, columns], in memory of their own.
  package static func zeros(_ rows: Int, _ columns: Int) -> Block<Float> {
    Block(Buffer(repeating: 0, count: rows * columns), rows: rows, columns: columns)
  }

  /// Rows that hold anything, [rows, columns]: whoever asks for them writes all of them.
  package static func unset(_ rows: Int, _ columns: Int) -> Block<Float> {
    Block(Buffer(unset: rows * columns), rows: rows, columns: columns)
  }

  /// All numbers become 0.
  func clear() {
    for i in 0..<rows { writeRow(i) { row in for k in row.indices { row[k] = 0 } } }
  }

  /// Calls `body` for every row, rows in pieces over the pool.
  package func forEachRow(
    on pool: WorkerPool, _ body: @Sendable (_ index: Int, _ row: inout MutableSpan<Float>) -> Void
  ) throws {
    let pieces = Pieces(of: 0..<rows, size: 16)
    try pool.forEach(pieces.count) { _, piece in
      for i in pieces[piece] { writeRow(i) { body(i, &$0) } }
    }
  }

  /// `self += scale · other`, row by row.
  package func add(_ other: Block<Float>, times scale: Float = 1, on pool: WorkerPool) throws {
    precondition(other.rows == rows && other.columns == columns)
    try forEachRow(on: pool) { i, row in
      other.row(i) { ActivationKernels.add($0, times: scale, to: &row) }
    }
  }

  /// Copies of blocks of one width, one below the other.
  package static func joined(_ blocks: [Block<Float>], on pool: WorkerPool) throws -> Block<Float> {
    let whole = Block<Float>.zeros(blocks.reduce(0) { $0 + $1.rows }, blocks.first?.columns ?? 0)
    var next = 0
    for block in blocks {
      try whole.rows(next..<next + block.rows).add(block, on: pool)
      next += block.rows
    }
    return whole
  }

  /// A copy in memory of its own.
  package func copied(on pool: WorkerPool) throws -> Block<Float> {
    let copy = Block<Float>.unset(rows, columns)
    try copy.forEachRow(on: pool) { i, target in row(i) { ActivationKernels.copy($0, to: &target) } }
    return copy
  }
}
