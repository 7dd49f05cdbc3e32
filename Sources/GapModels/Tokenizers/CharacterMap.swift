/// The compiled character map of a SentencePiece model: which characters to replace, as a double-array trie.
///
/// The field holds base 64 of: the trie's size in bytes (UInt32, little-endian), its units (UInt32 each), and the
/// replacements as texts ended by a zero byte.
///
/// - Source: darts-clone; `spm_precompiled` of the reference, with its habit of looking up whole grapheme clusters
///   of less than six bytes first and of taking the shortest match.
struct CharacterMap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  /// The bytes of the longest replacement.
  var longestReplacement: Int { replacements.split(separator: 0).map(\.count).max() ?? 0 }

  /// The map from its field.
  init(_ field: TokenizerField) throws {
    guard let bytes = Self.decoded(try field.text()), bytes.count >= 4 else { throw field.mismatch("base 64") }
    let size = Int(Self.unit(bytes, 0))
    guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else {
      throw field.mismatch("a trie of at most \(bytes.count - 4) bytes, whose declared size is \(size)")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map { Self.unit(bytes, $0) }
    replacements = Array(bytes[(4 + size)...])
    guard String(validating: replacements, as: UTF8.self) != nil else { throw field.mismatch("texts in UTF-8") }
  }

  private static func unit(_ bytes: [UInt8], _ start: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
  }

  private static func decoded(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var (bits, held) = (UInt32(0), 0)
    for byte in text.utf8 where byte != UInt8(ascii: "=") {
      guard let digit = digit(byte) else { return nil }
      bits = bits << 6 | digit
      held += 6
      guard held >= 8 else { continue }
      held -= 8
      result.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
    }
    return result
  }

  private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 0x41
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 0x61 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  /// A text with its characters replaced.
  func apply(_ text: [UInt8]) -> [UInt8] {
    let string = String(decoding: text, as: UTF8.self)
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for character in string {
      let bytes = Array(character.utf8)
      if bytes.count < 6, let replacement = replacement(bytes[...]) {
        result += replacement
      } else {
        append(bytes, to: &result)
      }
    }
    return result
  }

  /// Replaces the scalars of a grapheme cluster one by one.
  private func append(_ cluster: [UInt8], to result: inout [UInt8]) {
    let span = cluster.span
    var position = 0
    while position < cluster.count {
      let end = position + span.scalarLength(at: position)
      result += replacement(cluster[position..<end]) ?? cluster[position..<end]
      position = end
    }
  }

  /// What the shortest known beginning of the bytes becomes.
  private func replacement(_ key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let start = match(key), start < replacements.count, replacements[start] & 0xC0 != 0x80 else {
      return nil
    }
    let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
    return replacements[start..<end]
  }

  private func match(_ key: ArraySlice<UInt8>) -> Int? {
    var node = Self.offset(units[0])
    for byte in key {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
      let unit = units[node]
      node ^= Self.offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      return node < units.count ? Int(units[node] & 0x7FFF_FFFF) : nil
    }
    return nil
  }

  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }
}
