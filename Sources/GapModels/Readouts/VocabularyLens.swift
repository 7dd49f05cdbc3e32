import Foundation
package import GapLinearAlgebra
package import GapMetrics

/// What projected visual tokens look like to the language model's vocabulary: each is held against every row of the
/// input embedding by cosine.
///
/// It is fed batch by batch. A decoder that is handed rows near its own words is shown something it can read; tokens
/// that all fall to a few odd rows are not.
///
/// - Source: EmbedLens, LatentLens; `Fixtures/generators/checkpoint_readouts.py`.
package struct VocabularyLens: Sendable {
  private let nearest: NearestTokens
  private let tokenizer: Tokenizer
  private let pool: WorkerPool
  private var cosines = 0.0
  private var tokens = 0
  /// How often each row was the nearest.
  private var counts: [Int: Int] = [:]
  private var words = 0
  private var wordsFound = 0
  private var texts: [Int: String] = [:]

  /// - Parameters:
  ///   - embeddings: the table; a factor that all rows share changes nothing.
  ///   - tokenizer: tells what a row is the embedding of.
  package init(embeddings: TokenEmbeddings, tokenizer: Tokenizer, pool: WorkerPool) {
    nearest = NearestTokens(table: embeddings.table, count: 5)
    self.tokenizer = tokenizer
    self.pool = pool
  }

  /// Adds images.
  ///
  /// - Parameters:
  ///   - visual: [images · perImage, d] projected tokens.
  ///   - captions: for each image, its captions.
  /// - Returns: for each token, the five nearest rows.
  /// - Throws: `TensorFileError`.
  @discardableResult
  package mutating func add(_ visual: Block<Float>, captions: [[String]]) throws -> [[Int]] {
    let perImage = visual.rows / captions.count
    let neighbours = try nearest.neighbours(of: visual, on: pool)
    for near in neighbours {
      guard let first = near.first else { continue }
      cosines += first.cosine
      tokens += 1
      counts[first.row, default: 0] += 1
    }
    for (image, captions) in captions.enumerated() {
      let rows = Set(neighbours[image * perImage..<(image + 1) * perImage].flatMap { $0.map(\.row) })
      let seen = Set(rows.map { text(of: $0) })
      for word in captions.flatMap({ Self.words(of: $0) }) {
        words += 1
        if seen.contains(word) { wordsFound += 1 }
      }
    }
    return neighbours.map { $0.map(\.row) }
  }

  /// What a row's token adds to a text, trimmed and in lower case.
  private mutating func text(of row: Int) -> String {
    if let known = texts[row] { return known }
    let text = tokenizer.decode([Int32(row)]).trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
    texts[row] = text
    return text
  }

  /// Runs of letters, digits and underscores, in lower case.
  static func words(of text: String) -> [String] {
    text.lowercased().unicodeScalars.split { scalar in
      let properties = scalar.properties
      return
        !(properties.generalCategory.isLetter
        || properties.numericType != nil || scalar == "_")
    }.map { String(String.UnicodeScalarView($0)) }
  }

  /// The numbers of METRICS: mean cosine of the nearest row; entropy in nats of which row it is; share of tokens whose
  /// nearest row is one of the five commonest; share of captions' words that are among their image's five nearest.
  package var metrics: [MetricEntry] {
    let total = Double(max(tokens, 1))
    let shares = counts.values.map { Double($0) / total }.sorted(by: >)
    return [
      MetricEntry("mean_top1_cosine", tokens > 0 ? cosines / total : nil),
      MetricEntry("top1_entropy", tokens > 0 ? -shares.reduce(0) { $0 + $1 * log($1) } : nil),
      MetricEntry("share_of_five_commonest", tokens > 0 ? shares.prefix(5).reduce(0, +) : nil),
      MetricEntry("caption_words_found", words > 0 ? Double(wordsFound) / Double(words) : nil),
    ]
  }
}

extension Unicode.GeneralCategory {
  /// Whether Python's `str.isalpha` holds: L*.
  fileprivate var isLetter: Bool {
    switch self {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
