import GapTensorFiles

/// A unigram language model: of all ways to cut a word into tokens it takes the one with the largest sum of scores.
///
/// ```
/// best[0] = 0,   best[j] = max over tokens t = word[i..<j] of best[i] + score(t)
/// ```
/// A scalar that is no token by itself may be taken as the unknown token at the lowest score less 10; neighbouring
/// unknowns become one. With byte fallback they become the tokens of their bytes.
///
/// - Source: SentencePiece `unigram_model.cc`, `EncodeOptimized`, whose order of comparisons decides ties here too.
struct UnigramModel: Sendable {
  private static let unknownPenalty = 10.0

  /// The best way to reach a byte.
  private struct Arrival {
    var start = -1
    var score = 0.0
    var identifier: Int32 = -1
  }

  let vocabulary: Vocabulary
  private let scores: [Double]
  private let unknown: Int32?
  private let unknownScore: Double
  private let byteTokens: [Int32]
  private let usesBytes: Bool
  private let trie: TokenTrie

  /// A model from the field `model`.
  init(_ field: TokenizerField) throws {
    let entries = try field.required("vocab", "an array of pairs").items()
    var vocabulary = Vocabulary()
    var scores: [Double] = []
    var trie = TokenTrie()
    vocabulary.reserve(entries.count)
    for (identifier, entry) in entries.enumerated() {
      let pair = try entry.items()
      guard pair.count == 2 else { throw entry.mismatch("a token and its score") }
      let (token, score) = (try pair[0].text(), try pair[1].number())
      // Every position of a text is tried with all tokens that begin there.
      guard token.utf8.count <= Vocabulary.longestToken else {
        throw entry.mismatch("a token of at most \(Vocabulary.longestToken) bytes")
      }
      try vocabulary.add(token, identifier, entry.place)
      trie.insert(Array(token.utf8), Int32(identifier))
      scores.append(score)
    }
    unknown = try field["unk_id"].map { try Self.unknown($0, count: entries.count) }
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    usesBytes = try field.flag("byte_fallback", default: false)
    byteTokens = vocabulary.byteTokens
    (self.vocabulary, self.scores, self.trie) = (vocabulary, scores, trie)
    guard unknown != nil || usesBytes && !byteTokens.contains(-1) else {
      throw TokenizerError.fieldMissing(field.place(of: "unk_id"), expected: "the id of the unknown token")
    }
  }

  private static func unknown(_ field: TokenizerField, count: Int) throws -> Int32 {
    let identifier = try field.integer()
    guard (0..<count).contains(identifier) else {
      throw TokenizerError.identifierUnknown(field.place, found: identifier)
    }
    return Int32(identifier)
  }

  /// Appends the tokens of a word.
  func encode(_ word: Span<UInt8>, to result: inout [Int32]) {
    for range in path(arrivals(word)) { append(word.extracting(range), to: &result) }
  }

  private func arrivals(_ word: Span<UInt8>) -> [Arrival] {
    var arrivals = [Arrival](repeating: Arrival(), count: word.count + 1)
    var start = 0
    while start < word.count {
      let length = word.scalarLength(at: start)
      let score = arrivals[start].score
      var hasSingle = false
      trie.prefixes(of: word, from: start) { end, identifier in
        Self.improve(&arrivals[end], start, score + scores[Int(identifier)], identifier)
        if end == start + length { hasSingle = true }
      }
      if !hasSingle { Self.improve(&arrivals[start + length], start, score + unknownScore, unknown ?? -1) }
      start += length
    }
    return arrivals
  }

  private static func improve(_ arrival: inout Arrival, _ start: Int, _ score: Double, _ identifier: Int32) {
    if arrival.start < 0 || score > arrival.score {
      arrival = Arrival(start: start, score: score, identifier: identifier)
    }
  }

  /// The tokens' ranges from the last to the first, turned round, neighbouring unknowns joined.
  private func path(_ arrivals: [Arrival]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var end = arrivals.count - 1
    var followsUnknown = false
    while end > 0 {
      let arrival = arrivals[end]
      let isUnknown = arrival.identifier == unknown || arrival.identifier < 0
      if isUnknown, followsUnknown, let last = ranges.last {
        ranges[ranges.count - 1] = arrival.start..<last.upperBound
      } else {
        ranges.append(arrival.start..<end)
      }
      followsUnknown = isUnknown
      end = arrival.start
    }
    return ranges.reversed()
  }

  private func append(_ token: Span<UInt8>, to result: inout [Int32]) {
    if let identifier = vocabulary.identifier(of: token) {
      result.append(identifier)
      return
    }
    let start = result.count
    for index in token.indices where usesBytes { result.append(byteTokens[Int(token[index])]) }
    let isWritten = result.count > start && !result[start...].contains(-1)
    if isWritten { return }
    result.removeLast(result.count - start)
    if let unknown { result.append(unknown) }
  }
}

/// The tokens of a vocabulary by their common beginnings.
struct TokenTrie: Sendable {
  private var children: [UInt64: Int32] = [:]
  private var identifiers: [Int32] = [-1]

  mutating func insert(_ token: [UInt8], _ identifier: Int32) {
    var node = 0
    for byte in token {
      let key = UInt64(node) << 8 | UInt64(byte)
      if let child = children[key] {
        node = Int(child)
      } else {
        children[key] = Int32(identifiers.count)
        node = identifiers.count
        identifiers.append(-1)
      }
    }
    identifiers[node] = identifier
  }

  /// Every token that the text has at a position, the shortest first; the empty token never counts.
  func prefixes(of text: Span<UInt8>, from start: Int, _ body: (_ end: Int, _ identifier: Int32) -> Void) {
    var node = 0
    for position in start..<text.count {
      guard let child = children[UInt64(node) << 8 | UInt64(text[position])] else { return }
      node = Int(child)
      if identifiers[node] >= 0 { body(position + 1, identifiers[node]) }
    }
  }
}
