import Foundation
import GapDatasets
import GapMetrics
import GapTensorFiles
import Testing

/// Files that open well and yet make no pairs: counts, widths, bad rows, ids.
@Suite struct EmbeddingPairTests {
  /// Writes two sides and opens them.
  static func files(
    _ directory: String, image: (shape: [Int], elements: [Double]), text: (shape: [Int], elements: [Double])
  ) throws -> EmbeddingFiles {
    try EmbeddingFiles(
      image: PairsFile.write(PairsFile.npy(image.shape, image.elements), directory + "/image.npy"),
      text: PairsFile.write(PairsFile.npy(text.shape, text.elements), directory + "/text.npy"))
  }

  static func side(_ rows: Int, _ width: Int, seed: Int) -> (shape: [Int], elements: [Double]) {
    ([rows, width], PairsFile.numbers(rows, width, seed: seed))
  }

  @Test func differentCountsAreRefused() throws {
    try PairsFile.withDirectory { directory in
      let files = try Self.files(directory, image: Self.side(5, 3, seed: 1), text: Self.side(4, 3, seed: 2))
      let error = MetricError.countsDiffer(
        image: directory + "/image.npy", imageRows: 5, text: directory + "/text.npy", textRows: 4)
      #expect(throws: error) { try EmbeddingPair(image: files.image, text: files.text) }
    }
  }

  @Test func differentWidthsAreRefusedUnlessAllowed() throws {
    try PairsFile.withDirectory { directory in
      let files = try Self.files(directory, image: Self.side(5, 3, seed: 1), text: Self.side(5, 4, seed: 2))
      let error = MetricError.dimensionsDiffer(
        image: directory + "/image.npy", imageWidth: 3, text: directory + "/text.npy", textWidth: 4)
      #expect(throws: error) { try EmbeddingPair(image: files.image, text: files.text) }
      let pair = try EmbeddingPair(image: files.image, text: files.text, allowDifferentDimensions: true)
      #expect((pair.count, pair.imageDimension, pair.textDimension) == (5, 3, 4))
    }
  }

  @Test(arguments: [0, 1])
  func fewerThanTwoPairsAreRefused(count: Int) throws {
    try PairsFile.withDirectory { directory in
      let files = try Self.files(
        directory, image: Self.side(count, 3, seed: 1), text: Self.side(count, 3, seed: 2))
      let error = MetricError.tooFewPairs(label: directory + "/image.npy", found: count, dropped: 0)
      #expect(throws: error) { try EmbeddingPair(image: files.image, text: files.text) }
    }
  }

  struct BadRow: Sendable {
    let element: Double
    /// Whether the whole row has this element.
    let isWhole: Bool
  }

  static let badRows = [
    BadRow(element: .nan, isWhole: false), BadRow(element: .infinity, isWhole: false),
    BadRow(element: -.infinity, isWhole: true), BadRow(element: 0, isWhole: true),
  ]

  @Test(arguments: badRows, [false, true])
  func badRowsAreNamedOrDroppedAndCounted(bad: BadRow, isText: Bool) throws {
    try PairsFile.withDirectory { directory in
      var sides = [Self.side(6, 3, seed: 1), Self.side(6, 3, seed: 2)]
      let whole = sides
      let side = isText ? 1 : 0
      for k in 0..<3 where bad.isWhole || k == 1 { sides[side].elements[4 * 3 + k] = bad.element }
      let files = try Self.files(directory, image: sides[0], text: sides[1])
      let error = #expect(throws: MetricError.self) { try EmbeddingPair(image: files.image, text: files.text) }
      guard case .badRow(let label, let row, let reason) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(label == directory + (isText ? "/text.npy" : "/image.npy"))
      #expect(row == 4)
      #expect(!reason.isEmpty)

      let ids = ["a", "b", "b", "c", "d", "a"]
      let pair = try EmbeddingPair(image: files.image, text: files.text, ids: ids, badPairs: .drop)
      #expect((pair.count, pair.droppedPairs) == (5, 1))
      #expect(pair.groups == [0, 1, 1, 2, 0])
      // The rest is measured as if the bad pair had never been there.
      let rest = whole.map { side in
        (shape: [5, 3], elements: Array(side.elements[..<12] + side.elements[15...]))
      }
      let others = try Self.files(directory, image: rest[0], text: rest[1])
      var options = MeasurementOptions()
      options.resamples = 0
      let found = try GapMeasurement(
        of: EmbeddingPair(image: files.image, text: files.text, badPairs: .drop), options: options)
      let expected = try GapMeasurement(
        of: EmbeddingPair(image: others.image, text: others.text), options: options)
      #expect(found.metrics == expected.metrics)
      #expect(found.droppedPairs == 1 && expected.droppedPairs == 0)
      #expect(found.warnings.contains { $0.code == "dropped_pairs" })
    }
  }

  @Test func droppingAllButOnePairIsRefusedWithTheCount() throws {
    try PairsFile.withDirectory { directory in
      var image = Self.side(4, 2, seed: 1)
      for row in 1..<4 { image.elements[2 * row] = .nan }
      let files = try Self.files(directory, image: image, text: Self.side(4, 2, seed: 2))
      let error = MetricError.tooFewPairs(label: directory + "/image.npy", found: 1, dropped: 3)
      #expect(throws: error) { try EmbeddingPair(image: files.image, text: files.text, badPairs: .drop) }
    }
  }

  @Test(arguments: [0, 3, 6])
  func otherCountsOfIDsAreRefused(count: Int) throws {
    try PairsFile.withDirectory { directory in
      let files = try Self.files(directory, image: Self.side(5, 3, seed: 1), text: Self.side(5, 3, seed: 2))
      let ids = (0..<count).map { "id \($0)" }
      #expect(throws: MetricError.idsDiffer(label: directory + "/image.npy", ids: count, pairs: 5)) {
        try EmbeddingPair(image: files.image, text: files.text, ids: ids)
      }
    }
  }

  @Test func idsNumberImagesByFirstAppearance() throws {
    try PairsFile.withDirectory { directory in
      let files = try Self.files(directory, image: Self.side(5, 3, seed: 1), text: Self.side(5, 3, seed: 2))
      let pair = try EmbeddingPair(image: files.image, text: files.text, ids: ["x", "y", "x", "z", "y"])
      #expect(pair.groups == [0, 1, 0, 2, 1])
      #expect(pair.groupRepresentatives == [0, 1, 3])
      #expect(pair.hasIDs)
      #expect(pair.groupsWithDifferentRows == 2)
      let plain = try EmbeddingPair(image: files.image, text: files.text)
      #expect(plain.groups == [0, 1, 2, 3, 4])
      #expect(!plain.hasIDs)
    }
  }
}
