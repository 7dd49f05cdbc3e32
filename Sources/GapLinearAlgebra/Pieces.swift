/// A range cut into pieces of one size (the last may be shorter).
package struct Pieces: Sendable {
  package let range: Range<Int>
  package let size: Int

  package init(of range: Range<Int>, size: Int) {
    self.range = range
    self.size = size
  }

  package var count: Int { (range.count + size - 1) / size }

  package subscript(index: Int) -> Range<Int> {
    let start = range.lowerBound + index * size
    return start..<min(start + size, range.upperBound)
  }

  /// All pieces in order.
  package var all: [Range<Int>] { (0..<count).map { self[$0] } }
}
