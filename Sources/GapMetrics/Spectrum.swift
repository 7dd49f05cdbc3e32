import GapLinearAlgebra

/// How many directions a cloud uses.
///
/// ```
/// effective rank       exp(−Σ p ln p),  p = σ/Σσ, σ the singular values of the centred rows
/// participation ratio  (Σλ)²/Σλ²,  λ = σ²
/// ```
///
/// Between 1 (a line) and min(n − 1, d). The participation ratio weighs large directions more. `joint` is of the 2n
/// stacked rows of both modalities: a large gap adds one strong direction, which lowers both.
///
/// - Source: Roy & Vetterli, *The effective rank*, EUSIPCO 2007.
public struct Spectrum: Sendable, Equatable {
  /// Singular values of the centred unit rows, descending: of the images, of the texts, of both stacked.
  public let image: [Double]
  /// Of the texts.
  public let text: [Double]
  /// Of both stacked, centred on their common mean.
  public let joint: [Double]

  init(of pair: EmbeddingPair, factors: CentredFactors) throws {
    image = factors.image.singularValues
    text = factors.text.singularValues
    joint = try Self.jointSingularValues(pair, factors)
  }

  /// Finds the three spectra.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw; `LinearAlgebraError`.
  /// - Complexity: O(min(n, d)³ + n d²), n pairs of width d.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    try self.init(of: pair, factors: CentredFactors(of: pair))
  }

  /// `exp(−Σ p ln p)`; nil for a cloud without spread.
  public static func effectiveRank(_ singularValues: [Double]) -> Double? {
    let total = singularValues.reduce(0, +)
    guard total > 0 else { return nil }
    return exponential(
      singularValues.reduce(0) { sum, value in
        let p = value / total
        return p > 0 ? sum - p * logarithm(p) : sum
      })
  }

  /// `(Σλ)²/Σλ²`; nil for a cloud without spread.
  public static func participationRatio(_ singularValues: [Double]) -> Double? {
    let variances = singularValues.map { $0 * $0 }
    let total = variances.reduce(0, +)
    guard total > 0 else { return nil }
    return total * total / variances.reduce(0) { $0 + $1 * $1 }
  }

  /// Shares of the total variance, largest first: `λ_k / Σλ`.
  public static func varianceFractions(_ singularValues: [Double]) -> [Double] {
    let variances = singularValues.map { $0 * $0 }
    let total = variances.reduce(0, +)
    return total > 0 ? variances.map { $0 / total } : variances
  }

  private static func jointSingularValues(_ pair: EmbeddingPair, _ factors: CentredFactors) throws -> [Double] {
    let (n, d) = (pair.count, pair.imageDimension)
    let m = pair.moments
    // Σ over both = Sx + Sy + n/2 ΔΔᵀ: the two factors and one more row.
    let delta = Vector.difference(m.imageMean, m.textMean).map { $0 * (Double(n) / 2).squareRoot() }
    let shift = Block(Buffer(delta), rows: 1, columns: d)
    if 2 * n <= d {
      let rows = CentredFactors.stacked([factors.image.triangle, factors.text.triangle, shift])
      return try Factorization.singularValues(destroying: rows).prefix(2 * n).map { $0 }
    }
    let scatter = JointMoments.scatter(pair)
    let eigenvalues = try Factorization.eigenvalues(destroying: scatter)
    if eigenvalues[0] > 0, eigenvalues[d - 1] <= CentredFactors.trustedCondition * eigenvalues[0] {
      return eigenvalues.reversed().map { $0.squareRoot() }
    }
    let rows = CentredFactors.stacked([factors.image.triangle, factors.text.triangle, shift])
    return try Factorization.singularValues(destroying: Factorization.columnFactor(destroying: rows))
  }
}

/// Second moments of the 2n stacked rows.
enum JointMoments {
  /// `Sx + Sy + n/2 ΔΔᵀ` [d, d].
  static func scatter(_ pair: EmbeddingPair) -> Block<Double> {
    let m = pair.moments
    let d = pair.imageDimension
    let delta = Vector.difference(m.imageMean, m.textMean)
    let half = Double(pair.count) / 2
    let target = Block(Buffer<Double>(repeating: 0, count: d * d), rows: d, columns: d)
    for i in 0..<d {
      m.imageScatter.row(i) { x in
        m.textScatter.row(i) { y in
          target.writeRow(i) { row in
            for j in 0..<d { row[j] = x[j] + y[j] + half * delta[i] * delta[j] }
          }
        }
      }
    }
    return target
  }
}
