/// The distances between the two members of each pair on the unit sphere.
///
/// 0 when every pair coincides, `√2` for unrelated directions, 2 for opposite ones. Unlike the centroid distance it
/// is not fooled by two clouds that share a centre.
///
/// - Source: Schrodi et al., *Two Effects, One Trigger*, ICLR 2025 ("L2I"); Wang & Isola 2020 (alignment, α = 2).
public struct PairDistance: Sendable, Equatable {
  /// `mean ‖x̂_i − ŷ_i‖`, 0…2.
  public let mean: Double
  /// `mean ‖x̂_i − ŷ_i‖²`, 0…4: the alignment of Wang & Isola.
  public let alignment: Double

  /// Takes them from the moments of the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(n), n pairs.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let squares = pair.moments.squaredDistances
    mean = squares.reduce(0) { $0 + $1.squareRoot() } / Double(squares.count)
    alignment = squares.reduce(0, +) / Double(squares.count)
  }
}
