/// A set of Unicode scalars: what one bracket, escape or letter of a regular expression matches.
struct ScalarSet: Sendable {
  /// One part of a set.
  enum Member: Sendable {
    case range(ClosedRange<UInt32>)
    case categories(ScalarCategory)
    case notCategories(ScalarCategory)
    case set(ScalarSet)
  }

  /// The parts, of which one must hold a scalar.
  private let members: [Member]
  /// Further sets, all of which must hold it too.
  private let intersected: [ScalarSet]
  private let isNegated: Bool
  private let foldsCase: Bool
  /// The answer for the first 128 scalars.
  private let low: (UInt64, UInt64)

  init(
    _ members: [Member], intersected: [ScalarSet] = [], isNegated: Bool = false, foldsCase: Bool = false
  ) {
    self.members = members
    self.intersected = intersected
    self.isNegated = isNegated
    self.foldsCase = foldsCase
    var low: (UInt64, UInt64) = (0, 0)
    for value in UInt32(0)..<128 {
      let isHeld = Self.holds(value, members, intersected, foldsCase) != isNegated
      if isHeld, value < 64 { low.0 |= 1 << UInt64(value) } else if isHeld { low.1 |= 1 << UInt64(value - 64) }
    }
    self.low = low
  }

  /// The set of one scalar.
  init(_ scalar: UInt32, foldsCase: Bool = false) {
    self.init([.range(scalar...scalar)], foldsCase: foldsCase)
  }

  /// Whether the scalar is in the set.
  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return low.0 >> UInt64(scalar) & 1 == 1 }
    if scalar < 128 { return low.1 >> UInt64(scalar - 64) & 1 == 1 }
    return Self.holds(scalar, members, intersected, foldsCase) != isNegated
  }

  private static func holds(
    _ scalar: UInt32, _ members: [Member], _ intersected: [ScalarSet], _ foldsCase: Bool
  ) -> Bool {
    if holds(scalar, members, intersected) { return true }
    return foldsCase && caseVariants(scalar).contains { holds($0, members, intersected) }
  }

  private static func holds(_ scalar: UInt32, _ members: [Member], _ intersected: [ScalarSet]) -> Bool {
    guard intersected.allSatisfy({ $0.contains(scalar) }) else { return false }
    for member in members {
      switch member {
      case .range(let range): if range.contains(scalar) { return true }
      case .categories(let categories):
        if !ScalarCategory.of(scalar).isDisjoint(with: categories) { return true }
      case .notCategories(let categories):
        if ScalarCategory.of(scalar).isDisjoint(with: categories) { return true }
      case .set(let set): if set.contains(scalar) { return true }
      }
    }
    return false
  }

  /// The scalars that equal one when case is ignored: 's' has 'S' and 'ſ'.
  private static func caseVariants(_ scalar: UInt32) -> [UInt32] {
    let upper = mapped(scalar) { $0.uppercaseMapping }
    let lower = mapped(scalar) { $0.lowercaseMapping }
    return [upper, lower, mapped(upper) { $0.lowercaseMapping }, mapped(lower) { $0.uppercaseMapping }]
  }

  /// A scalar after a mapping, or itself where the mapping gives more than one.
  private static func mapped(_ value: UInt32, _ mapping: (Unicode.Scalar.Properties) -> String) -> UInt32 {
    guard let scalar = Unicode.Scalar(value) else { return value }
    let result = mapping(scalar.properties).unicodeScalars
    guard let only = result.first, result.count == 1 else { return value }
    return only.value
  }
}
