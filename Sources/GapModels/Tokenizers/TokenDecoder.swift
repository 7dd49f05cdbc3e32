/// Turns tokens back into text.
indirect enum TokenDecoder: Sendable {
  case sequence([TokenDecoder])
  case byteLevel
  case byteFallback
  case metaspace(Metaspace)
  case replace(ScalarPattern, with: [UInt8])
  case strip(UInt32, start: Int, stop: Int)
  case fuse
  case suffix(ScalarPattern)

  private static let known = [
    "Sequence", "ByteLevel", "ByteFallback", "Metaspace", "Replace", "Strip", "Fuse", "BPEDecoder",
  ]

  /// A decoder from its field.
  init(_ field: TokenizerField) throws {
    switch try field.kind() {
    case "Sequence":
      self = .sequence(try field.required("decoders", "an array").items().map { try TokenDecoder($0) })
    case "ByteLevel": self = .byteLevel
    case "ByteFallback": self = .byteFallback
    case "Fuse": self = .fuse
    case "Metaspace": self = .metaspace(try Metaspace(field))
    case "Replace":
      let pattern = try ScalarPattern(try field.required("pattern", "a pattern"))
      self = .replace(pattern, with: Array(try field.required("content", "a string").text().utf8))
    case "Strip":
      let content = try field.required("content", "one character").scalar().value
      let start = try field.required("start", "a count").size()
      self = .strip(content, start: start, stop: try field.required("stop", "a count").size())
    case "BPEDecoder":
      let suffix = try field["suffix"]?.text() ?? "</w>"
      self = .suffix(ScalarPattern(PatternNode(literal: suffix)))
    case let kind: throw TokenizerError.unsupported(field.place, found: kind, known: Self.known)
    }
  }

  /// The tokens as pieces of text, which may be fewer.
  ///
  /// - Parameter isWhole: whether the tokens are a whole text. Within one, the space in front of the first token is
  ///   part of it; a whole text loses the one that the tokenizer put there.
  func apply(_ tokens: [[UInt8]], isWhole: Bool) -> [[UInt8]] {
    switch self {
    case .sequence(let steps): steps.reduce(tokens) { $1.apply($0, isWhole: isWhole) }
    case .byteLevel: [Self.repaired(tokens.flatMap { ByteAlphabet.read($0) ?? $0 })]
    case .byteFallback: Self.joiningBytes(tokens)
    case .fuse: [Array(tokens.joined())]
    case .metaspace(let metaspace): Self.spaced(tokens, metaspace, isWhole)
    case .replace(let pattern, let content): tokens.map { pattern.replacing($0, with: content) }
    case .strip(let content, let start, let stop):
      isWhole ? tokens.map { Self.stripped($0, content, start, stop) } : tokens
    case .suffix(let pattern):
      tokens.enumerated().map { place, token in
        pattern.replacing(token, with: isWhole && place == tokens.count - 1 ? [] : [0x20])
      }
    }
  }

  /// Bytes as valid UTF-8, with U+FFFD for what is not.
  private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  private static func joiningBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      guard !bytes.isEmpty else { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        for _ in bytes { result.append([0xEF, 0xBF, 0xBD]) }
      }
      bytes = []
    }
    for token in tokens {
      if let byte = byte(token) {
        bytes.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }

  /// The byte that a token such as `<0x0A>` names.
  private static func byte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }

  private static func spaced(_ tokens: [[UInt8]], _ metaspace: Metaspace, _ isWhole: Bool) -> [[UInt8]] {
    tokens.enumerated().map { place, token in
      let isDropped = isWhole && place == 0 && metaspace.scheme != .never
      return metaspace.pattern.replacing(token, with: isDropped ? [] : [0x20])
    }
  }

  private static func stripped(_ token: [UInt8], _ content: UInt32, _ start: Int, _ stop: Int) -> [UInt8] {
    let span = token.span
    var (first, last) = (0, token.count)
    var left = start
    while left > 0, first < last, span.scalar(at: first).value == content {
      first += span.scalarLength(at: first)
      left -= 1
    }
    left = stop
    while left > 0, last > first, span.scalar(at: span.scalarStart(before: last)).value == content {
      last = span.scalarStart(before: last)
      left -= 1
    }
    return Array(token[first..<last])
  }
}
