import GapLinearAlgebra
import GapMetrics

/// Seeded made-up embeddings.
enum MadePairs {
  /// Numbers of `rows` rows; partners share a part, modalities are apart.
  static func numbers(_ rows: Int, _ dimension: Int, seed: UInt64) -> (image: [Double], text: [Double]) {
    var generator = SeededGenerator(seed: seed, purpose: "pairs")
    var image: [Double] = []
    var text: [Double] = []
    for _ in 0..<rows {
      for k in 0..<dimension {
        let shared = generator.normal()
        image.append(shared + generator.normal() + (k == 0 ? 2 : 0))
        text.append(shared + generator.normal() - (k == 1 ? 1 : 0))
      }
    }
    return (image, text)
  }

  /// Rows of small whole numbers, so that many scores tie exactly and many differ by rounding only.
  static func ties(_ rows: Int, _ dimension: Int, seed: UInt64) -> (image: [Double], text: [Double]) {
    var generator = SeededGenerator(seed: seed, purpose: "ties")
    func side() -> [Double] {
      (0..<rows).flatMap { _ in
        let row = (0..<dimension).map { _ in Double(generator.index(below: 3)) - 1 }
        return row.allSatisfy { $0 == 0 } ? row.indices.map { $0 == 0 ? 1.0 : 0 } : row
      }
    }
    return (side(), side())
  }

  /// Rows that all but coincide: cosines differ by 1e-9, far below what fixed point or single precision can tell.
  static func nearlyEqual(_ rows: Int, _ dimension: Int, seed: UInt64) -> (image: [Double], text: [Double]) {
    let noise = numbers(rows, dimension, seed: seed)
    func side(_ noise: [Double]) -> [Double] {
      noise.enumerated().map { ($0.offset % dimension == 0 ? 1 : 0.1) + 3e-5 * $0.element }
    }
    return (side(noise.image), side(noise.text))
  }

  static func pair(
    _ numbers: (image: [Double], text: [Double]), dimension: Int, ids: [String]? = nil, threads: Int = 2
  ) throws -> EmbeddingPair {
    try EmbeddingPair(
      image: EmbeddingMatrix(numbers.image, dimension: dimension),
      text: EmbeddingMatrix(numbers.text, dimension: dimension), ids: ids, threads: threads)
  }
}

extension UnitRows {
  /// All rows, one after the other.
  func rowsOfNumbers() throws -> [[Double]] {
    let scratch = Buffer<Double>(repeating: 0, count: dimension)
    return try (0..<count).map { i in
      try withRow(i, scratch: scratch) { row in row.indices.map { row[$0] } }
    }
  }
}

/// The inner product that ranks and neighbours are defined by.
func exactDot(_ a: [Double], _ b: [Double]) -> Double { RowKernels.dot(a.span, b.span) }
