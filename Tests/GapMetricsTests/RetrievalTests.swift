import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct RetrievalTests {
  /// Ranks by the definition: every score in Double, bit-equal rows tying.
  private static func naiveRanks(of pair: EmbeddingPair) throws -> (image: [Int], text: [Int]) {
    let x = try pair.image.rowsOfNumbers()
    let y = try pair.text.rowsOfNumbers()
    let representatives = pair.groupRepresentatives
    let image = representatives.indices.map { g in
      let row = x[representatives[g]]
      let own = y.indices.filter { pair.groups[$0] == g }.map { exactDot(row, y[$0]) }.max() ?? 0
      return 1 + y.indices.count { pair.groups[$0] != g && exactDot(row, y[$0]) >= own }
    }
    let text = y.indices.map { i in
      let own = exactDot(x[representatives[pair.groups[i]]], y[i])
      return 1
        + representatives.indices.count { g in
          g != pair.groups[i] && exactDot(x[representatives[g]], y[i]) >= own
        }
    }
    return (image, text)
  }

  struct Case: Sendable {
    let kind: String
    let rows: Int
    let dimension: Int
    let captions: Int
  }

  /// Sizes that no tile or panel divides; ties; scores closer than any product in low precision can tell.
  @Test(arguments: [
    Case(kind: "clouds", rows: 2, dimension: 1, captions: 1),
    Case(kind: "clouds", rows: 211, dimension: 7, captions: 1),
    Case(kind: "clouds", rows: 1103, dimension: 16, captions: 1),
    Case(kind: "ties", rows: 301, dimension: 5, captions: 1),
    Case(kind: "nearly equal", rows: 257, dimension: 33, captions: 1),
    Case(kind: "clouds", rows: 240, dimension: 6, captions: 3),
    Case(kind: "ties", rows: 200, dimension: 4, captions: 2),
  ])
  func ranksAreExact(_ test: Case) throws {
    var numbers = Self.numbers(test)
    let ids = test.captions == 1 ? nil : (0..<test.rows).map { String($0 / test.captions) }
    if test.captions > 1 {
      for i in 0..<test.rows {
        let first = i / test.captions * test.captions
        for k in 0..<test.dimension {
          numbers.image[i * test.dimension + k] = numbers.image[first * test.dimension + k]
        }
      }
    }
    let pair = try MadePairs.pair(numbers, dimension: test.dimension, ids: ids)
    let expected = try Self.naiveRanks(of: pair)
    for levels in [ScoreLevels.chosen, .fixed, .coarse] {
      let found = try Retrieval(of: pair, queryLimit: test.rows, seed: 0, levels: levels)
      #expect(!found.isSampled)
      #expect(found.imageToText.ranks == expected.image, "\(levels)")
      #expect(found.textToImage.ranks == expected.text, "\(levels)")
    }
  }

  /// Coarse numbers are begun with where they leave little open: not for pairs that nothing connects, where a true score is
  /// like any other.
  @Test func levelsAreChosenByASample() throws {
    guard CoarseRows.isSupported else { return }
    let (rows, d) = (3_000, 64)
    let far = MadePairs.numbers(rows, d, seed: 3)
    func choice(_ numbers: (image: [Double], text: [Double])) throws -> Double? {
      let pair = try MadePairs.pair(numbers, dimension: d)
      var share: Double?
      let all = Array(0..<rows)
      let thresholds = pair.moments.cosines
      let sample = try CoarseSample(.chosen, (pair.image, all), (pair.text, nil), on: pair.pool) {
        share = $0.open(thresholds, thresholds)
        return share ?? 1
      }
      #expect((sample != nil) == ((share ?? 1) <= 0.05))
      return share
    }
    let alike = try #require(try choice((far.image, far.image)))
    #expect(alike < 0.02)
    let apart = try #require(try choice((far.image, Array(far.text[(64 * d)...] + far.text[..<(64 * d)]))))
    #expect(apart > 0.1)
  }

  private static func numbers(_ test: Case) -> (image: [Double], text: [Double]) {
    switch test.kind {
    case "ties": MadePairs.ties(test.rows, test.dimension, seed: 1)
    case "nearly equal": MadePairs.nearlyEqual(test.rows, test.dimension, seed: 1)
    default: MadePairs.numbers(test.rows, test.dimension, seed: 1)
    }
  }

  /// One row of another kind, which the sample misses, makes coarse numbers useless for its block, or for all when it is
  /// resident: these are taken in finer ones.
  @Test(arguments: [true, false]) func aRowThatTheSampleMissesIsNotTakenInCoarseNumbers(isResident: Bool) throws
  {
    guard CoarseRows.isSupported else { return }
    let (rows, d, odd) = (3_000, 64, 2_901)
    var numbers = MadePairs.numbers(rows, d, seed: 3).image
    let alike = numbers
    for k in 0..<d { numbers[odd * d + k] = k == 7 ? 1000 : numbers[odd * d + k] }
    let pair = try MadePairs.pair(isResident ? (numbers, alike) : (alike, numbers), dimension: d)
    let thresholds = pair.moments.cosines
    let sides = try ScannedSides(
      resident: (pair.image, nil), streamed: (pair.text, nil), blockRows: 1_000, levels: .chosen,
      pool: pair.pool
    ) { $0.open(thresholds, thresholds) }
    let hasSecondLevel = try [0..<1_000, 1_000..<2_000, 2_000..<3_000].map {
      try sides.take($0).errors.second != nil
    }
    #expect(hasSecondLevel == (isResident ? [false, false, false] : [true, true, false]))
    let (chosen, fixed) = (
      try Retrieval(of: pair, queryLimit: rows, seed: 0, levels: .chosen),
      try Retrieval(of: pair, queryLimit: rows, seed: 0, levels: .fixed)
    )
    #expect(chosen == fixed)
  }

  @Test func aSampleOfQueriesHasTheRanksThatAllHave() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(503, 9, seed: 2), dimension: 9)
    let all = try Retrieval(of: pair)
    let some = try Retrieval(of: pair, queryLimit: 70, seed: 4)
    #expect(some.isSampled && some.imageToText.ranks.count == 70 && some.textToImage.ranks.count == 70)
    #expect(some.imageToText.ranks == some.imageToText.queries.map { all.imageToText.ranks[$0] })
    #expect(some.textToImage.ranks == some.textToImage.queries.map { all.textToImage.ranks[$0] })
    #expect(some.imageToText.queries != some.textToImage.queries)
  }

  @Test func scoresFollowFromRanks() {
    let direction = RetrievalDirection(ranks: [1, 2, 5, 6, 10, 100], queries: [0, 1, 2, 3, 4, 5])
    #expect(direction.r1 == 1 / 6.0 && direction.r5 == 3 / 6.0 && direction.r10 == 5 / 6.0)
    #expect(direction.medianRank == 5.5)
    let mrr = (1 + 0.5 + 0.2 + 1 / 6.0 + 0.1 + 0.01) / 6
    #expect(abs(direction.mrr - mrr) <= 1e-15)
  }

  /// A collapsed modality must not look like a perfect one.
  @Test func tiesCountAgainstTheQuery() throws {
    let image = (0..<5).flatMap { [1.0, Double($0)] }
    let text = (0..<5).flatMap { _ in [1.0, 0.0] }
    let found = try Retrieval(of: MadePairs.pair((image, text), dimension: 2))
    #expect(found.imageToText.ranks == [5, 5, 5, 5, 5])
    #expect(found.textToImage.ranks == [1, 2, 3, 4, 5])
  }
}
