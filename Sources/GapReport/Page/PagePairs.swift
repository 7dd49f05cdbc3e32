/// A table of pairs worth a look.
struct PagePairs: Encodable, Sendable {
  /// A pair with its number, from 0 as in the files beside the report.
  struct Row: Encodable, Sendable {
    let pair: Int
    let id: String?
    let caption: String?
    let cosine: Double?
    let rank: Int?
  }

  let name: String
  let title: String
  let says: String
  let rows: [Row]

  /// The most rows of a table.
  static let limit = 15
  /// The most bytes of a caption or name in a table.
  static let labelBytes = 400

  /// Pairs far apart and near, and queries whose partner came late.
  static func all(_ details: GapDetails, labels: PairLabels) -> [PagePairs] {
    let cosines = details.perPair["paired_cosine"] ?? []
    let order = cosines.indices.sorted { (cosines[$0], $0) < (cosines[$1], $1) }
    func row(_ pair: Int, rank: Int? = nil) -> Row {
      func label(_ all: [String]?) -> String? {
        guard let all, all.indices.contains(pair) else { return nil }
        return PairLabels.shortened(all[pair], to: labelBytes)
      }
      return Row(
        pair: pair, id: label(labels.ids), caption: label(labels.captions),
        cosine: cosines.indices.contains(pair) ? cosines[pair] : nil, rank: rank)
    }
    func failures(_ key: String) -> [Row] {
      guard let side = details.ranks[key] else { return [] }
      let late = zip(side.queries, side.ranks).filter { $0.1 > 1 }
        .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
      return late.prefix(limit).map { row(Int($0.0), rank: Int($0.1)) }
    }
    return [
      PagePairs(
        name: "worst-pairs", title: "Pairs furthest apart",
        says: "Lowest cosine of image and own text: wrong captions, or what the model does not see.",
        rows: order.prefix(limit).map { row($0) }),
      PagePairs(
        name: "best-pairs", title: "Pairs nearest", says: "Highest cosine of image and own text.",
        rows: order.reversed().prefix(limit).map { row($0) }),
      PagePairs(
        name: "failures-image-to-text", title: "Images that find their text last",
        says: "Rank 1 would be found at once; ties count against the model.", rows: failures("image_to_text")),
      PagePairs(
        name: "failures-text-to-image", title: "Texts that find their image last",
        says: "Rank 1 would be found at once; ties count against the model.", rows: failures("text_to_image")),
    ].filter { !$0.rows.isEmpty }
  }
}
