import GapLinearAlgebra
import GapMetrics
import Testing

/// What a query finds in the place of the right item, against the slow way.
@Suite struct HardestNegativesTests {
  private static func rows(_ count: Int, _ d: Int, seed: UInt64) -> [[Double]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let row = (0..<d).map { _ in generator.normal() }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / length }
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  @Test(arguments: [false, true], [2, 37, 1500]) func areThoseOfTheSlowWay(fromImages: Bool, count: Int) throws
  {
    let (image, text) = (Self.rows(count, 9, seed: 1), Self.rows(count, 9, seed: 2))
    // Every third pair shares its image's id with the one before.
    let ids = (0..<count).map { "\(count > 2 && $0 % 3 == 2 ? $0 - 1 : $0)" }
    let pair = try EmbeddingPair(
      image: EmbeddingMatrix(image.flatMap { $0 }, dimension: 9),
      text: EmbeddingMatrix(text.flatMap { $0 }, dimension: 9), ids: ids, threads: 2)
    let queries = fromImages ? Array(pair.groupRepresentatives.prefix(20)) : Array(0..<min(count, 20))
    let found = try HardestNegatives(of: pair, queries: queries, fromImages: fromImages).items
    #expect(found.map(\.query) == queries)
    for item in found {
      let own = fromImages ? image[item.query] : text[item.query]
      let others = (0..<count).filter { other in
        ids[other] != ids[item.query] && (fromImages || ids.firstIndex(of: ids[other]) == other)
      }
      let best = others.map { Self.dot(own, fromImages ? text[$0] : image[$0]) }.max()
      #expect(abs(item.cosine - (best ?? 9)) < 1e-12)
      #expect(others.contains(item.negative))
      #expect(abs(Self.dot(own, fromImages ? text[item.negative] : image[item.negative]) - item.cosine) < 1e-12)
    }
  }

  @Test func whereAllShareOneImageThereIsNone() throws {
    let rows = Self.rows(3, 4, seed: 3).flatMap { $0 }
    let pair = try EmbeddingPair(
      image: EmbeddingMatrix(rows, dimension: 4), text: EmbeddingMatrix(rows, dimension: 4),
      ids: ["a", "a", "a"])
    #expect(try HardestNegatives(of: pair, queries: [0, 1], fromImages: false).items.isEmpty)
  }
}
