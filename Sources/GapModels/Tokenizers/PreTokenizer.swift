/// Cuts a normalized text into the pieces that a model sees one by one.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case byteLevel(addsPrefixSpace: Bool, splits: Bool)
  case split(ScalarPattern, SplitBehavior, isInverted: Bool)
  case metaspace(Metaspace)

  private static let known = [
    "Sequence", "ByteLevel", "Split", "Digits", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation",
  ]

  private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The pattern of GPT-2, which `ByteLevel` has built in.
  private static let gpt2Pattern: ScalarPattern = {
    do { return ScalarPattern(try PatternParser.tree(gpt2)) } catch {
      preconditionFailure("the built-in pattern is outside the subset: \(error)")
    }
  }()

  /// A pre-tokenizer from its field.
  init(_ field: TokenizerField) throws {
    switch try field.kind() {
    case "Sequence":
      self = .sequence(try field.required("pretokenizers", "an array").items().map { try PreTokenizer($0) })
    case "ByteLevel":
      let addsPrefixSpace = try field.flag("add_prefix_space", default: true)
      self = .byteLevel(addsPrefixSpace: addsPrefixSpace, splits: try field.flag("use_regex", default: true))
    case "Split":
      let behavior = try SplitBehavior(try field.required("behavior", "a behaviour"))
      let pattern = try ScalarPattern(try field.required("pattern", "a pattern"))
      self = .split(pattern, behavior, isInverted: try field.flag("invert", default: false))
    case "Digits":
      let isIndividual = try field.flag("individual_digits", default: false)
      self = .split(
        Self.scalars([.categories(.number)]), isIndividual ? .isolated : .contiguous, isInverted: false)
    case "Punctuation":
      let behavior = try field["behavior"].map(SplitBehavior.init) ?? .isolated
      self = .split(Self.punctuation, behavior, isInverted: false)
    case "WhitespaceSplit":
      self = .split(Self.scalars([.categories(.whitespace)]), .removed, isInverted: false)
    case "Whitespace":
      self = .split(Self.words, .removed, isInverted: true)
    case "Metaspace": self = .metaspace(try Metaspace(field))
    case let kind: throw TokenizerError.unsupported(field.place, found: kind, known: Self.known)
    }
  }

  private static func scalars(_ members: [ScalarSet.Member]) -> ScalarPattern {
    ScalarPattern(.set(ScalarSet(members)))
  }

  /// Punctuation, with the ASCII symbols that Unicode counts otherwise.
  private static let punctuation = scalars([
    .categories(.punctuation), .range(0x21...0x2F), .range(0x3A...0x40), .range(0x5B...0x60),
    .range(0x7B...0x7E),
  ])

  /// `\w+|[^\w\s]+`, where the joiners count as part of a word.
  private static let words: ScalarPattern = {
    let joiners = ScalarSet.Member.range(0x200C...0x200D)
    let word = ScalarSet([.categories(.word), joiners])
    let rest = ScalarSet([.categories([.word, .whitespace]), joiners], isNegated: true)
    return ScalarPattern(
      .choice([word, rest].map { .repeated(.set($0), least: 1, most: nil, .greedy) }))
  }()

  /// Whether the pieces are written in the byte alphabet.
  var isByteLevel: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let steps): steps.contains(where: \.isByteLevel)
    default: false
    }
  }

  /// Whether it matters which piece the text begins with.
  var marksFirst: Bool {
    switch self {
    case .metaspace(let metaspace): metaspace.scheme == .first
    case .sequence(let steps): steps.contains(where: \.marksFirst)
    default: false
    }
  }

  /// Cuts every piece further.
  func apply(_ pieces: inout TextPieces) {
    switch self {
    case .sequence(let steps): for step in steps { step.apply(&pieces) }
    case .split(let pattern, let behavior, let isInverted):
      pieces.split(pattern, behavior, isInverted: isInverted)
    case .metaspace(let metaspace): metaspace.apply(&pieces)
    case .byteLevel(let addsPrefixSpace, let splits):
      if addsPrefixSpace { Self.prefixSpace(&pieces) }
      if splits { pieces.split(Self.gpt2Pattern, .isolated) }
      pieces.rewrite { text, piece, result in ByteAlphabet.write(text, piece.range, to: &result) }
    }
  }

  private static func prefixSpace(_ pieces: inout TextPieces) {
    pieces.rewrite { text, piece, result in
      if text[piece.range.lowerBound] != 0x20 { result.append(0x20) }
      result.append(text, piece.range)
    }
  }
}
