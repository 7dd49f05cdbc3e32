import GapTensorFiles

/// The part of a tokenizer that turns a piece of text into tokens.
enum TokenizerModel: Sendable {
  case bytePair(BytePairModel)
  case unigram(UnigramModel)
  case wordLevel(WordLevelModel)

  /// A model from the field `model`.
  init(_ field: TokenizerField) throws {
    switch try Self.kind(field) {
    case "BPE": self = .bytePair(try BytePairModel(field))
    case "Unigram": self = .unigram(try UnigramModel(field))
    case "WordLevel": self = .wordLevel(try WordLevelModel(field))
    case let kind:
      throw TokenizerError.unsupported(field.place, found: kind, known: ["BPE", "Unigram", "WordLevel"])
    }
  }

  /// The named kind; older files have none, and merges only where it is BPE.
  private static func kind(_ field: TokenizerField) throws -> String {
    if field["type"] == nil, field["merges"] != nil { return "BPE" }
    return try field.kind()
  }

  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    }
  }

  /// Appends the tokens of a piece.
  func encode(
    _ word: Span<UInt8>, _ merger: inout WordMerger, _ cache: inout WordCache, to result: inout [Int32]
  ) {
    if cache.append(word, to: &result) { return }
    let start = result.count
    switch self {
    case .bytePair(let model): model.encode(word, &merger, to: &result)
    case .unigram(let model): model.encode(word, to: &result)
    case .wordLevel(let model): model.encode(word, to: &result)
    }
    cache.keep(word, result[start...])
  }
}
