import CLAPACKE

/// What LAPACK could not do.
public enum LinearAlgebraError: Error, CustomStringConvertible, Equatable {
  /// An iteration ended without an answer; `info` is LAPACK's own code.
  case notConverged(routine: String, info: Int)
  /// A matrix that must be positive definite is not.
  case notPositiveDefinite(order: Int)
  /// A matrix is larger than LAPACK's 32-bit sizes.
  case tooLarge(rows: Int, columns: Int)

  /// One line: what, expected, found.
  public var description: String {
    switch self {
    case .notConverged(let routine, let info):
      "\(routine) did not converge (info \(info)): the matrix holds values that are not finite or far out of range"
    case .notPositiveDefinite(let order):
      "a matrix that must be positive definite is not (leading minor \(order))"
    case .tooLarge(let rows, let columns):
      "a \(rows) × \(columns) matrix is beyond LAPACK's 32-bit sizes"
    }
  }
}

/// The one place that calls LAPACK, in double, on row-major buffers handed over as their transposes.
///
/// LAPACK is column-major: the row-major m × n block is its n × m matrix. Eigenvalues, singular values and the
/// Cholesky factor of a symmetric matrix do not mind; where the transpose matters, the doc comment says so.
/// Arguments that it overwrites are named `destroying`.
package enum Factorization {
  /// The eigenvalues of a symmetric matrix, ascending; only the upper triangle (row-major) is read.
  ///
  /// - Complexity: O(n³), n the order.
  package static func eigenvalues(destroying a: Block<Double>) throws(LinearAlgebraError) -> [Double] {
    precondition(a.rows == a.columns)
    let n = try size(a.rows, a.columns)
    guard n > 0 else { return [] }
    var values = [Double](repeating: 0, count: a.rows)
    let info = unsafe LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, letter("N"), letter("L"), n, a.buffer.pointer(at: a.offset, reaching: a.extent),
      Int32(a.stride), &values)
    guard info == 0 else { throw .notConverged(routine: "dsyevd", info: Int(info)) }
    return values
  }

  /// The `count` largest eigenvalues, descending, with their unit eigenvectors as the rows of the second result.
  package static func largestEigenpairs(
    destroying a: Block<Double>, count: Int
  ) throws(LinearAlgebraError) -> (values: [Double], vectors: Block<Double>) {
    precondition(a.rows == a.columns && count <= a.rows)
    let n = try size(a.rows, a.columns)
    guard count > 0 else { return ([], Block(Buffer(repeating: 0, count: 0), rows: 0, columns: a.rows)) }
    var values = [Double](repeating: 0, count: a.rows)
    let vectors = Buffer<Double>(repeating: 0, count: count * a.rows)
    var support = [Int32](repeating: 0, count: 2 * count)
    var found: Int32 = 0
    let info = unsafe LAPACKE_dsyevr(
      LAPACK_COL_MAJOR, letter("V"), letter("I"), letter("L"), n,
      a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride), 0, 0, n - Int32(count) + 1, n, 0,
      &found,
      &values, vectors.pointer(at: 0, reaching: vectors.count), n, &support)
    guard info == 0, Int(found) == count else { throw .notConverged(routine: "dsyevr", info: Int(info)) }
    let descending = Buffer<Double>(repeating: 0, count: count * a.rows)
    for k in 0..<count {
      for j in 0..<a.rows { descending[k * a.rows + j] = vectors[(count - 1 - k) * a.rows + j] }
    }
    return (values[..<count].reversed(), Block(descending, rows: count, columns: a.rows))
  }

  /// The singular values of a matrix, descending.
  package static func singularValues(destroying a: Block<Double>) throws(LinearAlgebraError) -> [Double] {
    let m = try size(a.columns, a.rows)
    let n = Int32(a.rows)
    guard m > 0, n > 0 else { return [] }
    var values = [Double](repeating: 0, count: min(a.rows, a.columns))
    var noLeft = 0.0
    var noRight = 0.0
    let info = unsafe LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, letter("N"), m, n, a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride),
      &values, &noLeft, 1, &noRight, 1)
    guard info == 0 else { throw .notConverged(routine: "dgesdd", info: Int(info)) }
    return values
  }

  /// Thin SVD: singular values, descending, and right singular vectors as the rows of the second result.
  package static func rightSingularVectors(
    destroying a: Block<Double>
  ) throws(LinearAlgebraError) -> (values: [Double], vectors: Block<Double>) {
    // The column-major view is aᵀ = V S Uᵀ: its left vectors are our right ones, stored as rows of length `columns`.
    let m = try size(a.columns, a.rows)
    let n = Int32(a.rows)
    let k = min(a.rows, a.columns)
    guard k > 0 else { return ([], Block(Buffer(repeating: 0, count: 0), rows: 0, columns: a.columns)) }
    var values = [Double](repeating: 0, count: k)
    let right = Buffer<Double>(repeating: 0, count: k * a.columns)
    let left = Buffer<Double>(repeating: 0, count: k * a.rows)
    let info = unsafe LAPACKE_dgesdd(
      LAPACK_COL_MAJOR, letter("S"), m, n, a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride),
      &values, right.pointer(at: 0, reaching: right.count), m, left.pointer(at: 0, reaching: left.count),
      Int32(k))
    guard info == 0 else { throw .notConverged(routine: "dgesdd", info: Int(info)) }
    return (values, Block(right, rows: k, columns: a.columns))
  }

  /// A factor whose rows have the inner products of the rows of `a` (rows ≤ columns): `L Lᵀ = a aᵀ`, lower
  /// triangular [rows, rows], by a QR factorisation of aᵀ, so without squaring the condition number.
  package static func rowFactor(destroying a: Block<Double>) throws(LinearAlgebraError) -> Block<Double> {
    precondition(a.rows <= a.columns)
    let r = try triangle(destroying: a, columnMajorRows: a.columns, columnMajorColumns: a.rows)
    return r
  }

  /// QR of the column-major view; returns Rᵀ row-major lower triangular, that is R read column by column.
  private static func triangle(
    destroying a: Block<Double>, columnMajorRows: Int, columnMajorColumns: Int
  ) throws(LinearAlgebraError) -> Block<Double> {
    let m = try size(columnMajorRows, columnMajorColumns)
    let n = columnMajorColumns
    guard n > 0 else { return Block(Buffer(repeating: 0, count: 0), rows: 0, columns: 0) }
    var scales = [Double](repeating: 0, count: min(columnMajorRows, n))
    let info = unsafe LAPACKE_dgeqrf(
      LAPACK_COL_MAJOR, m, Int32(n), a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride),
      &scales)
    guard info == 0 else { throw .notConverged(routine: "dgeqrf", info: Int(info)) }
    let factor = Buffer<Double>(repeating: 0, count: n * n)
    for j in 0..<n {
      for i in 0...j { factor[j * n + i] = a.buffer[a.offset + j * a.stride + i] }
    }
    return Block(factor, rows: n, columns: n)
  }

  /// The triangle T [k, columns] with `TᵀT = aᵀa`, k = min(rows, columns), by an LQ factorisation of the
  /// column-major view.
  ///
  /// It stands in for the rows of `a` wherever only their Gram matrix over columns counts.
  package static func columnFactor(destroying a: Block<Double>) throws(LinearAlgebraError) -> Block<Double> {
    // Column-major view B = aᵀ [columns, rows] = L Q, L [columns, k]; TᵀT = aᵀa = B Bᵀ = L Lᵀ, so T = Lᵀ.
    let m = try size(a.columns, a.rows)
    let k = min(a.rows, a.columns)
    guard k > 0 else { return Block(Buffer(repeating: 0, count: 0), rows: 0, columns: a.columns) }
    var scales = [Double](repeating: 0, count: k)
    let info = unsafe LAPACKE_dgelqf(
      LAPACK_COL_MAJOR, m, Int32(a.rows), a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride),
      &scales)
    guard info == 0 else { throw .notConverged(routine: "dgelqf", info: Int(info)) }
    // L(i, j), i ≥ j, lies at a[j * stride + i]: row j of T.
    let factor = Buffer<Double>(repeating: 0, count: k * a.columns)
    for j in 0..<k {
      for i in j..<a.columns { factor[j * a.columns + i] = a.buffer[a.offset + j * a.stride + i] }
    }
    return Block(factor, rows: k, columns: a.columns)
  }

  /// The upper triangle U, `UᵀU = a`, of a positive definite matrix of which the upper triangle (row-major) is read.
  package static func choleskyUpper(destroying a: Block<Double>) throws(LinearAlgebraError) -> Block<Double> {
    precondition(a.rows == a.columns)
    let n = try size(a.rows, a.columns)
    let info = unsafe LAPACKE_dpotrf(
      LAPACK_COL_MAJOR, letter("L"), n, a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride))
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    for i in 1..<max(a.rows, 1) {
      for j in 0..<i { a.buffer[a.offset + i * a.stride + j] = 0 }
    }
    return a
  }

  /// Overwrites the upper triangle (row-major) of a positive definite matrix with its Cholesky factor.
  package static func choleskyInPlace<T: FactorScalar>(_ a: Block<T>) throws(LinearAlgebraError) {
    precondition(a.rows == a.columns)
    let n = try size(a.rows, a.columns)
    let info = unsafe T.factor(n, a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride))
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
  }

  /// Solves `a x = b` with the factor that `choleskyInPlace` left; `b` becomes x.
  package static func solve<T: FactorScalar>(
    factor a: Block<T>, _ b: inout [T]
  ) throws(LinearAlgebraError) {
    precondition(b.count == a.rows)
    let n = try size(a.rows, a.columns)
    let info = unsafe T.solve(n, a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(a.stride), &b)
    guard info == 0 else { throw .notConverged(routine: "potrs", info: Int(info)) }
  }

  fileprivate static func letter(_ letter: Unicode.Scalar) -> CChar { CChar(letter.value) }

  private static func size(_ rows: Int, _ columns: Int) throws(LinearAlgebraError) -> Int32 {
    guard let n = Int32(exactly: rows), Int32(exactly: columns) != nil else {
      throw .tooLarge(rows: rows, columns: columns)
    }
    return n
  }
}

/// The precisions in which a positive definite system can be solved.
package protocol FactorScalar: ProductScalar {
  /// LAPACK's `potrf` on the column-major lower triangle.
  @unsafe static func factor(_ n: Int32, _ a: UnsafeMutablePointer<Self>, _ stride: Int32) -> Int32
  /// LAPACK's `potrs` with that factor and one right-hand side.
  @unsafe static func solve(_ n: Int32, _ a: UnsafePointer<Self>, _ stride: Int32, _ b: inout [Self]) -> Int32
}

extension Double: FactorScalar {
  @unsafe package static func factor(_ n: Int32, _ a: UnsafeMutablePointer<Double>, _ stride: Int32) -> Int32 {
    unsafe LAPACKE_dpotrf(LAPACK_COL_MAJOR, Factorization.letter("L"), n, a, stride)
  }
  @unsafe package static func solve(
    _ n: Int32, _ a: UnsafePointer<Double>, _ stride: Int32, _ b: inout [Double]
  ) -> Int32 {
    unsafe LAPACKE_dpotrs(LAPACK_COL_MAJOR, Factorization.letter("L"), n, 1, a, stride, &b, n)
  }
}

extension Float: FactorScalar {
  @unsafe package static func factor(_ n: Int32, _ a: UnsafeMutablePointer<Float>, _ stride: Int32) -> Int32 {
    unsafe LAPACKE_spotrf(LAPACK_COL_MAJOR, Factorization.letter("L"), n, a, stride)
  }
  @unsafe package static func solve(
    _ n: Int32, _ a: UnsafePointer<Float>, _ stride: Int32, _ b: inout [Float]
  ) -> Int32 {
    unsafe LAPACKE_spotrs(LAPACK_COL_MAJOR, Factorization.letter("L"), n, 1, a, stride, &b, n)
  }
}
