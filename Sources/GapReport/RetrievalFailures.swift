public import GapMetrics

/// The queries that find their partner last, and what they find instead.
public struct RetrievalFailures: Sendable, Equatable {
  /// A query with the rank of its partner.
  struct Failure: Sendable, Equatable {
    let query: Int
    let rank: Int
    /// The pair of what is found first; nil where nothing was looked up.
    let found: Int?
    let foundCosine: Double?
  }

  /// Worst first, by direction: `image_to_text`, `text_to_image`.
  let byDirection: [String: [Failure]]

  /// The most failures of a direction.
  static let limit = 15

  /// The failures as ranks tell them, without what is found instead.
  init(_ details: GapDetails) {
    byDirection = details.ranks.mapValues { side in
      Self.late(side).map { Failure(query: $0.query, rank: $0.rank, found: nil, foundCosine: nil) }
    }
  }

  /// Looks up what failing queries find.
  ///
  /// - Throws: what the sources throw.
  /// - Complexity: O(n d) for each of at most 30 queries.
  public init(_ details: GapDetails, in pair: EmbeddingPair) throws {
    var all: [String: [Failure]] = [:]
    for (key, side) in details.ranks {
      let late = Self.late(side)
      let negatives = try HardestNegatives(
        of: pair, queries: late.map(\.query), fromImages: key == "image_to_text")
      let byQuery = Dictionary(negatives.items.map { ($0.query, $0) }, uniquingKeysWith: { first, _ in first })
      all[key] = late.map { failure in
        let found = byQuery[failure.query]
        return Failure(
          query: failure.query, rank: failure.rank, found: found?.negative, foundCosine: found?.cosine)
      }
    }
    byDirection = all
  }

  private static func late(_ side: (queries: [Double], ranks: [Double])) -> [(query: Int, rank: Int)] {
    zip(side.queries, side.ranks).filter { $0.1 > 1 }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
      .prefix(limit).map { (Int($0.0), Int($0.1)) }
  }
}
