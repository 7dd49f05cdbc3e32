import GapLinearAlgebra
import Testing

@Suite struct ProductsTests {
  @Test(arguments: [(1, 1, 1), (5, 7, 3), (300, 261, 40)])
  func blockedProductsAgreeWithTheDefinition(rows: Int, columns: Int, depth: Int) throws {
    let a = Samples.normal(rows, depth, seed: 13)
    let b = Samples.normal(columns, depth, seed: 14)
    let expected = Samples.product(a, Samples.transposed(b))
    let pool = WorkerPool(threads: 2)
    let inner = Block(Buffer<Double>(repeating: 5, count: rows * columns), rows: rows, columns: columns)
    try Products.inner(a, b, into: inner, on: pool)
    #expect(largestDifference(Samples.elements(inner), expected) <= 1e-12)
    let cross = Block(Buffer<Double>(repeating: 1, count: rows * columns), rows: rows, columns: columns)
    try Products.addCross(Samples.transposed(a), Samples.transposed(b), to: cross, on: pool)
    #expect(largestDifference(Samples.elements(cross), expected.map { $0 + 1 }) <= 1e-12)
  }

  @Test func theUpperTrianglePlusItsMirrorIsTheWhole() throws {
    let a = Samples.normal(30, 300, seed: 15)
    let target = Block(Buffer<Double>(repeating: 0, count: 300 * 300), rows: 300, columns: 300)
    try Products.addCross(a, a, to: target, upperOnly: true, on: WorkerPool(threads: 2))
    Products.mirrorUpper(target)
    #expect(largestDifference(Samples.elements(target), Samples.product(Samples.transposed(a), a)) <= 1e-12)
  }

  @Test(arguments: [(10, 10, 3, 4), (1, 9, 5, 5), (7, 1, 2, 9)])
  func tilesCoverEveryPlaceOnce(rows: Int, columns: Int, side: Int, columnSide: Int) {
    var hits = [Int](repeating: 0, count: rows * columns)
    for tile in Tile.covering(rows: rows, columns: columns, side: side, columnSide: columnSide) {
      for i in tile.rows { for j in tile.columns { hits[i * columns + j] += 1 } }
    }
    #expect(hits.allSatisfy { $0 == 1 })
  }
}
