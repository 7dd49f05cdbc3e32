import GapLinearAlgebra

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The places of pairs on principal components, packed: 16 bits a coordinate, which is finer than any screen.
struct PageScatter: Encodable, Sendable {
  /// Pairs that are drawn, and pairs that there are.
  let count: Int
  let total: Int
  let components: Int
  /// Share of the variance along each component.
  let variance: [Double]
  /// What a coordinate of 32767 stands for, component by component.
  let scales: [Double]
  /// Int16, little-endian, base64: [component][side][pair].
  let coordinates: String
  /// Paired cosines in units of 1/32767, Int16, little-endian, base64.
  let cosines: String
  /// Numbers of the pairs that are drawn, Int32, little-endian, base64; nil when all are.
  let numbers: String?
  /// Centres of all pairs: [component][side].
  let centres: [[Double]]
  let ids: [String]?
  let captions: [String]?

  /// The most pairs that are drawn; of more, a seeded sample.
  static let pairLimit = 20_000
  /// The most components that can be looked at.
  static let componentLimit = 6
  /// The most bytes that names and captions may take, as they stand in the page, each.
  static let labelBytes = 1_400_000

  init?(_ drawable: DrawableReport, labels: PairLabels) {
    let n = drawable.report.pairs
    let stored = drawable.projections.components
    let values = drawable.projections.values
    guard stored > 0, n > 0, values.count == 2 * n * stored else { return nil }
    var generator = SeededGenerator(seed: drawable.report.seed, purpose: "page")
    let chosen = generator.sample(Self.pairLimit, of: n)
    let shown = min(stored, Self.componentLimit)
    func value(_ component: Int, _ side: Int, _ pair: Int) -> Double {
      values[(side * n + pair) * stored + component]
    }
    count = chosen.count
    total = n
    components = shown
    variance = Array(drawable.varianceFractions.prefix(shown))
    let scales = (0..<shown).map { k in
      (0..<2).reduce(0.0) { most, side in chosen.reduce(most) { max($0, value(k, side, $1).magnitude) } }
    }
    self.scales = scales
    coordinates = Self.packed(
      (0..<shown).flatMap { k in
        (0..<2).flatMap { side in chosen.map { Self.sixteenBits(value(k, side, $0), of: scales[k]) } }
      })
    let paired = drawable.details.perPair["paired_cosine"] ?? []
    cosines = Self.packed(chosen.map { Self.sixteenBits($0 < paired.count ? paired[$0] : 0, of: 1) })
    numbers = chosen.count == n ? nil : Self.packed(chosen.map { Int32(clamping: $0) })
    centres = (0..<shown).map { k in
      (0..<2).map { side in (0..<n).reduce(0.0) { $0 + value(k, side, $1) } / Double(n) }
    }
    ids = Self.fitting(labels.ids, chosen)
    captions = Self.fitting(labels.captions, chosen)
  }

  private static func sixteenBits(_ value: Double, of scale: Double) -> Int16 {
    guard scale > 0, value.isFinite else { return 0 }
    return Int16(clamping: Int((min(max(value / scale, -1), 1) * 32767).rounded()))
  }

  private static func packed<T: FixedWidthInteger>(_ values: [T]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * T.bitWidth / 8)
    for value in values {
      for k in 0..<T.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * k))) }
    }
    return Data(bytes).base64EncodedString()
  }

  /// Labels of the chosen pairs, all cut to one length at which they fit.
  private static func fitting(_ labels: [String]?, _ chosen: [Int]) -> [String]? {
    guard let labels, labels.count > chosen.last ?? 0 else { return nil }
    for limit in [400, 200, 120, 80, 50, 30, 16, 10] {
      let short = chosen.map { PairLabels.shortened(labels[$0], to: limit) }
      if short.reduce(0, { $0 + pageBytes($1) }) <= labelBytes { return short }
    }
    return nil
  }

  /// Bytes of a text in the page, with quotes, comma and escapes.
  private static func pageBytes(_ text: String) -> Int {
    text.utf8.reduce(3) { sum, byte in
      switch byte {
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), 0..<0x20: sum + 6
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): sum + 2
      case 0xE2: sum + 4
      default: sum + 1
      }
    }
  }
}
