import GapLinearAlgebra
import Testing

@Suite struct FactorizationTests {
  @Test(arguments: [(1, 1), (5, 3), (3, 5), (40, 17), (17, 40)])
  func singularValuesAreRootsOfTheGramMatrixEigenvalues(rows: Int, columns: Int) throws {
    let a = Samples.normal(rows, columns, seed: 7)
    let gram = Block(Buffer(Samples.product(a, Samples.transposed(a))), rows: rows, columns: rows)
    let values = try Factorization.singularValues(destroying: Samples.copy(a))
    let eigenvalues = try Factorization.eigenvalues(destroying: gram).reversed().prefix(values.count)
    #expect(values.count == min(rows, columns))
    #expect(largestDifference(values.map { $0 * $0 }, Array(eigenvalues)) <= 1e-11)
  }

  @Test(arguments: [(5, 3), (3, 5), (40, 17)])
  func rightSingularVectorsAreOrthonormalAndDiagonalise(rows: Int, columns: Int) throws {
    let a = Samples.normal(rows, columns, seed: 8)
    let (values, vectors) = try Factorization.rightSingularVectors(destroying: Samples.copy(a))
    let k = values.count
    let identity = (0..<k * k).map { $0 % (k + 1) == 0 ? 1.0 : 0 }
    #expect(largestDifference(Samples.product(vectors, Samples.transposed(vectors)), identity) <= 1e-13)
    // ‖a v‖ = σ for every vector.
    let images = Samples.product(a, Samples.transposed(vectors))
    for j in 0..<k {
      let length = (0..<rows).reduce(0.0) { $0 + images[$1 * k + j] * images[$1 * k + j] }.squareRoot()
      #expect(abs(length - values[j]) <= 1e-12 * values[0])
    }
  }

  @Test func largestEigenpairsAreEigenpairs() throws {
    let a = Samples.normal(30, 12, seed: 9)
    let scatter = Samples.product(Samples.transposed(a), a)
    let (values, vectors) = try Factorization.largestEigenpairs(
      destroying: Block(Buffer(scatter), rows: 12, columns: 12), count: 4)
    #expect(values == values.sorted(by: >) && values.count == 4)
    let images = Samples.product(vectors, Block(Buffer(scatter), rows: 12, columns: 12))
    let expected = Samples.elements(vectors).enumerated().map { $0.element * values[$0.offset / 12] }
    #expect(largestDifference(images, expected) <= 1e-11)
  }

  @Test(arguments: [(4, 9), (9, 9)])
  func rowAndColumnFactorsKeepTheirGramMatrix(rows: Int, columns: Int) throws {
    let a = Samples.normal(rows, columns, seed: 10)
    let byRows = try Factorization.rowFactor(destroying: Samples.copy(a))
    let gram = Samples.product(a, Samples.transposed(a))
    #expect(byRows.columns == rows)
    #expect(largestDifference(Samples.product(byRows, Samples.transposed(byRows)), gram) <= 1e-12)
    let tall = Samples.transposed(a)
    let byColumns = try Factorization.columnFactor(destroying: Samples.copy(tall))
    #expect(largestDifference(Samples.product(Samples.transposed(byColumns), byColumns), gram) <= 1e-12)
  }

  @Test func choleskySolvesAndRefuses() throws {
    let a = Samples.normal(20, 6, seed: 11)
    let gram = Samples.product(Samples.transposed(a), a)
    let factor = Block(Buffer(gram), rows: 6, columns: 6)
    try Factorization.choleskyInPlace(factor)
    var x = [1.0, 2, 3, 4, 5, 6]
    try Factorization.solve(factor: factor, &x)
    let back = (0..<6).map { i in (0..<6).reduce(0.0) { $0 + gram[i * 6 + $1] * x[$1] } }
    #expect(largestDifference(back, [1, 2, 3, 4, 5, 6]) <= 1e-11)
    let upper = try Factorization.choleskyUpper(destroying: Block(Buffer(gram), rows: 6, columns: 6))
    #expect(largestDifference(Samples.product(Samples.transposed(upper), upper), gram) <= 1e-12)
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2)) {
      try Factorization.choleskyInPlace(Block(Buffer([1.0, 2, 2, 1]), rows: 2, columns: 2))
    }
  }
}
