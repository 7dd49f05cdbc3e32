import GapLinearAlgebra
import Testing

@Suite struct RankKernelsTests {
  private static func scores(_ count: Int, _ seed: UInt64) -> [Int32] {
    var generator = SeededGenerator(seed: seed, purpose: "scores")
    return (0..<count).map { _ in Int32(generator.index(below: 200)) - 100 }
  }

  @Test(arguments: [1, 63, 64, 65, 200, 1008])
  func countsAndListsAsTheDefinitionDoes(count: Int) {
    let scores = Self.scores(count, 1)
    let low = Self.scores(count, 2)
    let high = zip(low, Self.scores(count, 3)).map { $0 + abs($1) / 20 }
    var counts = [Int32](repeating: 7, count: count)
    var unsure = [UInt32](repeating: 0, count: count)
    var above: Int32 = 0
    let (rowLow, rowHigh): (Int32, Int32) = (40, 43)
    var countSpan = counts.mutableSpan
    var unsureSpan = unsure.mutableSpan
    let found = RankKernels.count(
      scores.span, rowLow: rowLow, rowHigh: rowHigh, columnLow: low.span, columnHigh: high.span,
      columnCounts: &countSpan, rowCount: &above, unsure: &unsureSpan)
    #expect(Int(above) == scores.count { $0 > rowHigh })
    #expect(counts == zip(scores, high).map { $0 > $1 ? 8 : 7 })
    let expected = scores.indices.filter { j in
      (rowLow...rowHigh).contains(scores[j]) || (low[j]...high[j]).contains(scores[j])
    }
    #expect(unsure[..<found].map(Int.init) == expected)
  }

  @Test(arguments: [1, 64, 129])
  func listsEveryScoreFromTheBoundOn(count: Int) {
    let scores = Self.scores(count, 4)
    for bound: Int32 in [-100, 0, 99, 100] {
      var found = [UInt32](repeating: 0, count: count)
      var span = found.mutableSpan
      let filled = RankKernels.list(scores.span, atLeast: bound, into: &span)
      #expect(found[..<filled].map(Int.init) == scores.indices.filter { scores[$0] >= bound })
    }
  }
}
