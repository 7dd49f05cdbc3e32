import Synchronization
import Testing

@testable import GapMetrics

/// Fixes held against the obvious way to write them, row by row on arrays.
@Suite struct GapFixTests {
  typealias Rows = [[Double]]

  // MARK: The obvious way

  private static func length(_ row: [Double]) -> Double { row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
  private static func unit(_ row: [Double]) -> [Double] { row.map { $0 / length(row) } }
  private static func mean(_ rows: Rows) -> [Double] {
    rows[0].indices.map { k in rows.reduce(0) { $0 + $1[k] } / Double(rows.count) }
  }
  private static func delta(_ image: Rows, _ text: Rows) -> [Double] {
    zip(mean(image.map(unit)), mean(text.map(unit))).map(-)
  }

  static func applied(_ fix: GapFix, _ image: Rows, _ text: Rows) -> (image: Rows, text: Rows) {
    let delta = delta(image, text)
    switch fix {
    case .center:
      return (
        image.map { row in zip(row, mean(image)).map(-) }, text.map { row in zip(row, mean(text)).map(-) }
      )
    case .matchNorm:
      let lengths = [image, text].map { rows in rows.map(length).reduce(0, +) / Double(rows.count) }
      return (image.map { $0.map { $0 * lengths[1] / lengths[0] } }, text)
    case .shift(let share):
      func moved(_ rows: Rows, _ sign: Double) -> Rows {
        rows.map { row in
          let there = unit(zip(unit(row), delta).map { $0 + sign * share * $1 })
          return there.map { $0 * length(row) }
        }
      }
      return (moved(image, -1), moved(text, 1))
    case .dropDimensions(let count):
      var left = Array(delta.indices)
      for _ in 0..<count {
        var worst = 0
        for place in left.indices where abs(delta[left[place]]) > abs(delta[left[worst]]) { worst = place }
        left.remove(at: worst)
      }
      return (image.map { row in left.map { row[$0] } }, text.map { row in left.map { row[$0] } })
    }
  }

  private static func rows(_ numbers: [Double], _ dimension: Int) -> Rows {
    stride(from: 0, to: numbers.count, by: dimension).map { Array(numbers[$0..<$0 + dimension]) }
  }

  private static func pair(_ image: Rows, _ text: Rows, ids: [String]? = nil) throws -> EmbeddingPair {
    try MadePairs.pair((image.flatMap { $0 }, text.flatMap { $0 }), dimension: image[0].count, ids: ids)
  }

  // MARK: Against it

  static let chains: [[GapFix]] = [
    [.center], [.matchNorm], [.shift(0.5)], [.shift(-0.3)], [.dropDimensions(1)], [.dropDimensions(4)],
    [.center, .matchNorm], [.matchNorm, .center], [.dropDimensions(2), .shift(0.25), .center],
    [.shift(0.5), .shift(0.5), .dropDimensions(1), .dropDimensions(1)],
  ]

  /// 131 rows are cut by no block; 67 of them are fewer than the widths of the other case.
  @Test(arguments: chains)
  func fixesAreThoseOfTheirDefinitions(fixes: [GapFix]) throws {
    for (count, dimension) in [(131, 7), (67, 80)] {
      let numbers = MadePairs.numbers(count, dimension, seed: 5)
      var (image, text) = (Self.rows(numbers.image, dimension), Self.rows(numbers.text, dimension))
      image = image.map { $0.map { 3 * $0 } }
      let fixed = try Self.pair(image, text).fixed(by: fixes)
      for fix in fixes { (image, text) = Self.applied(fix, image, text) }
      let expected = try Self.pair(image, text)
      #expect((fixed.count, fixed.imageDimension) == (expected.count, expected.imageDimension))
      for (found, wanted) in [(fixed.image, expected.image), (fixed.text, expected.text)] {
        for (i, (a, b)) in zip(try found.rowsOfNumbers(), try wanted.rowsOfNumbers()).enumerated() {
          for k in a.indices { #expect(abs(a[k] - b[k]) < 1e-12, "\(fixes): row \(i), column \(k)") }
        }
        for (a, b) in zip(found.norms, wanted.norms) { #expect(abs(a - b) < 1e-12 * b, "\(fixes)") }
      }
      let options = MeasurementOptions()
      let core = try CoreMeasurement(of: fixed, options: options, retrieves: true).metrics.flattened
      for (entry, wanted) in zip(
        core, try CoreMeasurement(of: expected, options: options, retrieves: true).metrics.flattened)
      {
        // The centre distance after centring is rounding alone.
        #expect(
          abs((entry.value ?? 0) - (wanted.value ?? 0)) < 1e-9 * max(1, abs(wanted.value ?? 0)),
          "\(fixes): \(entry.path)")
      }
    }
  }

  @Test func eachFixKeepsWhatItPromises() throws {
    let numbers = MadePairs.numbers(90, 6, seed: 6)
    let pair = try MadePairs.pair((numbers.image.map { 5 * $0 }, numbers.text), dimension: 6)
    let centred = try CentroidGap(of: pair.fixed(by: [.center]))
    let before = try CentroidGap(of: pair)
    #expect(centred.rawDistance < 1e-13 && centred.distance < before.distance / 3)
    let matched = try pair.fixed(by: [.matchNorm])
    #expect(abs(NormStatistics(of: matched).ratio - 1) < 1e-14)
    #expect(abs(try CentroidGap(of: matched).distance - CentroidGap(of: pair).distance) < 1e-14)
    let still = try pair.fixed(by: [.shift(0)])
    #expect(abs(try CentroidGap(of: still).distance - CentroidGap(of: pair).distance) < 1e-14)
    let dropped = try CentroidGap(of: pair.fixed(by: [.dropDimensions(2)]))
    #expect(dropped.absoluteDifferences.count == 4)
    #expect(try pair.fixed(by: []).count == pair.count)
  }

  /// The sweep and the fix take the same step.
  @Test func aShiftIsAPointOfTheSweep() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(60, 5, seed: 7), dimension: 5)
    let delta = zip(pair.moments.imageMean, pair.moments.textMean).map(-)
    let length = delta.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for point in try ShiftSweep(of: pair).points {
      let moments = try pair.fixed(by: [.shift(point.shift)]).moments
      let after = zip(moments.imageMean, moments.textMean).map(-)
      let signed = zip(after, delta).reduce(0) { $0 + $1.0 * $1.1 } / length
      #expect(abs(signed - point.signedDistance) < 1e-12, "λ \(point.shift)")
    }
  }

  @Test func equalDifferencesFallAtTheLowerIndex() throws {
    let pair = try Self.pair([[1, 0, 0, 1], [1, 0, 0, 1]], [[0, 1, 1, 1], [0, 1, 1, 1]])
    // |Δ| is larger in the first, since two rows of different shape are scaled; then the second before the third.
    let fixed = try pair.fixed(by: [.dropDimensions(2)])
    #expect(try fixed.image.rowsOfNumbers()[0] == [0, 1])
    #expect(try fixed.text.rowsOfNumbers()[0].map { abs($0 - 0.5.squareRoot()) < 1e-15 } == [true, true])
  }

  // MARK: Ids, bad rows, threads

  @Test func idsStay() throws {
    let numbers = MadePairs.numbers(12, 4, seed: 8)
    let ids = (0..<12).map { "image \($0 / 3)" }
    let fixed = try MadePairs.pair(numbers, dimension: 4, ids: ids).fixed(by: [.center, .shift(0.1)])
    #expect(fixed.hasIDs && fixed.groups == (0..<12).map { $0 / 3 })
  }

  /// Every image is the same, so that centring leaves nothing of it, though means are rounded.
  @Test func whatCentringLeavesEmptyIsBad() throws {
    let image = Rows(repeating: [0.1, 0.7, -0.3], count: 7)
    let text = (0..<7).map { [1, Double($0), 0.5] }
    let error = #expect(throws: MetricError.self) { try Self.pair(image, text).fixed(by: [.center]) }
    guard case .badRow(let label, let row, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(label.contains("after center") && row == 0 && reason.contains("length zero"))
    #expect(throws: MetricError.self) { try Self.pair(image, text).fixed(by: [.center], badPairs: .drop) }
  }

  @Test func pairsThatWereLeftOutStayOutAndNewOnesAreCounted() throws {
    var image = (0..<9).map { [Double($0) - 3, 1, 0.5] }
    var text = (0..<9).map { [2, Double($0), 1.5] }
    image[2] = [.nan, 0, 0]
    let matrices = [image, text].map { EmbeddingMatrix($0.flatMap { $0 }, dimension: 3) }
    let pair = try EmbeddingPair(image: matrices[0], text: matrices[1], badPairs: .drop, threads: 2)
    image.remove(at: 2)
    text.remove(at: 2)
    let fixed = try pair.fixed(by: [.center, .matchNorm])
    let expected = try Self.pair(image, text).fixed(by: [.center, .matchNorm])
    #expect(try fixed.image.rowsOfNumbers() == expected.image.rowsOfNumbers())
    #expect((fixed.count, fixed.droppedPairs) == (8, 0))
    // Three images on their mean's axis, of which the middle one is the mean.
    let three = try Self.pair([[1, 1], [2, 2], [3, 3]], [[1, 0], [0, 1], [5, 5]])
    let left = try three.fixed(by: [.center, .matchNorm], badPairs: .drop)
    #expect((left.count, left.droppedPairs) == (2, 1))
  }

  @Test func noMoreDimensionsAreDroppedThanThereAre() throws {
    let pair = try MadePairs.pair(MadePairs.numbers(9, 4, seed: 9), dimension: 4)
    #expect(try pair.fixed(by: [.dropDimensions(3)]).imageDimension == 1)
    #expect(throws: MetricError.tooManyDimensions(asked: 4, width: 4)) {
      try pair.fixed(by: [.dropDimensions(4)])
    }
    #expect(throws: MetricError.tooManyDimensions(asked: 2, width: 2)) {
      try pair.fixed(by: [.dropDimensions(2), .dropDimensions(2)])
    }
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let numbers = MadePairs.numbers(300, 12, seed: 10)
    let fixes: [GapFix] = [.center, .shift(0.2), .dropDimensions(3)]
    let found = try [1, 3].map { threads in
      try MadePairs.pair(numbers, dimension: 12, threads: threads).fixed(by: fixes).moments.imageMean
    }
    #expect(found[0] == found[1])
  }

  /// Rows that are too many to be kept in memory are changed as they are read: the source sees short reads only.
  @Test func noReadIsLongerThanABlock() throws {
    final class Watched: EmbeddingRows {
      let rows: EmbeddingMatrix
      let longest = Mutex(0)
      init(_ rows: EmbeddingMatrix) { self.rows = rows }
      var count: Int { rows.count }
      var dimension: Int { rows.dimension }
      var label: String { rows.label }
      func read(_ range: Range<Int>, into target: inout MutableSpan<Double>) throws {
        longest.withLock { $0 = max($0, range.count) }
        rows.read(range, into: &target)
      }
    }
    let numbers = MadePairs.numbers(5000, 3, seed: 11)
    let sides = [numbers.image, numbers.text].map { Watched(EmbeddingMatrix($0, dimension: 3)) }
    let pair = try EmbeddingPair(image: sides[0], text: sides[1], threads: 2)
    _ = try pair.fixed(by: [.center, .dropDimensions(1), .matchNorm])
    #expect(sides.allSatisfy { $0.longest.withLock { $0 } <= 64 })
  }

  // MARK: Names

  @Test func fixesAreReadAsTheyAreWritten() {
    for fix: GapFix in [.center, .matchNorm, .shift(0.5), .shift(-1e-3), .dropDimensions(3)] {
      #expect(GapFix(fix.description) == fix)
    }
    for text in [
      "", "centre", "center:1", "center:", "match-norm:2", "shift", "shift:", "shift:x", "shift:nan",
      "shift:inf", "drop-dimensions", "drop-dimensions:0", "drop-dimensions:-1", "drop-dimensions:1.5",
      " center",
    ] {
      #expect(GapFix(text) == nil, "\(text)")
    }
  }
}
