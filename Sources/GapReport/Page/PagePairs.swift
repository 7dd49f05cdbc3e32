/// A table of pairs worth a look.
struct PagePairs: Encodable, Sendable {
  /// A pair with its number, from 0 as in the files beside the report.
  struct Row: Encodable, Sendable {
    let pair: Int
    let id: String?
    let caption: String?
    let cosine: Double?
    let rank: Int?
    /// The pair whose item was found in place of the right one.
    let found: Int?
    let foundId: String?
    let foundCaption: String?
    let foundCosine: Double?
    /// Numbers of the thumbnails.
    var thumbnail: Int?
    var foundThumbnail: Int?
  }

  let name: String
  let title: String
  let says: String
  /// What a row's `found` is: `text` or `image`; nil in tables without it.
  let finds: String?
  var rows: [Row]

  /// The most rows of a table.
  static let limit = 15
  /// The most bytes of a caption or name in a table.
  static let labelBytes = 400

  /// Pairs far apart and near, and queries whose partner came late.
  static func all(
    _ details: GapDetails, failures: RetrievalFailures? = nil, labels: PairLabels
  ) -> [PagePairs] {
    let cosines = details.perPair["paired_cosine"] ?? []
    let order = cosines.indices.sorted { (cosines[$0], $0) < (cosines[$1], $1) }
    func label(_ all: [String]?, _ pair: Int?) -> String? {
      guard let all, let pair, all.indices.contains(pair) else { return nil }
      return PairLabels.shortened(all[pair], to: labelBytes)
    }
    func row(_ pair: Int, _ failure: RetrievalFailures.Failure? = nil) -> Row {
      Row(
        pair: pair, id: label(labels.ids, pair), caption: label(labels.captions, pair),
        cosine: cosines.indices.contains(pair) ? cosines[pair] : nil, rank: failure?.rank,
        found: failure?.found, foundId: label(labels.ids, failure?.found),
        foundCaption: label(labels.captions, failure?.found), foundCosine: failure?.foundCosine)
    }
    let failures = failures ?? RetrievalFailures(details)
    func late(_ key: String) -> [Row] {
      (failures.byDirection[key] ?? []).map { row($0.query, $0) }
    }
    return [
      PagePairs(
        name: "worst-pairs", title: "Pairs furthest apart",
        says: "Lowest cosine of image and own text: wrong captions, or what the model does not see.",
        finds: nil, rows: order.prefix(limit).map { row($0) }),
      PagePairs(
        name: "best-pairs", title: "Pairs nearest", says: "Highest cosine of image and own text.", finds: nil,
        rows: order.reversed().prefix(limit).map { row($0) }),
      PagePairs(
        name: "failures-image-to-text", title: "Images that find their text last",
        says: "Rank 1 would be found at once; ties count against the model.", finds: "text",
        rows: late("image_to_text")),
      PagePairs(
        name: "failures-text-to-image", title: "Texts that find their image last",
        says: "Rank 1 would be found at once; ties count against the model.", finds: "image",
        rows: late("text_to_image")),
    ].filter { !$0.rows.isEmpty }
  }

  /// Pairs that the tables show.
  static func shown(_ tables: [PagePairs]) -> [Int] {
    tables.flatMap { $0.rows.flatMap { [$0.pair] + ($0.found.map { [$0] } ?? []) } }
  }

  /// Adds the thumbnails of what the rows show.
  mutating func add(_ thumbnails: PageThumbnails) {
    for place in rows.indices {
      rows[place].thumbnail = thumbnails.ofPair(rows[place].pair)
      rows[place].foundThumbnail = rows[place].found.flatMap { thumbnails.ofPair($0) }
    }
  }
}
