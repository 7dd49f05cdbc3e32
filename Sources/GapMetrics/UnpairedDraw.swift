import GapLinearAlgebra

/// Cosines of a seeded draw of images and texts that do not belong together, for drawing their distribution.
///
/// Mean and spread over all of them are exact in `UnpairedCosine`; this is a picture's worth of them.
public struct UnpairedDraw: Sendable, Equatable {
  /// Cosines `x̂_i · ŷ_j`, i and j of different images.
  public let cosines: [Double]

  /// Draws.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - count: how many are wanted; fewer when there are fewer.
  ///   - seed: of the draw.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(count · d).
  public init(of pair: EmbeddingPair, count: Int = 20_000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let n = pair.count
    var chosen: [(Int, Int)] = []
    if n * (n - 1) <= count {
      for i in 0..<n { for j in 0..<n where pair.groups[i] != pair.groups[j] { chosen.append((i, j)) } }
    } else if pair.groupRepresentatives.count > 1 {
      var generator = SeededGenerator(seed: seed, purpose: "unpaired")
      while chosen.count < count {
        let (i, j) = (generator.index(below: n), generator.index(below: n))
        if pair.groups[i] != pair.groups[j] { chosen.append((i, j)) }
      }
    }
    let draws = chosen
    let d = pair.imageDimension
    let scratch = (0..<pair.pool.threads).map { _ in
      (image: Buffer<Double>(repeating: 0, count: d), text: Buffer<Double>(repeating: 0, count: d))
    }
    cosines = try pair.image.scattered(draws.count).flatMap { run in
      let pieces = Pieces(of: run, size: 16)
      let part = try pair.pool.map(pieces.count) { worker, piece in
        try pieces[piece].map { k in
          try pair.image.withRow(draws[k].0, scratch: scratch[worker].image) { x in
            try pair.text.withRow(draws[k].1, scratch: scratch[worker].text) { y in RowKernels.dot(x, y) }
          }
        }
      }
      pair.image.releaseScattered()
      pair.text.releaseScattered()
      return part.flatMap { $0 }
    }
  }
}
