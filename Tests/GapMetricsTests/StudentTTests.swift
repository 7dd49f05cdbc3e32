import Testing

@testable import GapMetrics

/// Student's t against printed tables.
@Suite struct StudentTTests {
  @Test(arguments: [
    (1, 12.7062), (2, 4.30265), (4, 2.77645), (7, 2.36462), (9, 2.26216), (29, 2.04523), (30, 2.04227),
  ])
  func quantilesAreThoseOfTheTables(degrees: Int, expected: Double) {
    #expect(abs(StudentT.quantile(0.975, degrees: degrees) - expected) < 5e-5)
  }

  @Test func intervalsAreThoseOfTheMean() throws {
    // Mean 3, standard deviation √2.5, t 2.77645.
    let half = 2.77645 * (2.5 / 5).squareRoot()
    let interval = try #require(StudentT.interval([1, 2, 3, 4, 5]))
    #expect(abs(interval.low - (3 - half)) < 1e-4)
    #expect(abs(interval.high - (3 + half)) < 1e-4)
    #expect(StudentT.interval([7]) == nil)
  }
}
