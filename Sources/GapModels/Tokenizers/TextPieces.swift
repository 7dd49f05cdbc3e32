/// A text cut into pieces, on the way from the normalizer to the model.
struct TextPieces: Sendable {
  /// A run of bytes.
  struct Piece: Sendable {
    let range: Range<Int>
    /// Whether the piece starts where the input starts, which decides over a prepended space.
    let isFirst: Bool
  }

  private(set) var bytes: [UInt8]
  private(set) var pieces: [Piece]

  /// A text of one piece.
  init(_ bytes: [UInt8], isFirst: Bool) {
    self.bytes = bytes
    pieces = bytes.isEmpty ? [] : [Piece(range: 0..<bytes.count, isFirst: isFirst)]
  }

  /// Cuts every piece at the matches of a pattern.
  mutating func split(_ pattern: ScalarPattern, _ behavior: SplitBehavior, isInverted: Bool = false) {
    var matcher = PatternMatcher(pattern)
    var parts: [SplitBehavior.Part] = []
    var result: [Piece] = []
    let bytes = bytes
    let text = bytes.span
    for piece in pieces {
      parts.removeAll(keepingCapacity: true)
      matcher.parts(of: text, in: piece.range) { range, isMatch in
        parts.append(.init(range: range, isMatch: isMatch != isInverted))
      }
      for range in behavior.ranges(parts) where !range.isEmpty {
        let isFirst = piece.isFirst && range.lowerBound == piece.range.lowerBound
        result.append(Piece(range: range, isFirst: isFirst))
      }
    }
    pieces = result
  }

  /// Writes every piece anew.
  mutating func rewrite(_ body: (Span<UInt8>, Piece, inout [UInt8]) -> Void) {
    var result: [UInt8] = []
    var moved: [Piece] = []
    result.reserveCapacity(bytes.count + bytes.count / 4)
    moved.reserveCapacity(pieces.count)
    let source = bytes
    let text = source.span
    for piece in pieces {
      let start = result.count
      body(text, piece, &result)
      moved.append(Piece(range: start..<result.count, isFirst: piece.isFirst))
    }
    (bytes, pieces) = (result, moved)
  }
}

/// What becomes of the matches at which a text is cut.
enum SplitBehavior: String, CaseIterable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// A run of bytes, and whether it matched.
  struct Part {
    let range: Range<Int>
    let isMatch: Bool
  }

  /// The behaviour that a field names.
  init(_ field: TokenizerField) throws {
    guard let behavior = SplitBehavior(rawValue: try field.text()) else {
      throw field.mismatch(Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = behavior
  }

  /// The pieces that are left of gapless parts.
  func ranges(_ parts: [Part]) -> [Range<Int>] {
    switch self {
    case .isolated: return parts.map(\.range)
    case .removed: return parts.lazy.filter { !$0.isMatch }.map(\.range)
    case .contiguous: return joined(parts) { $0 == $1 }
    case .mergedWithPrevious: return joined(parts) { $1 && !$0 }
    case .mergedWithNext: return joinedBackward(parts)
    }
  }

  private func joined(_ parts: [Part], _ joins: (_ previous: Bool, _ match: Bool) -> Bool) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var previous = false
    for part in parts {
      if joins(previous, part.isMatch), let last = result.last {
        result[result.count - 1] = last.lowerBound..<part.range.upperBound
      } else {
        result.append(part.range)
      }
      previous = part.isMatch
    }
    return result
  }

  private func joinedBackward(_ parts: [Part]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var previous = false
    for part in parts.reversed() {
      if part.isMatch, !previous, let last = result.last {
        result[result.count - 1] = part.range.lowerBound..<last.upperBound
      } else {
        result.append(part.range)
      }
      previous = part.isMatch
    }
    return result.reversed()
  }
}
