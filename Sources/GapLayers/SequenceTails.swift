package import GapLinearAlgebra

/// The last rows of each of some sequences.
///
/// Where the last block is asked for nothing else, these alone query and pass its feed-forward part, packed one after the
/// other. Where they are what a gradient reaches, the other rows' gradients are not worked out.
package struct SequenceTails: Sendable {
  /// First row of each tail, counted from its sequence's first.
  package let firsts: [Int]
  /// First row of each tail among all tails, and the number of all rows at the end.
  package let starts: [Int]
  private let sequences: Sequences

  /// - Parameter firsts: for each sequence, below its length.
  package init(of sequences: Sequences, firsts: [Int]) {
    precondition(firsts.count == sequences.count)
    precondition(firsts.indices.allSatisfy { firsts[$0] >= 0 && firsts[$0] < sequences.rows(of: $0).count })
    self.firsts = firsts
    self.sequences = sequences
    starts = firsts.indices.reduce(into: [0]) { $0.append($0[$1] + sequences.rows(of: $1).count - firsts[$1]) }
  }

  package var tokens: Int { starts[firsts.count] }

  /// The tail's rows among all tails.
  package func rows(of sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }

  /// The tail's rows among all tokens.
  func allRows(of sequence: Int) -> Range<Int> {
    let rows = sequences.rows(of: sequence)
    return rows.lowerBound + firsts[sequence]..<rows.upperBound
  }

  /// The tails' rows among all tokens, sequence after sequence.
  package var all: [Range<Int>] { firsts.indices.map(allRows) }

  /// The tails' rows that are among some of all tokens' rows, in order.
  func parts(of rows: Range<Int>) -> [Range<Int>] {
    firsts.indices.map { allRows(of: $0).clamped(to: rows) }.filter { !$0.isEmpty }
  }

  /// What of some rows a product is to take for the tails' sake: the tails' rows, or, where these are many or many pieces,
  /// all of them, since each product reads all of a matrix.
  func worthwhileParts(of rows: Range<Int>) -> [Range<Int>] {
    let parts = parts(of: rows)
    return parts.count <= 2 && 2 * parts.reduce(0) { $0 + $1.count } <= rows.count ? parts : [rows]
  }

  /// Where a sequence's row, one of all tokens', lies among the tails.
  package func place(of row: Int, in sequence: Int) -> Int {
    let own = allRows(of: sequence)
    precondition(own.contains(row), "the row is not of the tail")
    return starts[sequence] + row - own.lowerBound
  }

  /// Copies of the tails' rows, [tails' tokens, width].
  package func gathered(_ x: Block<Float>) -> Block<Float> {
    let tails = Block<Float>.unset(tokens, x.columns)
    for s in firsts.indices { tails.rows(rows(of: s)).copy(x.rows(allRows(of: s))) }
    return tails
  }

  /// Rows of all tokens: the tails' copied, the others 0.
  package func scattered(_ tails: Block<Float>) -> Block<Float> {
    let x = Block<Float>.zeros(sequences.tokens, tails.columns)
    for s in firsts.indices { x.rows(allRows(of: s)).copy(tails.rows(rows(of: s))) }
    return x
  }
}
