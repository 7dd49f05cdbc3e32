import GapLinearAlgebra

/// The rows of a source after a fix: each row is changed as it is read, so that nothing but the fix's own numbers, O(d),
/// is in memory.
struct FixedRows: EmbeddingRows {
  /// What is done to one row.
  enum Change: Sendable {
    /// `x − mean`; what is left of a row that equals the mean but for rounding is zero.
    case subtract(mean: [Double])
    /// `x · factor`.
    case scale(by: Double)
    /// `‖x‖ normalise(x̂ + step)`.
    case move(by: [Double])
    /// These columns alone, in their order.
    case keep(columns: [Int])
  }

  let count: Int
  let dimension: Int
  let label: String
  private let source: any EmbeddingRows
  /// Row of the source that each row is made of; nil when all are there.
  private let kept: [Int]?
  private let change: Change

  init(_ rows: UnitRows, _ change: Change, label: String) {
    source = rows.source
    kept = rows.kept
    count = rows.count
    self.change = change
    self.label = label
    dimension = if case .keep(let columns) = change { columns.count } else { rows.dimension }
  }

  func read(_ rows: Range<Int>, into target: inout MutableSpan<Double>) throws {
    let width = source.dimension
    let block = Block(Buffer<Double>(unset: rows.count * width), rows: rows.count, columns: width)
    try readSource(rows, into: block)
    for place in 0..<rows.count {
      block.writeRow(place) { change.apply(to: &$0) }
      block.row(place) { row in
        let start = place * dimension
        if case .keep(let columns) = change {
          for (k, column) in columns.enumerated() { target[start + k] = row[column] }
        } else {
          for k in row.indices { target[start + k] = row[k] }
        }
      }
    }
  }

  func release(_ rows: Range<Int>) {
    guard let kept else { return source.release(rows) }
    guard let first = rows.first, let last = rows.last else { return }
    source.release(kept[first]..<kept[last] + 1)
  }

  private func readSource(_ rows: Range<Int>, into block: Block<Double>) throws {
    guard let kept else {
      return try block.buffer.write(0..<rows.count * block.columns) { try source.read(rows, into: &$0) }
    }
    for (place, row) in rows.enumerated() {
      try block.writeRow(place) { try source.read(kept[row]..<kept[row] + 1, into: &$0) }
    }
  }
}

extension FixedRows.Change {
  /// Below this share of its length, what is left of a row after its mean was taken is rounding.
  private static let negligible = 1e-12

  /// Changes a row in its place; columns that are left out are the reader's affair.
  func apply(to row: inout MutableSpan<Double>) {
    switch self {
    case .subtract(let mean):
      let before = RowKernels.norm(row.span)
      RowKernels.subtract(mean.span, from: &row)
      if RowKernels.norm(row.span) <= Self.negligible * before { for k in row.indices { row[k] = 0 } }
    case .scale(let factor):
      for k in row.indices { row[k] *= factor }
    case .move(let step):
      let length = RowKernels.norm(row.span)
      if length > 0 { RowKernels.divide(&row, by: length) }
      ShiftSweep.move(&row, by: step)
      for k in row.indices { row[k] *= length }
    case .keep: break
    }
  }
}
