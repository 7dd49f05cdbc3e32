import GapLinearAlgebra

/// How often an item is found by its partner.
///
/// ```
/// rank = 1 + number of other items that score ≥ the true one
/// ```
///
/// Pessimistic under ties, so a collapsed embedding scores 0 and never 1. With ids, image gallery and image queries
/// take one row per id, the text gallery all rows, and an image's rank counts the items of other ids that score at
/// least as high as the best of its own captions (COCO's protocol).
public struct RetrievalDirection: Sendable, Equatable {
  /// Share of queries with rank 1, 0…1.
  public let r1: Double
  /// Share with rank ≤ 5.
  public let r5: Double
  /// Share with rank ≤ 10.
  public let r10: Double
  /// Median rank, from 1.
  public let medianRank: Double
  /// Mean of 1/rank, 0…1.
  public let mrr: Double
  /// Rank of each query, from 1.
  public let ranks: [Int]
  /// For each query, the pair it stands for (with ids, an image's first pair).
  public let queries: [Int]

  init(ranks: [Int], queries: [Int]) {
    self.ranks = ranks
    self.queries = queries
    let n = Double(ranks.count)
    func share(_ limit: Int) -> Double { Double(ranks.count { $0 <= limit }) / n }
    r1 = share(1)
    r5 = share(5)
    r10 = share(10)
    mrr = ranks.reduce(0) { $0 + 1 / Double($1) } / n
    medianRank = Sample.quantile(0.5, ofSorted: ranks.map(Double.init).sorted())
  }
}

/// Retrieval in both directions, with exact ranks against the full gallery.
public struct Retrieval: Sendable, Equatable {
  /// An image looks for its text.
  public let imageToText: RetrievalDirection
  /// A text looks for its image.
  public let textToImage: RetrievalDirection
  /// Whether queries were sampled (the gallery never is: that would inflate recall).
  public let isSampled: Bool

  /// Ranks every query, or a seeded sample of `queryLimit` above that many.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - queryLimit: the most queries in each direction.
  ///   - seed: of the sample.
  ///   - progress: told the share done, 0…1.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(q n d) time, O(q d) memory; q = min(n, queryLimit), n pairs of width d.
  public init(
    of pair: EmbeddingPair, queryLimit: Int = 50_000, seed: UInt64 = 0, progress: (Double) -> Void = { _ in }
  ) throws {
    try self.init(of: pair, queryLimit: queryLimit, seed: seed, levels: .chosen, progress: progress)
  }

  /// The same with the numbers to begin with.
  init(
    of pair: EmbeddingPair, queryLimit: Int, seed: UInt64, levels: ScoreLevels,
    progress: (Double) -> Void = { _ in }
  ) throws {
    try pair.requireEqualDimensions()
    let limit = max(queryLimit, 1)
    let truth = try TrueScores(of: pair)
    let images = pair.groupRepresentatives
    var generator = SeededGenerator(seed: seed, purpose: "image queries")
    let imageQueries = generator.sample(limit, of: images.count)
    generator = SeededGenerator(seed: seed, purpose: "text queries")
    let textQueries = generator.sample(limit, of: pair.count)
    isSampled = imageQueries.count < images.count || textQueries.count < pair.count
    let allImages = Array(images.indices)
    let allTexts = Array(0..<pair.count)

    let imageCounts: [Int32]
    let textCounts: [Int32]
    if isSampled {
      imageCounts = try RankScan(
        resident: truth.images(imageQueries, asQueries: true),
        streamed: truth.texts(allTexts, asQueries: false), levels: levels, pool: pair.pool
      ) { progress($0 / 2) }.residentCounts
      textCounts = try RankScan(
        resident: truth.texts(textQueries, asQueries: true),
        streamed: truth.images(allImages, asQueries: false), levels: levels, pool: pair.pool
      ) { progress(0.5 + $0 / 2) }.residentCounts
    } else {
      let scan = try RankScan(
        resident: truth.images(allImages, asQueries: true), streamed: truth.texts(allTexts, asQueries: true),
        levels: levels, pool: pair.pool, progress: progress)
      imageCounts = scan.residentCounts
      textCounts = scan.streamedCounts
    }
    imageToText = RetrievalDirection(
      ranks: imageCounts.map { Int($0) + 1 }, queries: imageQueries.map { images[$0] })
    textToImage = RetrievalDirection(ranks: textCounts.map { Int($0) + 1 }, queries: textQueries)
  }
}

/// The exact scores that queries must beat, and the sides of a scan.
private struct TrueScores {
  let pair: EmbeddingPair
  /// For each image: its best caption's score, and that caption.
  private var bestScore: [Double]
  private var bestText: [Int]
  /// For each text: the score of its image's row.
  private var textScore: [Double]

  init(of pair: EmbeddingPair) throws {
    self.pair = pair
    bestScore = [Double](repeating: -.infinity, count: pair.groupRepresentatives.count)
    bestText = [Int](repeating: 0, count: pair.groupRepresentatives.count)
    textScore = pair.moments.cosines
    let imageRow = Buffer<Double>(repeating: 0, count: pair.imageDimension)
    let textRow = Buffer<Double>(repeating: 0, count: pair.imageDimension)
    for text in 0..<pair.count {
      let group = pair.groups[text]
      let image = pair.groupRepresentatives[group]
      if pair.imageClasses[image] != pair.imageClasses[text] {
        textScore[text] = try pair.image.withRow(image, scratch: imageRow) { x in
          try pair.text.withRow(text, scratch: textRow) { y in RowKernels.dot(x, y) }
        }
      }
      if textScore[text] > bestScore[group] {
        bestScore[group] = textScore[text]
        bestText[group] = text
      }
      if text % 1024 == 0 {
        pair.image.releaseScattered()
        pair.text.releaseScattered()
      }
    }
  }

  func images(_ chosen: [Int], asQueries: Bool) -> RankScan.Side {
    RankScan.Side(
      rows: pair.image, indices: chosen.map { pair.groupRepresentatives[$0] }, groups: chosen,
      classes: chosen.map { pair.imageClasses[pair.groupRepresentatives[$0]] },
      thresholds: asQueries ? chosen.map { bestScore[$0] } : nil,
      trueClasses: chosen.map { pair.textClasses[bestText[$0]] })
  }

  func texts(_ chosen: [Int], asQueries: Bool) -> RankScan.Side {
    RankScan.Side(
      rows: pair.text, indices: chosen, groups: chosen.map { pair.groups[$0] },
      classes: chosen.map { pair.textClasses[$0] }, thresholds: asQueries ? chosen.map { textScore[$0] } : nil,
      trueClasses: chosen.map { pair.imageClasses[pair.groupRepresentatives[pair.groups[$0]]] })
  }
}
