/// Writes spaces as a visible character, "▁" as a rule, and cuts the text in front of each.
struct Metaspace: Sendable {
  /// Where the character is put in front although the text has no space there.
  enum PrependScheme: String, CaseIterable {
    case always, first, never
  }

  let replacement: [UInt8]
  let scheme: PrependScheme
  private let splits: Bool
  /// The replacement as a pattern.
  let pattern: ScalarPattern

  /// The settings from the field of a pre-tokenizer or decoder.
  init(_ field: TokenizerField) throws {
    let scalar = try field.required("replacement", "one character").scalar()
    replacement = Array(String(scalar).utf8)
    pattern = ScalarPattern(.set(ScalarSet(scalar.value)))
    splits = try field.flag("split", default: true)
    scheme = try Self.scheme(field)
  }

  /// `prepend_scheme`, or what older files say by `add_prefix_space`.
  private static func scheme(_ field: TokenizerField) throws -> PrependScheme {
    guard let named = field["prepend_scheme"] else {
      return try field.flag("add_prefix_space", default: true) ? .always : .never
    }
    guard let scheme = PrependScheme(rawValue: try named.text()) else {
      throw named.mismatch("always, first or never")
    }
    if try field["add_prefix_space"]?.flag() == false, scheme != .never {
      throw named.mismatch("never, as add_prefix_space is false")
    }
    return scheme
  }

  /// Replaces and cuts every piece.
  func apply(_ pieces: inout TextPieces) {
    pieces.rewrite { text, piece, result in
      let startsMarked =
        text[piece.range.lowerBound] == 0x20 || text.holds(replacement, at: piece.range.lowerBound)
      if !startsMarked, scheme == .always || scheme == .first && piece.isFirst {
        result.append(contentsOf: replacement)
      }
      for index in piece.range {
        if text[index] == 0x20 { result.append(contentsOf: replacement) } else { result.append(text[index]) }
      }
    }
    if splits { pieces.split(pattern, .mergedWithNext) }
  }
}
