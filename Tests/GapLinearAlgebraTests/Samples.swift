import GapLinearAlgebra

/// Seeded made-up matrices.
enum Samples {
  static func normal(_ rows: Int, _ columns: Int, seed: UInt64) -> Block<Double> {
    var generator = SeededGenerator(seed: seed, purpose: "tests")
    let numbers = (0..<rows * columns).map { _ in generator.normal() }
    return Block(Buffer(numbers), rows: rows, columns: columns)
  }

  static func unit(_ rows: Int, _ columns: Int, seed: UInt64) -> Block<Double> {
    let block = normal(rows, columns, seed: seed)
    for i in 0..<rows {
      let norm = block.row(i) { RowKernels.norm($0) }
      block.writeRow(i) { RowKernels.divide(&$0, by: norm) }
    }
    return block
  }

  static func copy(_ a: Block<Double>) -> Block<Double> {
    Block(Buffer(elements(a)), rows: a.rows, columns: a.columns)
  }

  static func elements(_ a: Block<Double>) -> [Double] {
    (0..<a.rows).flatMap { i in (0..<a.columns).map { j in a.buffer[a.offset + i * a.stride + j] } }
  }

  static func transposed(_ a: Block<Double>) -> Block<Double> {
    let numbers = elements(a)
    return Block(
      Buffer((0..<a.columns).flatMap { j in (0..<a.rows).map { i in numbers[i * a.columns + j] } }),
      rows: a.columns, columns: a.rows)
  }

  /// `a b`, by the definition.
  static func product(_ a: Block<Double>, _ b: Block<Double>) -> [Double] {
    let (x, y) = (elements(a), elements(b))
    return (0..<a.rows).flatMap { i in
      (0..<b.columns).map { j in
        (0..<a.columns).reduce(0.0) { $0 + x[i * a.columns + $1] * y[$1 * b.columns + j] }
      }
    }
  }
}

/// The largest difference of two lists of one length.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}
