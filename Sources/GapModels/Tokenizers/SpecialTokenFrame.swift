/// The special tokens that a post-processor puts in front of and behind a text.
struct SpecialTokenFrame: Sendable {
  private(set) var prefix: [Int32] = []
  private(set) var suffix: [Int32] = []

  private static let known = [
    "TemplateProcessing", "ByteLevel", "Sequence", "BertProcessing", "RobertaProcessing",
  ]

  /// More tokens than any frame has; templates that name a long list again and again would fill memory.
  private static let mostTokens = 1024

  /// No tokens.
  init() {}

  /// The frame from the field of a post-processor.
  init(_ field: TokenizerField) throws {
    switch try field.kind() {
    case "ByteLevel": break  // It only moves offsets.
    case "Sequence":
      for step in try field.required("processors", "an array").items() {
        let frame = try SpecialTokenFrame(step)
        prefix = frame.prefix + prefix
        suffix += frame.suffix
        try check(field)
      }
    case "BertProcessing", "RobertaProcessing":
      prefix = [try Self.pair(try field.required("cls", "a token and its id"))]
      suffix = [try Self.pair(try field.required("sep", "a token and its id"))]
    case "TemplateProcessing": try read(template: field)
    case let kind: throw TokenizerError.unsupported(field.place, found: kind, known: Self.known)
    }
  }

  private func check(_ field: TokenizerField) throws {
    guard prefix.count + suffix.count > Self.mostTokens else { return }
    throw field.mismatch("at most \(Self.mostTokens) special tokens around a text")
  }

  private static func pair(_ field: TokenizerField) throws -> Int32 {
    let items = try field.items()
    guard items.count == 2 else { throw field.mismatch("a token and its id") }
    return try identifier(items[1])
  }

  private static func identifier(_ field: TokenizerField) throws -> Int32 {
    guard let identifier = Int32(exactly: try field.integer()), identifier >= 0 else {
      throw field.mismatch("a token's id")
    }
    return identifier
  }

  private mutating func read(template field: TokenizerField) throws {
    let single = try field.required("single", "an array")
    var hasText = false
    for item in try single.items() {
      if let sequence = item["Sequence"] {
        guard !hasText, try sequence.required("id", "A").text() == "A" else { throw single.mismatch("A once") }
        hasText = true
        continue
      }
      let name = try item.required("SpecialToken", "SpecialToken or Sequence").required("id", "a name")
      let tokens = try Self.tokens(name, field)
      if hasText { suffix += tokens } else { prefix += tokens }
      try check(field)
    }
    guard hasText else { throw single.mismatch("A once") }
  }

  private static func tokens(_ name: TokenizerField, _ field: TokenizerField) throws -> [Int32] {
    let text = try name.text()
    guard let token = field["special_tokens"]?[text] else {
      throw TokenizerError.tokenUnknown(name.place, token: text)
    }
    return try token.required("ids", "an array of ids").items().map(identifier)
  }
}
