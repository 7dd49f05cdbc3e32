import GapTensorFiles

/// A tokenizer as Hugging Face writes it: `tokenizer.json`, and beside it `tokenizer_config.json` and
/// `special_tokens_map.json`, which name the special tokens.
///
/// ```
/// text → added tokens cut out → normalizer → pre-tokenizer → model (BPE or Unigram) → post-processor → ids
/// ```
/// Ids equal those of the tokenizers library, one for one. Where Swift and that library know different versions of
/// Unicode, scalars that the older one does not know may be classed differently; texts hardly hold such scalars.
/// Truncation and padding that a file asks for are not applied, as `AutoTokenizer` does not apply them unasked.
///
/// - Source: the tokenizers library, version 0.23.3; `Fixtures/tokenizers` holds its answers.
public struct Tokenizer: Sendable {
  private let normalizer: TextNormalizer?
  private let preTokenizer: PreTokenizer?
  private let model: TokenizerModel
  private let decoder: TokenDecoder?
  private let frame: SpecialTokenFrame
  private let added: AddedVocabulary
  private let cache = WordCacheSlot()
  /// The most that normalizer and pre-tokenizer may multiply the bytes of a text by.
  private let growth: Double

  /// The token that starts a text: `bos_token` of `tokenizer_config.json`, else of `special_tokens_map.json`, else the
  /// first one that the post-processor puts in front; nil where there is none.
  public let beginningToken: Int32?
  /// The token that ends a text, found in the same way.
  public let endToken: Int32?

  /// Reads `tokenizer.json` of a model directory.
  ///
  /// - Throws: `TokenizerError.noTokenizer` if it is not there, and as `init(file:)`.
  public init(directory: String) throws {
    let path = FilePath.join(directory, "tokenizer.json")
    guard FilePath.exists(path) else { throw TokenizerError.noTokenizer(directory: directory) }
    try self.init(file: path)
  }

  /// Reads a `tokenizer.json` and the files beside it that name special tokens.
  ///
  /// - Throws: `TokenizerError`: `.file` when it cannot be read or is no JSON, `.unsupported` for a component that is
  ///   not known, `.unsupportedPattern` for a regular expression outside the subset, and the others for a field or
  ///   token that is missing, of the wrong kind or contradicts another.
  public init(file path: String) throws {
    let file = try TokenizerField(file: path)
    _ = try file.pairs()
    normalizer = try file["normalizer"].map { try TextNormalizer($0) }
    preTokenizer = try file["pre_tokenizer"].map { try PreTokenizer($0) }
    try TextGrowth.check(normalizer?.growth ?? 1, file["normalizer"])
    try TextGrowth.check(preTokenizer?.growth ?? 1, file["pre_tokenizer"])
    growth = (normalizer?.growth ?? 1) * (preTokenizer?.growth ?? 1)
    model = try TokenizerModel(try file.required("model", "a model"))
    decoder = try file["decoder"].map { try TokenDecoder($0) }
    try TextGrowth.check(decoder?.growth ?? 1, file["decoder"])
    added = try AddedVocabulary(file["added_tokens"], model.vocabulary, normalizer)
    frame = try Self.frame(file["post_processor"], model.vocabulary, added)
    let names = try SpecialTokenNames(beside: path)
    beginningToken = try Self.identifier(names.beginning, model.vocabulary, added) ?? frame.prefix.first
    endToken = try Self.identifier(names.end, model.vocabulary, added) ?? frame.suffix.last
  }

  private static func frame(
    _ field: TokenizerField?, _ vocabulary: Vocabulary, _ added: AddedVocabulary
  ) throws -> SpecialTokenFrame {
    guard let field else { return SpecialTokenFrame() }
    let frame = try SpecialTokenFrame(field)
    for identifier in frame.prefix + frame.suffix
    where vocabulary.token(identifier) == nil && added.token(identifier) == nil {
      throw TokenizerError.identifierUnknown(field.place, found: Int(identifier))
    }
    return frame
  }

  private static func identifier(
    _ name: TokenizerField?, _ vocabulary: Vocabulary, _ added: AddedVocabulary
  ) throws -> Int32? {
    guard let name else { return nil }
    let token = try name.text()
    guard let identifier = added.identifier(of: token) ?? vocabulary.identifier(of: token) else {
      throw TokenizerError.tokenUnknown(name.place, token: token)
    }
    return identifier
  }

  /// The tokens of a text from a file, without special ones.
  ///
  /// - Parameter place: where the text stands.
  /// - Throws: `TokenizerError.textTooLong` for one that the tokenizer's steps may make longer than memory holds.
  package func encode(_ text: String, from place: String) throws -> [Int32] {
    guard Double(text.utf8.count) * growth <= TextGrowth.mostBytes else {
      throw TokenizerError.textTooLong(
        place: place, limit: Int(TextGrowth.mostBytes / growth), found: text.utf8.count)
    }
    return encode(text, addingSpecialTokens: false)
  }

  /// The largest id and 1: how many rows an embedding must have.
  public var vocabularyCount: Int { max(model.vocabulary.identifierLimit, added.identifierLimit) }

  /// The largest id and 1 of the model's own tokens, without those that were added to it.
  package var ownTokenCount: Int { model.vocabulary.identifierLimit }

  /// The kind and size in a few words, such as "byte-level BPE, 49,152 tokens".
  public var kind: String {
    let count = model.vocabulary.count + added.newTokenCount
    let name =
      switch model {
      case .unigram: "Unigram"
      case .wordLevel: "word-level"
      case .bytePair(let pairs) where preTokenizer?.isByteLevel != true:
        pairs.hasByteFallback ? "BPE with byte fallback" : "BPE"
      case .bytePair: "byte-level BPE"
      }
    return "\(name), \(Self.grouped(count)) tokens"
  }

  private static func grouped(_ count: Int) -> String {
    count < 1000
      ? String(count) : grouped(count / 1000) + "," + String(String(count % 1000 + 1000).dropFirst())
  }

  /// The id of a token by its exact text, as `<image>`; nil if there is no such token.
  public func id(of token: String) -> Int32? {
    added.identifier(of: token) ?? model.vocabulary.identifier(of: token)
  }

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: any text; special tokens written out in it are recognised.
  ///   - addingSpecialTokens: whether to put in front and behind what the post-processor asks for.
  /// - Returns: ids from 0, below `vocabularyCount`.
  /// - Complexity: O(n log w) for n bytes in words of at most w.
  public func encode(_ text: String, addingSpecialTokens: Bool) -> [Int32] {
    var run = EncodingRun(cache: cache.take())
    defer { cache.put(run.cache) }
    if addingSpecialTokens { run.identifiers += frame.prefix }
    let bytes = Array(text.utf8)
    let marksFirst = preTokenizer?.marksFirst == true
    for segment in added.plain.segments(bytes.span) {
      switch segment {
      case .token(let identifier): run.identifiers.append(identifier)
      case .text(let range):
        let piece = Array(bytes[range])
        let isFirst = range.lowerBound == 0 && !(marksFirst && normalizer?.dropsStart(of: piece) == true)
        append(normalizer?.apply(piece) ?? piece, isFirst: isFirst, &run)
      }
    }
    if addingSpecialTokens { run.identifiers += frame.suffix }
    return run.identifiers
  }

  /// Appends the tokens of a text between added tokens, after normalization.
  private func append(_ text: [UInt8], isFirst: Bool, _ run: inout EncodingRun) {
    for segment in added.normalized.segments(text.span) {
      switch segment {
      case .token(let identifier): run.identifiers.append(identifier)
      case .text(let range):
        var pieces = TextPieces(Array(text[range]), isFirst: isFirst && range.lowerBound == 0)
        preTokenizer?.apply(&pieces)
        let bytes = pieces.bytes
        let span = bytes.span
        for piece in pieces.pieces {
          model.encode(span.extracting(piece.range), &run.merger, &run.cache, to: &run.identifiers)
        }
      }
    }
  }

  /// What an encoding needs while it runs.
  private struct EncodingRun {
    var cache: WordCache
    var merger = WordMerger()
    var identifiers: [Int32] = []
  }

  /// The text of ids.
  ///
  /// - Parameters:
  ///   - ids: any numbers; those that no token has are passed over.
  ///   - skippingSpecialTokens: whether special tokens are left out.
  /// - Returns: text; bytes that are no UTF-8 become U+FFFD. Not always the text that was encoded: what the
  ///   normalizer changed stays changed.
  public func decode(_ ids: [Int32], skippingSpecialTokens: Bool = false) -> String {
    let kept = ids.filter { !skippingSpecialTokens || !added.isSpecial($0) }
    return text(kept.compactMap(token), isWhole: true)
  }

  /// What a token adds to a text when it stands within one, its leading space included; nil if no token has the id.
  public func tokenText(_ id: Int32) -> String? { token(id).map { text([$0], isWhole: false) } }

  private func token(_ identifier: Int32) -> [UInt8]? {
    added.token(identifier) ?? model.vocabulary.token(identifier)
  }

  private func text(_ tokens: [[UInt8]], isWhole: Bool) -> String {
    guard let decoder else { return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self) }
    return String(decoding: Array(decoder.apply(tokens, isWhole: isWhole).joined()), as: UTF8.self)
  }
}
