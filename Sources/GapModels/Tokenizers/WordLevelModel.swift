import GapTensorFiles

/// A vocabulary of whole words: a word that is not in it becomes the unknown token.
struct WordLevelModel: Sendable {
  let vocabulary: Vocabulary
  private let unknown: Int32?

  /// A model from the field `model`.
  init(_ field: TokenizerField) throws {
    vocabulary = try Vocabulary(field.required("vocab", "an object of tokens"))
    // The reference refuses words that it cannot name only when it meets one; without an unknown token they are lost.
    unknown = try field["unk_token"].flatMap { [vocabulary] in vocabulary.identifier(of: try $0.text()) }
  }

  /// Appends the token of a word.
  func encode(_ word: Span<UInt8>, to result: inout [Int32]) {
    if let token = vocabulary.identifier(of: word) ?? unknown { result.append(token) }
  }
}
