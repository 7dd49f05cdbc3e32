import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct GapProjectionTests {
  @Test(arguments: ["clouds", "overlap", "wide"])
  func basisAgreesWithTheOracle(name: String) throws {
    let golden = try #require(try Golden(Golden.fixture("\(name).golden.json")).whole["pca"] as? [String: Any])
    let mean = try #require(golden["mean"] as? [Double])
    let components = try #require(golden["components"] as? [[Double]])
    let pair = try Golden.pair(Golden.fixture("\(name).npy"))
    let basis = try GapProjection.basis(of: pair, count: components.count)
    #expect(basis.count == components.count)
    #expect(zip(basis.centre, mean).allSatisfy { abs($0 - $1) <= 1e-12 } && basis.centre.count == mean.count)
    let worst = zip(basis.components, components.flatMap { $0 }).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= 1e-9)
  }

  @Test func coordinatesAreInnerProductsWithTheAxes() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(50, 6, seed: 14), dimension: 6)
    let basis = try GapProjection.basis(of: pair, fit: .image, count: 3)
    let projection = try GapProjection(of: pair, basis: basis)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    for i in 0..<50 {
      for k in 0..<3 {
        func coordinate(_ row: [Double]) -> Double {
          (0..<6).reduce(0) { $0 + (row[$1] - basis.centre[$1]) * basis.components[k * 6 + $1] }
        }
        #expect(abs(projection.image[i * 3 + k] - coordinate(x[i])) <= 1e-13)
        #expect(abs(projection.text[i * 3 + k] - coordinate(y[i])) <= 1e-13)
      }
    }
  }

  @Test func aBasisOfAnotherWidthIsRefused() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(10, 4, seed: 15), dimension: 4)
    let basis = PrincipalComponents(centre: [0, 0], components: [1, 0], varianceFractions: [1])
    #expect(throws: MetricError.self) { try GapProjection(of: pair, basis: basis) }
  }
}
