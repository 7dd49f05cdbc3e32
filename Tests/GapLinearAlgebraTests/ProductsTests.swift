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

  /// Several sums at once: a matrix of one tile, one of several, and one between both.
  @Test(arguments: [(30, 50, 9), (10, 800, 405), (3, 385, 1)])
  func sumsOverRowsAtOnce(depth: Int, width: Int, other: Int) throws {
    let (a, b) = (Samples.normal(depth, width, seed: 15), Samples.normal(depth, other, seed: 16))
    func target(_ rows: Int, _ columns: Int) -> Block<Double> {
      Block(Buffer<Double>(repeating: 2, count: rows * columns), rows: rows, columns: columns)
    }
    let (ofA, ofB, cross) = (target(width, width), target(other, other), target(width, other))
    try Products.add(
      [.gram(a, to: ofA), .cross(a, b, to: cross), .gram(b, to: ofB)], on: WorkerPool(threads: 2))
    for (target, left, right) in [(ofA, a, a), (ofB, b, b), (cross, a, b)] {
      // What lies below the diagonal is not touched but by the mirror.
      if target.rows == target.columns { Products.mirrorUpper(target) }
      let expected = Samples.product(Samples.transposed(left), right).map { $0 + 2 }
      #expect(largestDifference(Samples.elements(target), expected) <= 1e-12)
    }
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
