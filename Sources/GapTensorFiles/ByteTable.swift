/// A set of byte strings, numbered from 0 in the order they came.
///
/// Keys are compared byte by byte. `Set<String>` and `Dictionary<String, _>` compare by canonical equivalence, so
/// that "é" as one scalar and as two would be one key; in JSON and in a tokenizer's vocabulary they are two.
///
/// Open addressing with linear probing, at most half full; the keys lie side by side in one buffer.
package struct ByteTable: Sendable {
  private static let vacant: Int32 = -1

  private var bytes: [UInt8] = []
  private var ends: [Int] = [0]
  private var slots: [Int32] = []

  /// An empty table.
  package init() {}

  /// The number of keys.
  package var count: Int { ends.count - 1 }

  /// Room for keys to come.
  package mutating func reserve(_ keys: Int) {
    var wanted = max(16, slots.count)
    while wanted < keys * 2 { wanted *= 2 }
    if wanted > slots.count { rebuild(wanted) }
  }

  /// The key of a number, which must be below `count`.
  package subscript(number: Int) -> [UInt8] { Array(bytes[ends[number]..<ends[number + 1]]) }

  /// The number of a key; nil if it is not there.
  package func number(of key: Span<UInt8>) -> Int? {
    guard !slots.isEmpty else { return nil }
    let found = slots[slot(of: key)]
    return found == Self.vacant ? nil : Int(found)
  }

  /// The number of a key; nil if it is not there.
  package func number(of key: String) -> Int? {
    let bytes = key.utf8
    return number(of: bytes.span)
  }

  /// Adds a key, if it is new, and returns its number.
  @discardableResult
  package mutating func insert(_ key: Span<UInt8>) -> (number: Int, isNew: Bool) {
    if slots.count < (count + 1) * 2 { rebuild(max(16, slots.count * 2)) }
    let slot = slot(of: key)
    if slots[slot] != Self.vacant { return (Int(slots[slot]), false) }
    slots[slot] = Int32(count)
    for index in key.indices { bytes.append(key[index]) }
    ends.append(bytes.count)
    return (count - 1, true)
  }

  /// Adds a key, if it is new, and returns its number.
  @discardableResult
  package mutating func insert(_ key: String) -> (number: Int, isNew: Bool) {
    let bytes = key.utf8
    return insert(bytes.span)
  }

  /// The slot that holds the key, or the vacant one where it belongs.
  private func slot(of key: Span<UInt8>) -> Int {
    let mask = slots.count - 1
    var slot = Self.hash(key) & mask
    while slots[slot] != Self.vacant, !matches(Int(slots[slot]), key) { slot = (slot + 1) & mask }
    return slot
  }

  private func matches(_ number: Int, _ key: Span<UInt8>) -> Bool {
    let start = ends[number]
    guard ends[number + 1] - start == key.count else { return false }
    for index in key.indices where bytes[start + index] != key[index] { return false }
    return true
  }

  private mutating func rebuild(_ capacity: Int) {
    slots = [Int32](repeating: Self.vacant, count: capacity)
    let all = bytes
    let span = all.span
    for number in 0..<count {
      slots[slot(of: span.extracting(ends[number]..<ends[number + 1]))] = Int32(number)
    }
  }

  /// Where hashes start, drawn anew by each process: whoever writes a file cannot choose keys that collide.
  private static let start = UInt64.random(in: 0...UInt64.max)

  /// FNV-1a from a drawn start, its high bits folded in.
  private static func hash(_ key: Span<UInt8>) -> Int {
    var hash = start
    for index in key.indices { hash = (hash ^ UInt64(key[index])) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}
