/// The normalization forms of Unicode: NFC, NFD, NFKC, NFKD.
///
/// ```
/// decompose every scalar, sort runs of marks by combining class, and for NFC and NFKC compose again
/// ```
/// The mappings are those of Unicode 12, which the reference uses; scalars assigned later stay as they are.
/// Foundation has these forms too, but loading it costs more than reading a tokenizer.
///
/// - Source: Unicode Standard Annex #15.
enum UnicodeForm: String, CaseIterable, Sendable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  private var composes: Bool { self == .nfc || self == .nfkc }
  private var isCompatible: Bool { self == .nfkc || self == .nfkd }

  /// Below this lead byte of UTF-8 no scalar changes: U+0300 for NFC, U+0080 else.
  private var firstLead: UInt8 { self == .nfc ? 0xCC : 0x80 }

  /// A text in this form.
  func apply(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(where: { $0 >= firstLead }) else { return text }
    var scalars = decomposed(text)
    order(&scalars)
    if composes { scalars = composed(scalars) }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for scalar in scalars { result.append(scalar: scalar.value) }
    return result
  }

  /// A scalar and its canonical combining class.
  private struct Ranked {
    let value: UInt32
    let rank: UInt8

    init(_ value: UInt32) {
      self.value = value
      let scalar = value < 0x300 ? nil : Unicode.Scalar(value)
      rank = scalar?.properties.canonicalCombiningClass.rawValue ?? 0
    }
  }

  private func decomposed(_ text: [UInt8]) -> [Ranked] {
    let span = text.span
    let tables = Tables.shared
    var result: [Ranked] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < span.count {
      let (scalar, length) = span.scalar(at: position)
      position += length
      append(scalar, tables, &result)
    }
    return result
  }

  private func append(_ scalar: UInt32, _ tables: Tables, _ result: inout [Ranked]) {
    if Hangul.syllables.contains(scalar) {
      for part in Hangul.parts(of: scalar) { result.append(Ranked(part)) }
    } else if scalar >= 0xA0, let target = tables.canonical[scalar] {
      for part in target { append(part, tables, &result) }
    } else if scalar >= 0xA0, isCompatible, let target = tables.compatible[scalar] {
      for part in target { append(part, tables, &result) }
    } else {
      result.append(Ranked(scalar))
    }
  }

  /// Sorts each run of marks by class, equals in their order.
  private func order(_ scalars: inout [Ranked]) {
    var start = 0
    while start < scalars.count {
      guard scalars[start].rank > 0 else {
        start += 1
        continue
      }
      let end = scalars[start...].firstIndex { $0.rank == 0 } ?? scalars.count
      let run = scalars[start..<end].enumerated()
        .sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
      scalars.replaceSubrange(start..<end, with: run.map(\.element))
      start = end
    }
  }

  private func composed(_ scalars: [Ranked]) -> [Ranked] {
    let pairs = Tables.shared.compositions
    var result: [Ranked] = []
    result.reserveCapacity(scalars.count)
    var starter: Int?
    for scalar in scalars {
      if let starter, let last = result.last {
        // A mark is blocked by one of the same or a higher class between it and the starter.
        let isOpen = result.count - 1 == starter || last.rank != 0 && last.rank < scalar.rank
        let first = result[starter].value
        if isOpen,
          let whole = Hangul.whole(first, scalar.value) ?? pairs[UInt64(first) << 32 | UInt64(scalar.value)]
        {
          result[starter] = Ranked(whole)
          continue
        }
      }
      if scalar.rank == 0 { starter = result.count }
      result.append(scalar)
    }
    return result
  }
}

extension UnicodeForm {
  /// The mappings, read once from their text.
  private struct Tables: Sendable {
    static let shared = Tables()

    var canonical: [UInt32: [UInt32]] = [:]
    var compatible: [UInt32: [UInt32]] = [:]
    var compositions: [UInt64: UInt32] = [:]

    private init() {
      for entry in Self.entries(UnicodeDecompositions.canonical) {
        canonical[entry.scalar] = entry.target
        if entry.composes, entry.target.count == 2 {
          compositions[UInt64(entry.target[0]) << 32 | UInt64(entry.target[1])] = entry.scalar
        }
      }
      for entry in Self.entries(UnicodeDecompositions.compatible) { compatible[entry.scalar] = entry.target }
    }

    private struct Entry {
      let scalar: UInt32
      let target: [UInt32]
      let composes: Bool
    }

    private static func entries(_ text: String) -> [Entry] {
      var entries: [Entry] = []
      var scalar: UInt32 = 0
      for word in text.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }) {
        let composes = word.contains(UInt8(ascii: ":"))
        let halves = word.split { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "!") }
        let head = numbers(halves[0], separator: "*")
        let target = numbers(halves[1], separator: ",")
        for step in 0..<(head.count > 1 ? head[1] : 1) {
          scalar += step == 0 ? head[0] : 1
          entries.append(
            Entry(scalar: scalar, target: step == 0 ? target : [target[0] + step], composes: composes))
        }
      }
      return entries
    }

    private static func numbers(_ text: Substring.UTF8View, separator: Unicode.Scalar) -> [UInt32] {
      text.split(separator: UInt8(ascii: separator)).map { digits in
        digits.reduce(0) { $0 << 4 | UInt32($1 > 0x39 ? $1 - 0x57 : $1 - 0x30) }
      }
    }
  }

  /// Hangul syllables, which decompose by arithmetic.
  private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xAC00 + 11172
    private static let leading: Range<UInt32> = 0x1100..<0x1100 + 19
    private static let vowels: Range<UInt32> = 0x1161..<0x1161 + 21
    private static let trailing: Range<UInt32> = 0x11A8..<0x11A8 + 27

    static func parts(of syllable: UInt32) -> [UInt32] {
      let index = syllable - syllables.lowerBound
      let tail = index % 28
      let pair = [leading.lowerBound + index / 588, vowels.lowerBound + index % 588 / 28]
      return tail == 0 ? pair : pair + [trailing.lowerBound + tail - 1]
    }

    static func whole(_ first: UInt32, _ second: UInt32) -> UInt32? {
      if leading.contains(first), vowels.contains(second) {
        return syllables.lowerBound + ((first - leading.lowerBound) * 21 + second - vowels.lowerBound) * 28
      }
      guard syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, trailing.contains(second)
      else { return nil }
      return first + second - trailing.lowerBound + 1
    }
  }
}
