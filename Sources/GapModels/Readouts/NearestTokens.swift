import GapLayers
import GapLinearAlgebra
import GapTensorFiles

/// Finds the rows of an embedding table that lie nearest to visual tokens, by cosine.
///
/// Scores come from products in single precision; whatever these cannot tell apart is scored again in Double, so that
/// orders are those of exact cosines. Equal cosines: the lower row first. A row of length zero scores 0.
struct NearestTokens: Sendable {
  let table: Tensor
  /// Rows wanted for each token.
  let count: Int

  /// A row of the table with its cosine.
  struct Neighbour: Sendable, Equatable {
    let row: Int
    let cosine: Double

    /// Whether it comes before another: nearer, or as near and earlier in the table.
    func precedes(_ other: Neighbour) -> Bool {
      cosine != other.cosine ? cosine > other.cosine : row < other.row
    }
  }

  /// Visual tokens that one thread works on, and rows of the table that it holds, at a time.
  private static let side = 512

  /// What a product in single precision of unit rows may be off by: (d + 2) half units in the last place, and what
  /// rounding the rows adds.
  private var error: Double { Double(table.shape[1] + 8) * 0x1p-23 }

  /// - Parameter tokens: [n, d].
  /// - Returns: for each token its nearest rows, nearest first.
  /// - Throws: `TensorFileError`.
  /// - Complexity: O(n V d), V rows in the table.
  func neighbours(of tokens: Block<Float>, on pool: WorkerPool) throws -> [[Neighbour]] {
    let pieces = Pieces(of: 0..<tokens.rows, size: Self.side)
    return try pool.map(pieces.count) { _, piece in try neighbours(of: tokens.rows(pieces[piece])) }.flatMap {
      $0
    }
  }

  private func neighbours(of tokens: Block<Float>) throws -> [[Neighbour]] {
    let (rows, d) = (table.shape[0], table.shape[1])
    let unit = Block<Float>.zeros(tokens.rows, d)
    for i in 0..<tokens.rows { tokens.row(i) { row in unit.writeRow(i) { Self.normalise(row, into: &$0) } } }
    let part = Block<Float>.zeros(min(Self.side, rows), d)
    let scores = Block<Float>.zeros(tokens.rows, part.rows)
    var candidates = [[Neighbour]](repeating: [], count: tokens.rows)
    for range in Pieces(of: 0..<rows, size: Self.side).all {
      try read(range, into: part)
      let product = scores.columns(0..<range.count)
      Products.inner(unit, part.rows(0..<range.count), into: product)
      for i in 0..<tokens.rows {
        product.row(i) { keep($0, from: range.lowerBound, in: &candidates[i]) }
      }
    }
    return try candidates.indices.map { i in
      let row = tokens.row(i) { row in row.indices.map { Double(row[$0]) } }
      return try exact(candidates[i], of: row)
    }
  }

  /// Unit rows of the table, in single precision.
  private func read(_ range: Range<Int>, into target: Block<Float>) throws {
    let d = target.columns
    try target.buffer.write(0..<range.count * d) { try table.read(rows: range, into: &$0) }
    for i in 0..<range.count {
      let row = target.row(i) { row in row.indices.map { row[$0] } }
      let span = row.span
      target.writeRow(i) { Self.normalise(span, into: &$0) }
    }
  }

  private static func normalise(_ row: Span<Float>, into target: inout MutableSpan<Float>) {
    var sum = 0.0
    for k in row.indices { sum += Double(row[k]) * Double(row[k]) }
    let factor = sum > 0 ? 1 / sum.squareRoot() : 0
    for k in row.indices { target[k] = Float(Double(row[k]) * factor) }
  }

  /// Keeps what may still be among the nearest: scores within twice the error of the last that would be.
  private func keep(_ scores: Span<Float>, from first: Int, in candidates: inout [Neighbour]) {
    var limit = candidates.count >= count ? threshold(of: candidates) : -Double.infinity
    // Equal rows cannot be told apart: where most are, the list is looked through again when it has doubled.
    var full = max(8 * count, 2 * candidates.count)
    for k in scores.indices where Double(scores[k]) >= limit {
      candidates.append(Neighbour(row: first + k, cosine: Double(scores[k])))
      if candidates.count >= full {
        candidates.sort { $0.precedes($1) }
        limit = threshold(of: candidates)
        candidates.removeAll { $0.cosine < limit }
        full = max(8 * count, 2 * candidates.count)
      }
    }
  }

  /// The lowest score that a candidate may have; `candidates` holds at least `count`.
  private func threshold(of candidates: [Neighbour]) -> Double {
    candidates.map(\.cosine).sorted(by: >)[count - 1] - 2 * error
  }

  private func exact(_ candidates: [Neighbour], of token: [Double]) throws -> [Neighbour] {
    guard !candidates.isEmpty else { return [] }
    let limit = candidates.count >= count ? threshold(of: candidates) : -Double.infinity
    let row = Buffer<Double>(repeating: 0, count: token.count)
    let span = token.span
    let length = RowKernels.norm(span)
    let scored = try candidates.filter { $0.cosine >= limit }.map { candidate in
      try row.write(0..<token.count) { try table.read(rows: candidate.row..<candidate.row + 1, into: &$0) }
      let lengths = row.read(0..<token.count) { RowKernels.norm($0) } * length
      let dot = row.read(0..<token.count) { RowKernels.dot($0, span) }
      return Neighbour(row: candidate.row, cosine: lengths > 0 ? dot / lengths : 0)
    }
    return Array(scored.sorted { $0.precedes($1) }.prefix(count))
  }
}
