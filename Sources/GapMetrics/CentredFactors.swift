import GapLinearAlgebra

/// Rows that are replaced by stand-ins for them, centred: matrices with the same Gram matrix over columns.
///
/// Goals, in order: spectra and Fréchet distances right to many digits whatever the rank; one pass over the rows
/// where that suffices; no complex roots. What is needed of the centred rows X_c is `X_cᵀX_c` without squaring it:
/// singular values, and the nuclear norm of a product of two factors.
///
/// - n ≤ d: the centred rows themselves (n small).
/// - n > d, well conditioned: singular values as roots of the eigenvalues of the second moments. An eigenvalue is
///   known to some ε λ_max, so its root to ε λ_max / 2√λ: relative error ε κ / 2, under 1e-8 for κ ≤ 1e8.
/// - n > d, ill conditioned or rank deficient: that root would be noise (√ε of the largest), so the rows are read
///   again and reduced by QR, block after block, to a triangle whose singular values are theirs to ε σ_max.
///
/// Rejected: the matrix square root of Σx Σy (complex roots for n < d, half the digits), and always reducing by QR
/// (a pass over the file and twice the time for nothing on most data).
protocol FactoredRows: Sendable {
  /// Number of rows.
  var count: Int { get }
  /// Numbers in a row.
  var dimension: Int { get }
  /// Copies a row.
  func copyRow(_ index: Int, into target: inout MutableSpan<Double>) throws
  /// Says that these rows are not needed for now.
  func release(_ rows: Range<Int>)
}

extension UnitRows: FactoredRows {}

/// Stand-ins for the centred rows of both modalities.
struct CentredFactors: Sendable {
  let image: Factor
  let text: Factor

  /// The factor T, `TᵀT = Σ (z − z̄)(z − z̄)ᵀ`, and the singular values of the centred rows, descending.
  struct Factor: Sendable {
    let triangle: Block<Double>
    let singularValues: [Double]
  }

  init(of pair: EmbeddingPair) throws {
    let m = pair.moments
    let sides = [(pair.image, m.imageMean, m.imageScatter), (pair.text, m.textMean, m.textScatter)]
    // Two pieces, one a side; inside a piece everything runs on its own thread.
    let factors = try pair.pool.map(2) { _, side in
      try Self.factor(sides[side].0, mean: sides[side].1, scatter: sides[side].2)
    }
    image = factors[0]
    text = factors[1]
  }

  /// Largest over smallest eigenvalue up to which roots of eigenvalues are trusted.
  static let trustedCondition = 1e8

  static func factor(_ rows: some FactoredRows, mean: [Double], scatter: Block<Double>) throws -> Factor {
    let (n, d) = (rows.count, rows.dimension)
    if n <= d {
      let centred = try centredRows(rows, 0..<n, mean: mean)
      return Factor(triangle: centred, singularValues: try singularValues(ofFewRows: centred))
    }
    let eigenvalues = try Factorization.eigenvalues(destroying: copy(scatter))
    let triangle = try triangle(rows, mean: mean, scatter: scatter, eigenvalues: eigenvalues)
    if isTrusted(eigenvalues) {
      return Factor(triangle: triangle, singularValues: eigenvalues.reversed().map { $0.squareRoot() })
    }
    return Factor(
      triangle: triangle, singularValues: try Factorization.singularValues(destroying: copy(triangle)))
  }

  /// Singular values of n ≤ d centred rows: through their n × n Gram matrix, of which one eigenvalue is 0 because the
  /// rows sum to zero, where the others are trusted; by SVD otherwise.
  static func singularValues(ofFewRows rows: Block<Double>) throws -> [Double] {
    let n = rows.rows
    let gram = Block(Buffer<Double>(repeating: 0, count: n * n), rows: n, columns: n)
    for tile in Tile.covering(rows: n, columns: n, side: 256, upperOnly: true) {
      Products.inner(
        rows.rows(tile.rows), rows.rows(tile.columns), into: gram.rows(tile.rows).columns(tile.columns))
    }
    let eigenvalues = try Factorization.eigenvalues(destroying: gram)
    if n >= 2, eigenvalues[1] > 0, eigenvalues[n - 1] <= trustedCondition * eigenvalues[1] {
      return eigenvalues[1...].reversed().map { $0.squareRoot() } + [0]
    }
    return try Factorization.singularValues(destroying: copy(rows))
  }

  /// The factor T alone, of rows of which there are any number.
  static func triangle(_ rows: some FactoredRows, mean: [Double], scatter: Block<Double>) throws -> Block<
    Double
  > {
    if rows.count <= rows.dimension { return try centredRows(rows, 0..<rows.count, mean: mean) }
    let eigenvalues = try Factorization.eigenvalues(destroying: copy(scatter))
    return try triangle(rows, mean: mean, scatter: scatter, eigenvalues: eigenvalues)
  }

  private static func triangle(
    _ rows: some FactoredRows, mean: [Double], scatter: Block<Double>, eigenvalues: [Double]
  ) throws -> Block<Double> {
    guard isTrusted(eigenvalues) else { return try reducedRows(rows, mean: mean) }
    return try Factorization.choleskyUpper(destroying: copy(scatter))
  }

  /// Whether roots of these eigenvalues, ascending, are singular values to enough digits.
  private static func isTrusted(_ eigenvalues: [Double]) -> Bool {
    guard let smallest = eigenvalues.first, let largest = eigenvalues.last else { return false }
    return smallest > 0 && largest <= trustedCondition * smallest
  }

  static func centredRows(_ rows: some FactoredRows, _ range: Range<Int>, mean: [Double]) throws -> Block<
    Double
  > {
    let block = Block(
      Buffer<Double>(repeating: 0, count: range.count * rows.dimension), rows: range.count,
      columns: rows.dimension)
    for i in range {
      try block.writeRow(i - range.lowerBound) { row in
        try rows.copyRow(i, into: &row)
        RowKernels.subtract(mean.span, from: &row)
      }
    }
    return block
  }

  /// The triangle of a QR factorisation of the centred rows, block by block: R ← QR of [R; block].
  private static func reducedRows(_ rows: some FactoredRows, mean: [Double]) throws -> Block<Double> {
    let d = rows.dimension
    var triangle = Block(Buffer<Double>(repeating: 0, count: 0), rows: 0, columns: d)
    for range in Pieces(of: 0..<rows.count, size: max(2 * d, 1024)).all {
      triangle = try Factorization.columnFactor(
        destroying: stacked([triangle, try centredRows(rows, range, mean: mean)]))
      rows.release(range)
    }
    return triangle
  }

  /// Blocks of one width, one below the other.
  static func stacked(_ blocks: [Block<Double>]) -> Block<Double> {
    let columns = blocks[0].columns
    let count = blocks.reduce(0) { $0 + $1.rows }
    let target = Block(Buffer<Double>(repeating: 0, count: count * columns), rows: count, columns: columns)
    var next = 0
    for block in blocks {
      for i in 0..<block.rows {
        block.row(i) { row in
          target.writeRow(next) { copy in
            for k in row.indices { copy[k] = row[k] }
          }
        }
        next += 1
      }
    }
    return target
  }

  static func copy(_ block: Block<Double>) -> Block<Double> { stacked([block]) }
}
