import EmbeddingGap

/// How a squared length is shared out among dimensions.
struct DimensionShares {
  /// Largest first; their sum is 1.
  private let shares: [Double]

  /// - Parameter lengths: one a dimension, with any sign.
  init(_ lengths: [Double]) {
    let squares = lengths.map { $0 * $0 }.sorted(by: >)
    let total = squares.reduce(0, +)
    shares = squares.map { $0 / total }
  }

  /// What so many of the largest hold together.
  func largest(_ count: Int) -> Double { shares.prefix(count).reduce(0, +) }

  /// Those of random directions.
  static func ofRandomDirections(width: Int, count: Int) -> [DimensionShares] {
    var generator = SeededGenerator(seed: 0, purpose: "directions")
    return (0..<count).map { _ in
      // Sums of twelve uniform numbers are normal enough for a direction.
      DimensionShares(
        (0..<width).map { _ in
          (0..<12).reduce(0.0) { sum, _ in sum + Double.random(in: -0.5...0.5, using: &generator) }
        })
    }
  }
}
