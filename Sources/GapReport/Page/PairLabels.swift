import GapDatasets
public import GapMetrics

/// Names and captions of pairs, as people know them.
public struct PairLabels: Sendable, Equatable {
  /// For each measured pair its name; nil without names.
  public let ids: [String]?
  /// For each measured pair its caption; nil without captions.
  public let captions: [String]?

  /// Labels of measured pairs.
  public init(ids: [String]? = nil, captions: [String]? = nil) {
    self.ids = ids
    self.captions = captions
  }

  /// Labels of what was read, without those of pairs that were left out as bad.
  ///
  /// - Parameters:
  ///   - ids: a name for each pair that was read.
  ///   - captions: a caption for each pair that was read.
  ///   - pair: what was measured of them.
  public init(ids: [String]?, captions: [String]?, measuredIn pair: EmbeddingPair) {
    func measured(_ labels: [String]?) -> [String]? {
      guard let labels else { return nil }
      let chosen =
        pair.image.kept.map { kept in kept.filter(labels.indices.contains).map { labels[$0] } } ?? labels
      return chosen.count == pair.count ? chosen : nil
    }
    self.init(ids: measured(ids), captions: measured(captions))
  }

  /// A text of at most `limit` characters, with a sign that there was more.
  static func shortened(_ text: String, to limit: Int) -> String {
    // A character can be many bytes long: marks of strangers' making must not fill the page.
    let bytes = text.utf8.count
    if bytes <= limit { return text }
    var short = ""
    for scalar in text.unicodeScalars {
      if short.utf8.count + 4 > limit { break }
      short.unicodeScalars.append(scalar)
    }
    return limit > 0 ? short + "…" : ""
  }
}
