import Foundation
import GapLinearAlgebra
import Testing

@Suite struct RowKernelsTests {
  @Test(arguments: [1, 7, 8, 33, 768])
  func sumsAgreeWithTheDefinition(count: Int) {
    let block = Samples.normal(2, count, seed: 5)
    let all = Samples.elements(block)
    let (a, b) = (Array(all[..<count]), Array(all[count...]))
    let dot = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    let distance = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    #expect(abs(RowKernels.dot(a.span, b.span) - dot) <= 1e-13 * Double(count))
    #expect(abs(RowKernels.squaredDistance(a.span, b.span) - distance) <= 1e-14 * distance * Double(count))
  }

  @Test func equalRowsHaveEqualBitsWhereverTheyLie() {
    let block = Samples.normal(1, 101, seed: 6)
    let row = Samples.elements(block)
    let shifted = Buffer([0.0] + row)
    let here = RowKernels.dot(row.span, row.span)
    let there = shifted.read(1..<102) { RowKernels.dot($0, $0) }
    #expect(here.bitPattern == there.bitPattern)
  }

  @Test func lengthsNeitherOverflowNorVanish() {
    let scales = [1e-300, 1e-160, 1.0, 1e160, 1e300]
    for scale in scales {
      let row = [3 * scale, 4 * scale]
      #expect(abs(RowKernels.norm(row.span) / scale - 5) <= 1e-14)
    }
    let empty: [Double] = [0, 0]
    #expect(RowKernels.norm(empty.span) == 0)
    let infinite = [Double.infinity, 1]
    #expect(RowKernels.norm(infinite.span) == .infinity)
    let broken = [Double.nan, 1]
    #expect(!RowKernels.norm(broken.span).isFinite)
  }

  @Test func exponentialsAreThoseOfTheCLibrary() {
    let values = (0...70_000).map { -Double($0) / 100 } + [-1e-300, -1e-17, -0.0]
    let found = RowKernels.exponentials(values.span)
    let worst = zip(values, found).reduce(0.0) { max($0, abs($1.1 / exp($1.0) - 1)) }
    #expect(worst <= 4e-15)
    let far = [-800.0, -1e9]
    #expect(RowKernels.exponentials(far.span) == [0, 0])
  }

  @Test func sumsOfExponentialsAndRootsAgreeWithTheDefinition() {
    let values = (0..<1001).map { Double($0) / 250 }
    let sum = values.reduce(0.0) { $0 + exp(-2 * $1) }
    let roots = values.reduce(0.0) { $0 + $1.squareRoot() }
    #expect(abs(RowKernels.sumOfExponentials(values.span, factor: 2) / sum - 1) <= 1e-14)
    #expect(abs(RowKernels.sumOfRoots(values.span) / roots - 1) <= 1e-14)
  }

  @Test func fingerprintsTellRowsApartButNotZerosOfEitherSign() {
    let rows: [[Double]] = [[1, 0, 2], [1, -0.0, 2], [1, 2, 0], [1, 0, 2.0.nextUp]]
    let prints = rows.map { RowKernels.fingerprint($0.span) }
    #expect(prints[0] == prints[1])
    #expect(prints[0] != prints[2] && prints[0] != prints[3])
  }
}
