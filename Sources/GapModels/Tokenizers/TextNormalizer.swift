/// Rewrites a text before it is cut into pieces.
indirect enum TextNormalizer: Sendable {
  case sequence([TextNormalizer])
  case prepend([UInt8])
  case replace(ScalarPattern, with: [UInt8])
  case form(UnicodeForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case nmt
  case characterMap(CharacterMap)

  private static let known =
    ["Sequence", "Prepend", "Replace", "Lowercase", "Strip", "StripAccents", "Nmt", "Precompiled"]
    + UnicodeForm.allCases.map(\.rawValue)

  /// A normalizer from its field.
  init(_ field: TokenizerField) throws {
    switch try field.kind() {
    case "Sequence":
      self = .sequence(try field.required("normalizers", "an array").items().map { try TextNormalizer($0) })
    case "Prepend": self = .prepend(Array(try field.required("prepend", "a string").text().utf8))
    case "Replace":
      let pattern = try ScalarPattern(try field.required("pattern", "a pattern"))
      self = .replace(pattern, with: Array(try field.required("content", "a string").text().utf8))
    case "Lowercase": self = .lowercase
    case "Strip":
      let left = try field.flag("strip_left", default: true)
      self = .strip(left: left, right: try field.flag("strip_right", default: true))
    case "StripAccents": self = .stripAccents
    case "Nmt": self = .nmt
    case "Precompiled":
      self = .characterMap(try CharacterMap(try field.required("precompiled_charsmap", "base 64")))
    case let kind:
      guard let form = UnicodeForm(rawValue: kind) else {
        throw TokenizerError.unsupported(field.place, found: kind, known: Self.known)
      }
      self = .form(form)
    }
  }

  /// A text rewritten; valid UTF-8 stays valid.
  func apply(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .sequence(let steps): steps.reduce(text) { $1.apply($0) }
    case .prepend(let prefix): text.isEmpty ? text : prefix + text
    case .replace(let pattern, let content): pattern.replacing(text, with: content)
    case .form(let form): form.apply(text)
    case .lowercase: Self.lowercased(text)
    case .strip(let left, let right): Self.stripped(text, left, right)
    case .stripAccents: Self.rewritten(text) { ScalarCategory.of($0).isDisjoint(with: .mark) ? $0 : nil }
    case .nmt: Self.rewritten(text, Self.nmt)
    case .characterMap(let map): map.apply(text)
    }
  }

  /// Whether `apply` leaves out what the text begins with; what comes then is not first.
  func dropsStart(of text: [UInt8]) -> Bool {
    guard !text.isEmpty else { return false }
    switch self {
    case .sequence(let steps):
      var rest = text
      for step in steps {
        if step.dropsStart(of: rest) { return true }
        rest = step.apply(rest)
      }
      return false
    case .strip(let left, _): return left && Self.isSpace(text.span, 0)
    case .stripAccents: return !ScalarCategory.of(text.span.scalar(at: 0).value).isDisjoint(with: .mark)
    case .nmt: return Self.nmt(text.span.scalar(at: 0).value) == nil
    case .replace(let pattern, let content): return content.isEmpty && pattern.matchesStart(of: text)
    case .prepend, .form, .lowercase, .characterMap: return false
    }
  }

  private static func lowercased(_ text: [UInt8]) -> [UInt8] {
    let span = text.span
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < span.count {
      let (value, length) = span.scalar(at: position)
      position += length
      if value < 0x80 {
        result.append((0x41...0x5A).contains(value) ? UInt8(value | 0x20) : UInt8(value))
      } else if let scalar = Unicode.Scalar(value) {
        result += scalar.properties.lowercaseMapping.utf8
      }
    }
    return result
  }

  private static func stripped(_ text: [UInt8], _ left: Bool, _ right: Bool) -> [UInt8] {
    let span = text.span
    var (start, end) = (0, text.count)
    while left, start < end, isSpace(span, start) { start += span.scalarLength(at: start) }
    while right, end > start, isSpace(span, span.scalarStart(before: end)) {
      end = span.scalarStart(before: end)
    }
    return Array(text[start..<end])
  }

  private static func isSpace(_ text: Span<UInt8>, _ position: Int) -> Bool {
    ScalarCategory.of(text.scalar(at: position).value).contains(.whitespace)
  }

  /// A text with each scalar replaced, or left out.
  private static func rewritten(_ text: [UInt8], _ body: (UInt32) -> UInt32?) -> [UInt8] {
    let span = text.span
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < span.count {
      let (scalar, length) = span.scalar(at: position)
      position += length
      if let replacement = body(scalar) { result.append(scalar: replacement) }
    }
    return result
  }

  /// The rules of NMT: control characters go, what separates words becomes a space.
  private static func nmt(_ scalar: UInt32) -> UInt32? {
    switch scalar {
    case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: nil
    case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: 0x20
    default: scalar
    }
  }
}

extension ScalarPattern {
  /// Whether a match that is not empty begins a text.
  fileprivate func matchesStart(of text: [UInt8]) -> Bool {
    var matcher = PatternMatcher(self)
    return matcher.match(text.span, 0..<text.count, at: 0) ?? 0 > 0
  }

  /// A text with every match replaced.
  func replacing(_ text: [UInt8], with content: [UInt8]) -> [UInt8] {
    var matcher = PatternMatcher(self)
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    let span = text.span
    matcher.parts(of: span, in: 0..<text.count) { range, isMatch in
      if isMatch { result += content } else { result += text[range] }
    }
    return result
  }
}
