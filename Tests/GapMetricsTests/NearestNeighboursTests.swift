import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct NearestNeighboursTests {
  private static func naive(
    _ queries: [Int], _ rows: [[Double]], _ gallery: [[Double]], _ k: Int, excludingSelf: Bool
  ) -> [[Neighbour]] {
    queries.map { q in
      let all = gallery.indices.filter { !excludingSelf || $0 != q }.map {
        Neighbour(index: $0, score: exactDot(rows[q], gallery[$0]))
      }
      return Array(all.sorted { $0.precedes($1) }.prefix(k))
    }
  }

  struct Case: Sendable {
    let kind: String
    let rows: Int
    let dimension: Int
    let k: Int
  }

  @Test(arguments: [
    Case(kind: "clouds", rows: 3, dimension: 2, k: 2), Case(kind: "clouds", rows: 401, dimension: 11, k: 10),
    Case(kind: "clouds", rows: 2100, dimension: 6, k: 10), Case(kind: "ties", rows: 350, dimension: 4, k: 10),
    Case(kind: "nearly equal", rows: 220, dimension: 20, k: 7),
  ])
  func listsAreExact(_ test: Case) throws {
    let numbers =
      switch test.kind {
      case "ties": MadePairs.ties(test.rows, test.dimension, seed: 3)
      case "nearly equal": MadePairs.nearlyEqual(test.rows, test.dimension, seed: 3)
      default: MadePairs.numbers(test.rows, test.dimension, seed: 3)
      }
    let pair = try MadePairs.pair(numbers, dimension: test.dimension)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let queries = stride(from: 0, to: test.rows, by: test.rows > 1000 ? 19 : 1).map { $0 }
    let expected = Self.naive(queries, x, x, test.k, excludingSelf: true)
    let expectedAcross = Self.naive(queries, x, y, test.k, excludingSelf: false)
    for levels in [ScoreLevels.fixed, .coarse] {
      let own = try NearestNeighbours(
        of: queries, in: pair.image, gallery: pair.image, k: test.k, excludingSelf: true, levels: levels,
        pool: pair.pool)
      #expect(own.lists == expected, "\(levels)")
      let across = try NearestNeighbours(
        of: queries, in: pair.image, gallery: pair.text, k: test.k, excludingSelf: false, levels: levels,
        pool: pair.pool)
      #expect(across.lists == expectedAcross, "\(levels)")
    }
  }

  /// The definition over the 2n pooled rows: images before texts among equals.
  @Test(arguments: ["clouds", "ties"])
  func mixingIsThatOfThePooledRows(kind: String) throws {
    let numbers = kind == "ties" ? MadePairs.ties(90, 3, seed: 5) : MadePairs.numbers(90, 3, seed: 5)
    let pair = try MadePairs.pair(numbers, dimension: 3)
    let pooled = try pair.image.rowsOfNumbers() + pair.text.rowsOfNumbers()
    let lists = Self.naive(Array(pooled.indices), pooled, pooled, 10, excludingSelf: true)
    let foreign = zip(pooled.indices, lists).reduce(0) { total, entry in
      total + entry.1.count { ($0.index < 90) != (entry.0 < 90) }
    }
    let mixing = try #require(try ModalityMixing(of: Neighbourhoods(of: pair)))
    #expect(mixing.value == Double(foreign) / Double(10 * 180))
  }

  @Test func mutualNeighboursAreSharedIndices() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(60, 4, seed: 6), dimension: 4)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let all = Array(0..<60)
    let images = Self.naive(all, x, x, 10, excludingSelf: true)
    let texts = Self.naive(all, y, y, 10, excludingSelf: true)
    let shared = zip(images, texts).reduce(0) {
      $0 + Set($1.0.map(\.index)).intersection($1.1.map(\.index)).count
    }
    #expect(MutualNeighbours(of: try Neighbourhoods(of: pair)).value == Double(shared) / 600)
  }
}
