import GapLinearAlgebra

/// The cosines between images and texts that do not belong together.
///
/// ```
/// x̂_i · ŷ_j,  i ≠ j
/// ```
///
/// The baseline that `PairedCosine` must be held against. Mean and spread are exact over all n(n − 1) of them, in
/// O(d²): with x̂ = x̄ + a and ŷ = ȳ + b,
///
/// ```
/// Σ_ij (x̂_i·ŷ_j − x̄·ȳ)² = n ȳᵀ Sx ȳ + n x̄ᵀ Sy x̄ + ⟨Sx, Sy⟩,  S the centred second moments,
/// ```
///
/// a sum of terms that are not negative, so nothing cancels. (Expanding about zero instead subtracts two numbers of
/// size n² and loses the spread of a collapsed set.)
public struct UnpairedCosine: Sendable, Equatable {
  /// Mean over i ≠ j.
  public let mean: Double
  /// Standard deviation (ddof 1) over i ≠ j.
  public let std: Double

  /// Takes both from the moments of the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(d²), d the width.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let m = pair.moments
    let n = Double(m.count)
    let centre = Vector.dot(m.imageMean, m.textMean)
    let pairs = n * (n - 1)
    let diagonal = m.cosines.reduce(0) { $0 + ($1 - centre) }
    // About x̄·ȳ all n² deviations sum to zero, so those off the diagonal sum to −Σ diagonal.
    let shift = -diagonal / pairs
    mean = centre + shift
    let scatter =
      n * Vector.quadratic(m.imageScatter, m.textMean) + n * Vector.quadratic(m.textScatter, m.imageMean)
      + Vector.dot(m.imageScatter, m.textScatter)
    let diagonalSquares = m.cosines.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
    let squares = scatter - diagonalSquares - pairs * shift * shift
    std = (max(0, squares) / (pairs - 1)).squareRoot()
  }
}
