import EmbeddingGap

/// Rows of embeddings as arrays, to be changed by hand.
struct Rows {
  var rows: [[Double]]

  /// Reads all rows of a source.
  init(of source: any EmbeddingRows) throws {
    var numbers = [Double](repeating: 0, count: source.count * source.dimension)
    var span = numbers.mutableSpan
    try source.read(0..<source.count, into: &span)
    rows = (0..<source.count).map { Array(numbers[$0 * source.dimension..<($0 + 1) * source.dimension]) }
  }

  /// As a source that a pair is made of.
  var matrix: EmbeddingMatrix { EmbeddingMatrix(rows.flatMap { $0 }, dimension: rows[0].count) }

  /// The same rows in a random order.
  func shuffled(using generator: inout SeededGenerator) -> Rows {
    changed { $0.shuffled(using: &generator) }
  }

  /// One vector added to every row.
  func adding(_ vector: [Double]) -> Rows {
    changed { rows in rows.map { row in zip(row, vector).map(+) } }
  }

  /// Every row multiplied by a number.
  func scaled(by factor: Double) -> Rows {
    changed { rows in rows.map { row in row.map { factor * $0 } } }
  }

  /// Every row mirrored in the hyperplane that a vector is normal to.
  func reflected(in normal: [Double]) -> Rows {
    let length = normal.reduce(0) { $0 + $1 * $1 }
    return changed { rows in
      rows.map { row in
        let along = zip(row, normal).reduce(0) { $0 + $1.0 * $1.1 } / length
        return zip(row, normal).map { $0 - 2 * along * $1 }
      }
    }
  }

  private func changed(_ change: ([[Double]]) -> [[Double]]) -> Rows {
    var result = self
    result.rows = change(rows)
    return result
  }
}
