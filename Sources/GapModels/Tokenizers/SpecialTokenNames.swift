import GapTensorFiles

/// The names of the tokens that begin and end a text, as the files beside `tokenizer.json` give them.
struct SpecialTokenNames {
  private(set) var beginning: TokenizerField?
  private(set) var end: TokenizerField?

  private static let files = ["tokenizer_config.json", "special_tokens_map.json"]

  /// Reads the files that are there; what an earlier one says counts, even if it says `null`.
  init(beside path: String) throws {
    let paths = Self.files.map { FilePath.directory(of: path) + $0 }.filter(FilePath.exists)
    let fields = try paths.map { try TokenizerField(file: $0) }
    for field in fields { _ = try field.pairs() }
    beginning = try Self.name("bos_token", fields)
    end = try Self.name("eos_token", fields)
  }

  private static func name(_ key: String, _ fields: [TokenizerField]) throws -> TokenizerField? {
    guard let field = fields.first(where: { $0.value[key] != nil }), let token = field[key] else { return nil }
    return token.value.pairs == nil ? token : try token.required("content", "a string")
  }
}
