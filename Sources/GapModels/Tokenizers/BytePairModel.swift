import GapTensorFiles

/// Byte-pair encoding: a word is cut into its characters, which merge in the order of a list.
///
/// Characters outside the vocabulary become the tokens of their bytes, where the model has them (`byte_fallback`),
/// else the unknown token, else nothing.
///
/// - Source: Sennrich, Haddow, Birch 2016; the order of merges and the treatment of the unknown as in the
///   tokenizers library, against which the fixtures were written.
struct BytePairModel: Sendable {
  let vocabulary: Vocabulary
  private let merges: MergeTable
  private let unknown: Int32?
  private let byteTokens: [Int32]?
  private let fusesUnknown: Bool
  private let takesWholeWords: Bool
  private let prefix: [UInt8]
  private let suffix: [UInt8]

  /// A model from the field `model`.
  init(_ field: TokenizerField) throws {
    vocabulary = try Vocabulary(field.required("vocab", "an object of tokens"))
    prefix = Array((try field["continuing_subword_prefix"]?.text() ?? "").utf8)
    suffix = Array((try field["end_of_word_suffix"]?.text() ?? "").utf8)
    merges = try Self.merges(try field.required("merges", "an array of merges"), vocabulary, prefix.count)
    fusesUnknown = try field.flag("fuse_unk", default: false)
    takesWholeWords = try field.flag("ignore_merges", default: false)
    byteTokens = try field.flag("byte_fallback", default: false) ? vocabulary.byteTokens : nil
    unknown = try field["unk_token"].flatMap { [vocabulary] token in
      let text = try token.text()
      if let identifier = vocabulary.identifier(of: text) { return identifier }
      // Some converters write an empty text for no token.
      guard text.isEmpty else { throw TokenizerError.tokenUnknown(token.place, token: text) }
      return nil
    }
    if let dropout = field["dropout"], try dropout.number() != 0 {
      throw dropout.mismatch("null, as encoding must not be random")
    }
  }

  /// Whether unknown characters become the tokens of their bytes.
  var hasByteFallback: Bool { byteTokens != nil }

  private static func merges(
    _ field: TokenizerField, _ vocabulary: Vocabulary, _ prefixLength: Int
  ) throws -> MergeTable {
    guard let items = field.value.items else { throw field.mismatch("an array") }
    var table = MergeTable(capacity: items.count)
    var joined: [UInt8] = []
    for (place, item) in items.enumerated() {
      guard let (left, right) = parts(item) else {
        throw TokenizerField(item, field.place(of: String(place))).mismatch("two tokens, as 'a b' or a pair")
      }
      func identifier(_ token: Span<UInt8>) throws -> Int32 {
        if let identifier = vocabulary.identifier(of: token) { return identifier }
        throw TokenizerError.tokenUnknown(field.place(of: String(place)), token: token.text)
      }
      guard right.count >= prefixLength else {
        throw TokenizerError.tokenUnknown(field.place(of: String(place)), token: right.span.text)
      }
      joined.removeAll(keepingCapacity: true)
      joined += left
      joined += right.dropFirst(prefixLength)
      table.append(
        try identifier(left.span), try identifier(right.span), result: try identifier(joined.span))
    }
    return table
  }

  /// The two parts of a merge, written as one text with a space or as a pair.
  private static func parts(_ item: JSONValue) -> (left: [UInt8], right: [UInt8])? {
    if let pair = item.items {
      guard pair.count == 2, let left = pair[0].text, let right = pair[1].text else { return nil }
      return (Array(left.utf8), Array(right.utf8))
    }
    guard let text = item.text else { return nil }
    let bytes = Array(text.utf8)
    guard let space = bytes.firstIndex(of: 0x20), bytes.lastIndex(of: 0x20) == space else { return nil }
    return (Array(bytes[..<space]), Array(bytes[(space + 1)...]))
  }

  /// Appends the tokens of a word.
  func encode(_ word: Span<UInt8>, _ merger: inout WordMerger, to result: inout [Int32]) {
    if takesWholeWords, let identifier = vocabulary.identifier(of: word) {
      result.append(identifier)
      return
    }
    merger.removeAll()
    var pending: Int32?
    var position = 0
    while position < word.count {
      let end = position + word.scalarLength(at: position)
      append(word, position..<end, &pending, &merger)
      position = end
    }
    if let pending { merger.append(pending) }
    merger.merge(merges, to: &result)
  }

  /// Adds one character to the word; an unknown is held back, since the next one may fuse with it.
  private func append(
    _ word: Span<UInt8>, _ range: Range<Int>, _ pending: inout Int32?, _ merger: inout WordMerger
  ) {
    if let identifier = identifier(word, range) {
      if let unknown = pending { merger.append(unknown) }
      pending = nil
      merger.append(identifier)
    } else if let bytes = fallback(word, range) {
      for byte in bytes { merger.append(byte) }
    } else if let unknown {
      if let held = pending, !fusesUnknown { merger.append(held) }
      pending = unknown
    }
  }

  private func identifier(_ word: Span<UInt8>, _ range: Range<Int>) -> Int32? {
    let hasPrefix = range.lowerBound > 0 && !prefix.isEmpty
    let hasSuffix = range.upperBound == word.count && !suffix.isEmpty
    guard hasPrefix || hasSuffix else { return vocabulary.identifier(of: word.extracting(range)) }
    return vocabulary.identifier(of: spelled(word, range, hasPrefix, hasSuffix))
  }

  private func spelled(_ word: Span<UInt8>, _ range: Range<Int>, _ hasPrefix: Bool, _ hasSuffix: Bool)
    -> [UInt8]
  {
    var token = hasPrefix ? prefix : []
    token.append(word, range)
    return hasSuffix ? token + suffix : token
  }

  /// The tokens of a character's bytes, its prefix and suffix with it; nil if one is missing.
  private func fallback(_ word: Span<UInt8>, _ range: Range<Int>) -> [Int32]? {
    guard let byteTokens else { return nil }
    let token = spelled(word, range, range.lowerBound > 0, range.upperBound == word.count)
    let tokens = token.map { byteTokens[Int($0)] }
    return tokens.contains(-1) ? nil : tokens
  }
}

extension Span<UInt8> {
  /// The bytes as text.
  fileprivate var text: String {
    var bytes: [UInt8] = []
    bytes.append(self, 0..<count)
    return String(decoding: bytes, as: UTF8.self)
  }
}
