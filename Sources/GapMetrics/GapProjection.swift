public import GapLinearAlgebra

/// Which rows a PCA is fitted on.
public enum ProjectionFit: String, Sendable, CaseIterable {
  /// Both modalities stacked, centred on their common mean: the first axis usually runs along the gap.
  case joint
  /// The images alone.
  case image
  /// The texts alone.
  case text
}

/// The PCA of a pair of embeddings, and every row's place in it.
public struct GapProjection: Sendable, Equatable {
  /// The basis, fitted here or given.
  public let basis: PrincipalComponents
  /// Coordinates of each image row, [n, count] row-major.
  public let image: [Double]
  /// Coordinates of each text row, [n, count] row-major.
  public let text: [Double]

  /// Fits a basis to the unit rows.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - fit: the rows that it is fitted on.
  ///   - count: components wanted.
  /// - Returns: a basis of at most min(count, d, rows) components.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw; `LinearAlgebraError`.
  /// - Complexity: O(d³) or, with fewer rows than columns, O(n² d).
  public static func basis(
    of pair: EmbeddingPair, fit: ProjectionFit = .joint, count: Int = 10
  ) throws -> PrincipalComponents {
    try pair.requireEqualDimensions()
    let m = pair.moments
    let d = pair.imageDimension
    switch fit {
    case .joint:
      let centre = m.imageMean.indices.map { (m.imageMean[$0] + m.textMean[$0]) / 2 }
      if 2 * pair.count < d {
        let image = try CentredFactors.centredRows(pair.image, 0..<pair.count, mean: centre)
        let text = try CentredFactors.centredRows(pair.text, 0..<pair.count, mean: centre)
        return try PrincipalComponents(
          destroyingCentredRows: CentredFactors.stacked([image, text]), centre: centre, count: count)
      }
      return try PrincipalComponents(
        destroyingScatter: JointMoments.scatter(pair), centre: centre, count: count)
    case .image, .text:
      let rows = fit == .image ? pair.image : pair.text
      let mean = fit == .image ? m.imageMean : m.textMean
      let scatter = fit == .image ? m.imageScatter : m.textScatter
      if pair.count < d {
        return try PrincipalComponents(
          destroyingCentredRows: CentredFactors.centredRows(rows, 0..<pair.count, mean: mean), centre: mean,
          count: count)
      }
      return try PrincipalComponents(
        destroyingScatter: CentredFactors.copy(scatter), centre: mean, count: count)
    }
  }

  /// Projects every unit row.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - basis: a fitted or saved basis of the pair's width.
  /// - Throws: `MetricError.basisDiffers` when the widths differ; what the sources throw.
  /// - Complexity: O(n d count).
  public init(of pair: EmbeddingPair, basis: PrincipalComponents) throws {
    try pair.requireEqualDimensions()
    guard basis.dimension == pair.imageDimension else {
      throw MetricError.basisDiffers(basisWidth: basis.dimension, width: pair.imageDimension)
    }
    self.basis = basis
    image = try Self.coordinates(pair.image, basis, pair.pool)
    text = try Self.coordinates(pair.text, basis, pair.pool)
  }

  private static func coordinates(
    _ rows: UnitRows, _ basis: PrincipalComponents, _ pool: WorkerPool
  ) throws -> [Double] {
    let vectors = Buffer(basis.components)
    let target = Block(
      Buffer<Double>(repeating: 0, count: rows.count * basis.count), rows: rows.count, columns: basis.count)
    let blockRows = min(1024, rows.count)
    let storage = Buffer<Double>(repeating: 0, count: blockRows * rows.dimension)
    for range in Pieces(of: 0..<rows.count, size: blockRows).all {
      let block = Block(storage, rows: range.count, columns: rows.dimension)
      try rows.fill(block, from: range.lowerBound, on: pool)
      basis.project(block, into: target.rows(range), basis: vectors)
      rows.release(range)
    }
    return target.buffer.array()
  }
}
