/// The merges of a byte-pair encoding: two neighbouring tokens, the rank of their merge, and what they become.
///
/// Open addressing with linear probing, at most half full.
struct MergeTable: Sendable {
  private static let vacant = UInt64.max

  private var keys: [UInt64]
  private var ranks: [Int32]
  /// The token that the merge of each rank makes.
  private(set) var results: [Int32] = []

  /// An empty table with room for so many merges.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    keys = [UInt64](repeating: Self.vacant, count: size)
    ranks = [Int32](repeating: 0, count: size)
    results.reserveCapacity(capacity)
  }

  /// The number of merges.
  var count: Int { results.count }

  /// Adds the merge of the next rank; of two with the same parts the later one counts.
  mutating func append(_ left: Int32, _ right: Int32, result: Int32) {
    precondition((results.count + 1) * 2 <= keys.count, "more merges than there is room for")
    let slot = slot(left, right)
    keys[slot] = Self.key(left, right)
    ranks[slot] = Int32(results.count)
    results.append(result)
  }

  /// The rank of a merge; nil if the two do not merge.
  @inline(__always)
  func rank(_ left: Int32, _ right: Int32) -> Int32? {
    let slot = slot(left, right)
    return keys[slot] == Self.vacant ? nil : ranks[slot]
  }

  @inline(__always)
  private func slot(_ left: Int32, _ right: Int32) -> Int {
    let key = Self.key(left, right)
    let mask = keys.count - 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while keys[slot] != Self.vacant, keys[slot] != key { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
