/// The tokens of one word while pairs of neighbours merge, the pair of lowest rank first, the leftmost of equals.
///
/// A doubly linked list and a heap of candidate pairs: O(n log n) for n characters. Candidates that have gone stale
/// are recognised when they come up: as in the reference, a candidate counts if the pair that now stands at its
/// place makes the same token.
struct WordMerger: Sendable {
  private static let nowhere: Int32 = -1

  private struct Symbol: Sendable {
    var identifier: Int32
    var previous: Int32
    var next: Int32
    var isAlive = true
  }

  private var symbols: [Symbol] = []
  private var heap: [UInt64] = []

  /// Forgets the word.
  mutating func removeAll() {
    symbols.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
  }

  /// Adds a token at the end of the word.
  mutating func append(_ identifier: Int32) {
    let place = Int32(symbols.count)
    if place > 0 { symbols[Int(place) - 1].next = place }
    symbols.append(Symbol(identifier: identifier, previous: place - 1, next: Self.nowhere))
  }

  /// Merges until no pair is left that merges, and appends what remains.
  mutating func merge(_ merges: borrowing MergeTable, to result: inout [Int32]) {
    for place in symbols.indices.dropFirst() { consider(Int32(place - 1), merges) }
    while let top = pop() {
      let place = Int(UInt32(truncatingIfNeeded: top))
      apply(place, merges.results[Int(top >> 32)], merges)
    }
    for symbol in symbols where symbol.isAlive { result.append(symbol.identifier) }
  }

  private mutating func apply(_ place: Int, _ merged: Int32, _ merges: borrowing MergeTable) {
    let next = symbols[place].next
    guard symbols[place].isAlive, next != Self.nowhere,
      let rank = merges.rank(symbols[place].identifier, symbols[Int(next)].identifier),
      merges.results[Int(rank)] == merged
    else { return }
    symbols[Int(next)].isAlive = false
    let after = symbols[Int(next)].next
    symbols[place].identifier = merged
    symbols[place].next = after
    if after != Self.nowhere { symbols[Int(after)].previous = Int32(place) }
    if symbols[place].previous != Self.nowhere { consider(symbols[place].previous, merges) }
    consider(Int32(place), merges)
  }

  /// Puts the pair at a place on the heap, if it merges.
  private mutating func consider(_ place: Int32, _ merges: borrowing MergeTable) {
    let symbol = symbols[Int(place)]
    guard symbol.next != Self.nowhere,
      let rank = merges.rank(symbol.identifier, symbols[Int(symbol.next)].identifier)
    else { return }
    push(UInt64(rank) << 32 | UInt64(place))
  }

  private mutating func push(_ value: UInt64) {
    heap.append(value)
    var place = heap.count - 1
    while place > 0, heap[(place - 1) / 2] > value {
      heap[place] = heap[(place - 1) / 2]
      place = (place - 1) / 2
    }
    heap[place] = value
  }

  private mutating func pop() -> UInt64? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    if heap.isEmpty { return top }
    var place = 0
    while true {
      var child = place * 2 + 1
      if child >= heap.count { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[child] >= last { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = last
    return top
  }
}
