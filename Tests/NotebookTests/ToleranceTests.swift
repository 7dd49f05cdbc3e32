import Testing

@testable import Notebook

/// What a notebook's output may depart by.
@Suite struct ToleranceTests {
  let tolerance = Tolerance(absolute: 0.02, relative: 0.01)

  @Test func decimalsMayDepartByTheToleranceAndNoMore() {
    #expect(tolerance.agrees("margin  0.500  -1.000", "margin  0.520 -1.000"))
    #expect(tolerance.agrees("margin: 0.500", "margin: 0.525"))
    #expect(!tolerance.agrees("margin: 0.500", "margin: 0.526"))
    #expect(!tolerance.agrees("margin: 0.500", "margin: -0.500"))
    #expect(!tolerance.agrees("margin: 0.500", "margin: NaN"))
  }

  @Test func wordsWholeNumbersAndColumnsMayNot() {
    #expect(!tolerance.agrees("pairs: 266", "pairs: 267"))
    #expect(!tolerance.agrees("holds: it is near", "does not hold: it is near"))
    #expect(!tolerance.agrees("ntp  0.500", "joint  0.500"))
    #expect(!tolerance.agrees("ntp  0.500  0.400", "ntp  0.500"))
  }
}
