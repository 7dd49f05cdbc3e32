import GapDatasets
public import GapMetrics

/// Names and captions of pairs, as people know them.
public struct PairLabels: Sendable, Equatable {
  /// For each measured pair its name; nil without names.
  public let ids: [String]?
  /// For each measured pair its caption; nil without captions.
  public let captions: [String]?

  /// For each measured pair the path of its image; nil without images.
  public let images: [String]?

  /// Labels of measured pairs.
  public init(ids: [String]? = nil, captions: [String]? = nil, images: [String]? = nil) {
    self.ids = ids
    self.captions = captions
    self.images = images
  }

  /// Labels of pairs that are called as the files of their images are.
  public init(captions: [String], images: [String]) {
    self.init(
      ids: images.map { path in path.split(separator: "/").last.map(String.init) ?? path }, captions: captions,
      images: images)
  }

  /// Labels of what was read, without those of pairs that were left out as bad.
  ///
  /// - Parameters:
  ///   - ids: a name for each pair that was read.
  ///   - captions: a caption for each pair that was read.
  ///   - images: the path of an image for each pair that was read.
  ///   - pair: what was measured of them.
  public init(ids: [String]?, captions: [String]?, images: [String]? = nil, measuredIn pair: EmbeddingPair) {
    func measured(_ labels: [String]?) -> [String]? {
      guard let labels else { return nil }
      let chosen =
        pair.image.kept.map { kept in kept.filter(labels.indices.contains).map { labels[$0] } } ?? labels
      return chosen.count == pair.count ? chosen : nil
    }
    self.init(ids: measured(ids), captions: measured(captions), images: measured(images))
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
