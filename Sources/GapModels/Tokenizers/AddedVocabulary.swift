import GapTensorFiles

/// All the added tokens of a tokenizer, and where to look for each.
struct AddedVocabulary: Sendable {
  private var identifiers = Vocabulary()
  private var texts: [Int32: [UInt8]] = [:]
  private var special: Set<Int32> = []
  /// How many of the tokens the model does not have itself.
  private(set) var newTokenCount = 0
  /// Finds the tokens that are looked for in the text as it is given.
  let plain: AddedTokenFinder
  /// Finds the tokens that are looked for in the normalized text, by their own normalized form.
  let normalized: AddedTokenFinder

  /// The tokens of the field `added_tokens`, checked against the model's vocabulary.
  init(_ field: TokenizerField?, _ vocabulary: Vocabulary, _ normalizer: TextNormalizer?) throws {
    var plain: [(text: [UInt8], token: AddedToken)] = []
    var normalized: [(text: [UInt8], token: AddedToken)] = []
    for entry in try field?.items() ?? [] {
      let token = try AddedToken(entry)
      if token.content.isEmpty { continue }  // The reference passes over them too.
      let name = String(decoding: token.content, as: UTF8.self)
      try identifiers.add(name, Int(token.identifier), entry.place)
      if try Self.isNew(token, name, vocabulary, entry.place) { newTokenCount += 1 }
      let text = token.isNormalized ? normalizer?.apply(token.content) ?? token.content : token.content
      texts[token.identifier] = text
      if token.isSpecial { special.insert(token.identifier) }
      if token.isNormalized { normalized.append((text, token)) } else { plain.append((text, token)) }
    }
    self.plain = AddedTokenFinder(plain)
    self.normalized = AddedTokenFinder(normalized)
  }

  /// Whether the model lacks a token.
  ///
  /// One that it has must have the same id there, one that it lacks an id that is free.
  private static func isNew(
    _ token: AddedToken, _ name: String, _ vocabulary: Vocabulary, _ place: TokenizerError.Place
  ) throws -> Bool {
    if let known = vocabulary.identifier(of: token.content) {
      guard known == token.identifier else { throw TokenizerError.tokenTwice(place, token: name) }
      return false
    }
    if let other = vocabulary.token(token.identifier) {
      throw TokenizerError.identifierTaken(
        place, identifier: Int(token.identifier), tokens: [String(decoding: other, as: UTF8.self), name])
    }
    return true
  }

  /// The largest id and 1.
  var identifierLimit: Int { identifiers.identifierLimit }

  /// The id of a token by its content.
  func identifier(of token: String) -> Int32? { identifiers.identifier(of: token) }

  /// The text of a token as the decoder takes it: normalized, if that is how it is found.
  func token(_ identifier: Int32) -> [UInt8]? { texts[identifier] }

  /// Whether a token is special.
  func isSpecial(_ identifier: Int32) -> Bool { special.contains(identifier) }
}
