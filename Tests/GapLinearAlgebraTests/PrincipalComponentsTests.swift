import GapLinearAlgebra
import Testing

@Suite struct PrincipalComponentsTests {
  /// Rows about their mean, with a falling spectrum so that axes are well apart.
  private static func centredRows(_ rows: Int, _ columns: Int) -> Block<Double> {
    let block = Samples.normal(rows, columns, seed: 12)
    for j in 0..<columns {
      let mean = (0..<rows).reduce(0.0) { $0 + block.buffer[$1 * columns + j] } / Double(rows)
      let scale = 1 / Double(j + 1)
      for i in 0..<rows { block.buffer[i * columns + j] = (block.buffer[i * columns + j] - mean) * scale }
    }
    return block
  }

  @Test(arguments: [(50, 12), (12, 12), (9, 20)])
  func bothPathsAgree(rows: Int, columns: Int) throws {
    let block = Self.centredRows(rows, columns)
    let centre = (0..<columns).map(Double.init)
    let scatter = Block(
      Buffer(Samples.product(Samples.transposed(block), block)), rows: columns, columns: columns)
    let count = 5
    let byCovariance = try PrincipalComponents(destroyingScatter: scatter, centre: centre, count: count)
    let bySVD = try PrincipalComponents(
      destroyingCentredRows: Samples.copy(block), centre: centre, count: count)
    #expect(byCovariance.count == count && bySVD.count == count)
    #expect(largestDifference(byCovariance.components, bySVD.components) <= 1e-9)
    #expect(largestDifference(byCovariance.varianceFractions, bySVD.varianceFractions) <= 1e-12)
  }

  @Test func componentsAreOrthonormalWithTheLargestEntryPositive() throws {
    let basis = try PrincipalComponents(
      destroyingCentredRows: Self.centredRows(40, 9), centre: [Double](repeating: 0, count: 9), count: 9)
    let components = Block(Buffer(basis.components), rows: 9, columns: 9)
    let identity = (0..<81).map { $0 % 10 == 0 ? 1.0 : 0 }
    #expect(largestDifference(Samples.product(components, Samples.transposed(components)), identity) <= 1e-13)
    for k in 0..<9 {
      let row = basis.components[k * 9..<(k + 1) * 9]
      #expect(row.max { abs($0) < abs($1) }.map { $0 > 0 } == true)
    }
    #expect(abs(basis.varianceFractions.reduce(0, +) - 1) <= 1e-12)
    #expect(basis.varianceFractions == basis.varianceFractions.sorted(by: >))
  }

  @Test func projectionTakesOffTheCentre() {
    let basis = PrincipalComponents(
      centre: [1, 2, 3], components: [0, 1, 0, 0, 0, 1], varianceFractions: [0.6, 0.4])
    let target = Block(Buffer<Double>(repeating: 0, count: 4), rows: 2, columns: 2)
    basis.project(
      Block(Buffer([1.0, 2, 3, 4, 6, 8]), rows: 2, columns: 3), into: target, basis: Buffer(basis.components))
    #expect(target.buffer.array() == [0, 0, 4, 5])
  }
}
