import Foundation
import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct PairwiseDistancesTests {
  private static func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  private static func distances(_ rows: [[Double]]) -> [Double] {
    rows.indices.flatMap { i in (i + 1..<max(rows.count, i + 1)).map { distance(rows[i], rows[$0]) } }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// From two rows, whose only distance it is, to sets whose median is bracketed first.
  @Test(arguments: [(2, 3), (3, 2), (40, 5), (201, 4), (331, 9)])
  func theMedianIsThatOfAllDistances(rows: Int, dimension: Int) throws {
    for kind in ["clouds", "ties", "nearly equal"] {
      let numbers =
        switch kind {
        case "ties": MadePairs.ties(rows, dimension, seed: 7)
        case "nearly equal": MadePairs.nearlyEqual(rows, dimension, seed: 7)
        default: MadePairs.numbers(rows, dimension, seed: 7)
        }
      let pair = try MadePairs.pair(numbers, dimension: dimension)
      let rows = try pair.image.rowsOfNumbers()
      let block = Block(Buffer(rows.flatMap { $0 }), rows: rows.count, columns: dimension)
      let found = try MedianDistance(of: block, seed: 1, pool: pair.pool).value
      #expect(abs(found - Self.median(Self.distances(rows))) <= 1e-15, "\(kind), \(rows.count) rows")
    }
  }

  @Test(arguments: [("clouds", 3, 2), ("clouds", 150, 8), ("ties", 90, 4), ("nearly equal", 120, 12)])
  func sumsAgreeWithTheDefinitions(kind: String, rows: Int, dimension: Int) throws {
    let numbers =
      switch kind {
      case "ties": MadePairs.ties(rows, dimension, seed: 8)
      case "nearly equal": MadePairs.nearlyEqual(rows, dimension, seed: 8)
      default: MadePairs.numbers(rows, dimension, seed: 8)
      }
    let pair = try MadePairs.pair(numbers, dimension: dimension)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let n = Double(rows)
    let within = (image: Self.distances(x), text: Self.distances(y))
    let across = x.indices.flatMap { i in y.indices.map { Self.distance(x[i], y[$0]) } }
    let unpaired = x.indices.flatMap { i in y.indices.filter { $0 != i }.map { Self.distance(x[i], y[$0]) } }
    func uniformity(_ all: [Double]) -> Double {
      log(all.reduce(0) { $0 + exp(-2 * $1 * $1) } / Double(all.count))
    }
    let h = Self.median(within.image + within.text + across)
    func kernel(_ all: [Double]) -> Double { all.reduce(0) { $0 + exp(-$1 * $1 / (2 * h * h)) } }
    let found = try PairwiseDistances(of: pair)
    let pairs = n * (n - 1) / 2
    let energy =
      2 * across.reduce(0, +) / (n * n) - 2 * (within.image + within.text).reduce(0, +) / (n * n)
    let mmd2 = kernel(within.image) / pairs + kernel(within.text) / pairs - 2 * kernel(across) / (n * n)
    // Sums of numbers of size 1, from rows rounded at 1e-16.
    #expect(abs(found.uniformityImage - uniformity(within.image)) <= 1e-13)
    #expect(abs(found.uniformityText - uniformity(within.text)) <= 1e-13)
    #expect(abs(found.crossUniformity - uniformity(unpaired)) <= 1e-13)
    #expect(abs(found.bandwidth - h) <= 1e-15)
    #expect(abs(found.energyDistance - energy) <= 1e-13)
    #expect(abs(try #require(found.mmd2) - mmd2) <= 1e-13)
  }

  @Test func aCollapsedPairHasNoBandwidth() throws {
    let same = (0..<6).flatMap { _ in [0.6, 0.8] }
    let found = try PairwiseDistances(of: MadePairs.pair((same, same), dimension: 2))
    #expect(found.bandwidth == 0 && found.mmd2 == nil)
    #expect(found.energyDistance == 0 && found.uniformityImage == 0)
  }
}

@Suite struct SelectionTests {
  @Test func everyRankIsThatOfTheSortedValues() {
    var generator = SeededGenerator(seed: 9)
    for count in [1, 2, 3, 10, 57] {
      for spread in [1, 3, 1000] {
        let values = (0..<count).map { _ in Double(generator.index(below: spread)) }
        let sorted = values.sorted()
        for rank in 0..<count {
          var copy = values
          #expect(Selection.element(rank, of: &copy) == sorted[rank])
        }
      }
    }
  }
}
