import GapTensorFiles

/// A token that is found in the text before the model sees it.
struct AddedToken: Sendable {
  let content: [UInt8]
  let identifier: Int32
  let isSpecial: Bool
  let isNormalized: Bool
  let isWholeWord: Bool
  let takesSpaceBefore: Bool
  let takesSpaceAfter: Bool

  /// A token from its entry in `added_tokens`.
  init(_ field: TokenizerField) throws {
    content = Array(try field.required("content", "a string").text().utf8)
    guard content.count <= Vocabulary.longestToken else {
      throw field.mismatch("an added token of at most \(Vocabulary.longestToken) bytes")
    }
    let number = try field.required("id", "an integer")
    let integer = try number.integer()
    guard (0...Vocabulary.largestIdentifier).contains(integer) else {
      throw TokenizerError.identifierRefused(
        number.place, token: String(decoding: content, as: UTF8.self), found: integer,
        limit: Vocabulary.largestIdentifier)
    }
    identifier = Int32(integer)
    isSpecial = try field.flag("special", default: false)
    isNormalized = try field.flag("normalized", default: !isSpecial)
    isWholeWord = try field.flag("single_word", default: false)
    takesSpaceBefore = try field.flag("lstrip", default: false)
    takesSpaceAfter = try field.flag("rstrip", default: false)
  }
}

/// Finds added tokens in a text: the leftmost first, the longest of those that start there.
struct AddedTokenFinder: Sendable {
  /// A run of the text: an added token, or what lies between two.
  enum Segment: Equatable {
    case token(Int32)
    case text(Range<Int>)
  }

  private var table = ByteTable()
  private var tokens: [AddedToken] = []
  /// The lengths of the tokens that start with each byte, longest first.
  private var lengths = [[Int]](repeating: [], count: 256)

  /// A finder of tokens by the text that each is found as.
  init(_ tokens: [(text: [UInt8], token: AddedToken)]) {
    for (text, token) in tokens where !text.isEmpty {
      guard table.insert(text.span).isNew else { continue }
      self.tokens.append(token)
      let first = Int(text[0])
      if !lengths[first].contains(text.count) { lengths[first].append(text.count) }
    }
    for first in lengths.indices { lengths[first].sort(by: >) }
  }

  /// Cuts a text at the tokens in it.
  func segments(_ text: Span<UInt8>) -> [Segment] {
    guard !tokens.isEmpty else { return text.isEmpty ? [] : [.text(0..<text.count)] }
    var segments: [Segment] = []
    var (covered, position) = (0, 0)
    while position < text.count {
      guard let (token, length) = token(text, position) else {
        position += 1
        continue
      }
      var (start, end) = (position, position + length)
      position = end
      if token.isWholeWord, touchesWord(text, start, end) { continue }
      if token.takesSpaceBefore { start = max(covered, spaceStart(text, start)) }
      if token.takesSpaceAfter { end = spaceEnd(text, end) }
      if covered < start { segments.append(.text(covered..<start)) }
      segments.append(.token(token.identifier))
      covered = end
    }
    if covered < text.count { segments.append(.text(covered..<text.count)) }
    return segments
  }

  private func token(_ text: Span<UInt8>, _ position: Int) -> (AddedToken, length: Int)? {
    for length in lengths[Int(text[position])] where length <= text.count - position {
      if let number = table.number(of: text.extracting(position..<position + length)) {
        return (tokens[number], length)
      }
    }
    return nil
  }

  private func touchesWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    start > 0 && isWord(text, text.scalarStart(before: start)) || end < text.count && isWord(text, end)
  }

  private func isWord(_ text: Span<UInt8>, _ position: Int) -> Bool {
    let scalar = text.scalar(at: position).value
    return !ScalarCategory.of(scalar).isDisjoint(with: .word) || (0x200C...0x200D).contains(scalar)
  }

  private func spaceStart(_ text: Span<UInt8>, _ end: Int) -> Int {
    var start = end
    while start > 0 {
      let before = text.scalarStart(before: start)
      guard ScalarCategory.of(text.scalar(at: before).value).contains(.whitespace) else { break }
      start = before
    }
    return start
  }

  private func spaceEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
    var end = start
    while end < text.count {
      let (scalar, length) = text.scalar(at: end)
      guard ScalarCategory.of(scalar).contains(.whitespace) else { break }
      end += length
    }
    return end
  }
}
