/// A fitted principal component analysis: an orthonormal basis, the centre it was fitted on, and variances.
///
/// ```
/// z ↦ (z − centre) · componentᵀ
/// ```
///
/// Sign: the entry of largest magnitude in each component is positive, so that two fits of the same data share axes.
/// A basis can be saved and applied to other rows; then pictures of two models share axes.
public struct PrincipalComponents: Sendable, Equatable {
  /// Width of the rows, d.
  public let dimension: Int
  /// Mean of the rows that it was fitted on, [d].
  public let centre: [Double]
  /// Unit components, [count, d] row-major, by falling variance.
  public let components: [Double]
  /// Share of the total variance along each component, 0…1, [count].
  public let varianceFractions: [Double]

  /// Number of components.
  public var count: Int { varianceFractions.count }

  /// A basis from its parts, for example from a file.
  ///
  /// The sizes must agree (programmer error otherwise; readers check first).
  public init(centre: [Double], components: [Double], varianceFractions: [Double]) {
    precondition(components.count == centre.count * varianceFractions.count)
    dimension = centre.count
    self.centre = centre
    self.components = components
    self.varianceFractions = varianceFractions
  }

  /// Fits through the eigenvectors of the second moments: the path for more rows than columns.
  ///
  /// - Parameters:
  ///   - scatter: `Σ (z − z̄)(z − z̄)ᵀ` [d, d]; the upper triangle is read and overwritten.
  ///   - centre: z̄ [d].
  ///   - count: components wanted; at most d are given.
  /// - Throws: `LinearAlgebraError`.
  /// - Complexity: O(d³).
  package init(destroyingScatter scatter: Block<Double>, centre: [Double], count: Int)
    throws(LinearAlgebraError)
  {
    let total = (0..<scatter.rows).reduce(0) { $0 + scatter.buffer[scatter.offset + $1 * scatter.stride + $1] }
    let pairs = try Factorization.largestEigenpairs(destroying: scatter, count: min(count, scatter.rows))
    self.init(centre: centre, vectors: pairs.vectors, variances: pairs.values.map { max($0, 0) }, total: total)
  }

  /// Fits through the SVD of the centred rows: the path for fewer rows than columns.
  ///
  /// - Parameters:
  ///   - rows: [n, d], centred; overwritten.
  ///   - centre: the mean that was taken off, [d].
  ///   - count: components wanted; at most min(n, d) are given.
  /// - Throws: `LinearAlgebraError`.
  /// - Complexity: O(n d min(n, d)).
  package init(destroyingCentredRows rows: Block<Double>, centre: [Double], count: Int)
    throws(LinearAlgebraError)
  {
    let svd = try Factorization.rightSingularVectors(destroying: rows)
    let variances = svd.values.map { $0 * $0 }
    let kept = min(count, variances.count)
    self.init(
      centre: centre, vectors: svd.vectors.rows(0..<kept), variances: Array(variances[..<kept]),
      total: variances.reduce(0, +))
  }

  private init(centre: [Double], vectors: Block<Double>, variances: [Double], total: Double) {
    var components: [Double] = []
    components.reserveCapacity(variances.count * centre.count)
    for k in 0..<variances.count {
      vectors.row(k) { vector in
        var largest = 0
        for j in vector.indices where abs(vector[j]) > abs(vector[largest]) { largest = j }
        let sign = vector[largest] < 0 ? -1.0 : 1.0
        for j in vector.indices { components.append(sign * vector[j]) }
      }
    }
    self.init(
      centre: centre, components: components, varianceFractions: variances.map { total > 0 ? $0 / total : 0 })
  }

  /// Coordinates of rows in the basis: [n, count] from [n, d].
  package func project(_ rows: Block<Double>, into target: Block<Double>, basis: Buffer<Double>) {
    Products.inner(rows, Block(basis, rows: count, columns: dimension), into: target)
    let offsets = (0..<count).map { k in
      basis.read(k * dimension..<(k + 1) * dimension) { RowKernels.dot($0, centre.span) }
    }
    for i in 0..<target.rows {
      target.writeRow(i) { row in
        for k in row.indices { row[k] -= offsets[k] }
      }
    }
  }
}
