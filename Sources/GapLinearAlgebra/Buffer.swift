/// Owns a fixed block of numbers that several threads may fill at disjoint places.
///
/// A matrix kept in it is row-major. It is the fence of this package: pointers stay inside `GapLinearAlgebra`, and
/// everything above reads and writes spans. Two writers of one element at one time are a programmer error that
/// nothing checks; every index is checked.
@safe package final class Buffer<Element: BitwiseCopyable & Sendable>: Sendable {
  package let count: Int
  private nonisolated(unsafe) let base: UnsafeMutablePointer<Element>

  /// Makes a block of `count` elements, all equal to `value`.
  package init(repeating value: Element, count: Int) {
    precondition(count >= 0)
    self.count = count
    unsafe base = .allocate(capacity: max(count, 1))
    unsafe base.initialize(repeating: value, count: max(count, 1))
  }

  package convenience init(_ elements: [Element]) where Element: ExpressibleByIntegerLiteral {
    self.init(repeating: 0, count: elements.count)
    write(0..<count) { target in
      for i in elements.indices { target[i] = elements[i] }
    }
  }

  deinit { unsafe base.deallocate() }

  package subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return unsafe base[index]
    }
    set {
      precondition(index >= 0 && index < count)
      unsafe base[index] = newValue
    }
  }

  package func read<R, E: Error>(_ range: Range<Int>, _ body: (Span<Element>) throws(E) -> R) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let part = unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(part.span)
  }

  package func write<R, E: Error>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let part = unsafe UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)
    var span = unsafe part.mutableSpan
    return try body(&span)
  }

  package func array() -> [Element] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

  package func fill(_ value: Element) { unsafe base.update(repeating: value, count: count) }

  /// The address of an element, for the C libraries that this target calls.
  @unsafe func pointer(at offset: Int, reaching extent: Int) -> UnsafeMutablePointer<Element> {
    precondition(offset >= 0 && extent >= 0 && offset + extent <= count, "reaches beyond the buffer")
    return unsafe base + offset
  }
}
