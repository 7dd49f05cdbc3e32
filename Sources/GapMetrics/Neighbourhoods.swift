import GapLinearAlgebra

/// The neighbour lists that `MutualNeighbours` and `ModalityMixing` are counted from.
///
/// k = min(10, n − 1) neighbours by cosine, self excluded, against the full set; above the limit, for a seeded sample
/// of query pairs.
public struct Neighbourhoods: Sendable {
  /// Neighbours in a list.
  public let k: Int
  /// Pairs whose rows were queries; fewer than n above the limit.
  public let sampledPairs: Int
  let imageToImage: [[Neighbour]]
  let textToText: [[Neighbour]]
  /// Empty when the widths differ.
  let imageToText: [[Neighbour]]
  let textToImage: [[Neighbour]]

  /// Finds the neighbours.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - limit: above this many pairs, that many seeded queries are used, always against all rows.
  ///   - seed: of the queries.
  ///   - progress: told the share done, 0…1.
  /// - Throws: what the sources throw.
  /// - Complexity: O(q n d) time, O(q d) memory; q = min(n, limit) queries, n pairs of width d.
  public init(
    of pair: EmbeddingPair, limit: Int = 5000, seed: UInt64 = 0, progress: (Double) -> Void = { _ in }
  ) throws {
    let sample = PairSample(of: pair.count, limit: max(limit, 1), seed: seed, purpose: "neighbours")
    let queries = sample.indices
    let k = min(10, pair.count - 1)
    sampledPairs = queries.count
    let parts = pair.hasEqualDimensions ? 4.0 : 2.0
    var done = 0.0
    func lists(_ from: UnitRows, _ gallery: UnitRows, _ excludingSelf: Bool) throws -> [[Neighbour]] {
      defer { done += 1 }
      return try NearestNeighbours(
        of: queries, in: from, gallery: gallery, k: k, excludingSelf: excludingSelf, pool: pair.pool
      ) { progress((done + $0) / parts) }.lists
    }
    self.k = k
    imageToImage = try lists(pair.image, pair.image, true)
    textToText = try lists(pair.text, pair.text, true)
    imageToText = pair.hasEqualDimensions ? try lists(pair.image, pair.text, false) : []
    textToImage = pair.hasEqualDimensions ? try lists(pair.text, pair.image, false) : []
  }
}

/// Whether the two modalities see the same items as neighbours.
///
/// ```
/// mean over i of |kNN_image(i) ∩ kNN_text(i)| / k
/// ```
///
/// 1: the same neighbourhoods; k/(n − 1) by chance. Defined for sides of different widths.
///
/// - Source: Huh et al., *The Platonic Representation Hypothesis*, ICML 2024.
public struct MutualNeighbours: Sendable, Equatable {
  /// 0…1.
  public let value: Double

  /// Counts shared neighbours.
  ///
  /// - Complexity: O(q k), q queries with k neighbours each.
  public init(of neighbourhoods: Neighbourhoods) {
    let shared = zip(neighbourhoods.imageToImage, neighbourhoods.textToText).map { image, text in
      let indices = Set(image.map(\.index))
      return text.count { indices.contains($0.index) }
    }
    value = Double(shared.reduce(0, +)) / Double(neighbourhoods.k * shared.count)
  }
}

/// How mixed the two modalities are: the share of a row's nearest neighbours that come from the other one.
///
/// Over the 2n pooled unit rows. 0: separated; about ½: mixed; more when pairs coincide. Among equal scores images
/// come before texts, then the lower index.
public struct ModalityMixing: Sendable, Equatable {
  /// 0…1.
  public let value: Double

  /// Merges each query's neighbours of both modalities.
  ///
  /// - Returns: nil when the widths differ, so that no row has neighbours of the other modality.
  /// - Complexity: O(q k), q queries with k neighbours each.
  public init?(of neighbourhoods: Neighbourhoods) {
    guard !neighbourhoods.imageToText.isEmpty else { return nil }
    let k = neighbourhoods.k
    func others(_ own: [Neighbour], _ other: [Neighbour], ownFirst: Bool) -> Int {
      var (a, b, foreign) = (0, 0, 0)
      for _ in 0..<k {
        let takesOwn: Bool
        if a == own.count {
          takesOwn = false
        } else if b == other.count {
          takesOwn = true
        } else {
          takesOwn = own[a].score > other[b].score || (own[a].score == other[b].score && ownFirst)
        }
        if takesOwn { a += 1 } else { b += 1; foreign += 1 }
      }
      return foreign
    }
    let fromImages = zip(neighbourhoods.imageToImage, neighbourhoods.imageToText).map {
      others($0, $1, ownFirst: true)
    }
    let fromTexts = zip(neighbourhoods.textToText, neighbourhoods.textToImage).map {
      others($0, $1, ownFirst: false)
    }
    let total = fromImages.reduce(0, +) + fromTexts.reduce(0, +)
    value = Double(total) / Double(k * (fromImages.count + fromTexts.count))
  }
}
