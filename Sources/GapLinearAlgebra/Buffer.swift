#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Owns a fixed block of numbers that several threads may fill at disjoint places.
///
/// A matrix kept in it is row-major. It is the fence of this package: pointers stay inside `GapLinearAlgebra`, and
/// everything above reads and writes spans. Two writers of one element at one time are a programmer error that
/// nothing checks; every index is checked.
@safe package final class Buffer<Element: BitwiseCopyable & Sendable>: Sendable {
  package let count: Int
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutablePointer<Element>
  /// Bytes that go back to `SpareMemory`; 0 when the memory is freed.
  @usableFromInline let kept: Int

  /// Makes a block of `count` elements, all equal to `value`.
  @inlinable package init(repeating value: Element, count: Int) {
    precondition(count >= 0)
    self.count = count
    // calloc hands out pages that are zero already; zero is what nearly every block starts from.
    let memory = unsafe zeroedMemory(bytes: max(count, 1) * MemoryLayout<Element>.stride)
    unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    kept = 0
    if !hasOnlyZeroBytes(value) { fill(value) }
  }

  /// Makes a block of `count` elements that hold whatever was there before: the maker writes all that is read.
  ///
  /// The memory comes from blocks of this kind that are gone, so that work which repeats allocates nothing.
  @inlinable package init(unset count: Int) {
    precondition(count >= 0)
    self.count = count
    kept = SpareMemory.size(max(count, 1) * MemoryLayout<Element>.stride)
    unsafe base = SpareMemory.take(kept).bindMemory(to: Element.self, capacity: max(count, 1))
  }

  @inlinable package convenience init(_ elements: [Element]) where Element: ExpressibleByIntegerLiteral {
    self.init(repeating: 0, count: elements.count)
    write(0..<count) { target in
      for i in elements.indices { target[i] = elements[i] }
    }
  }

  @inlinable deinit {
    if kept > 0 { unsafe SpareMemory.give(base, kept) } else { unsafe releaseMemory(base) }
  }

  package subscript(index: Int) -> Element {
    @inlinable get {
      precondition(index >= 0 && index < count)
      return unsafe base[index]
    }
    @inlinable set {
      precondition(index >= 0 && index < count)
      unsafe base[index] = newValue
    }
  }

  @inlinable package func read<R, E: Error>(_ range: Range<Int>, _ body: (Span<Element>) throws(E) -> R)
    throws(E) -> R
  {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let part = unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(part.span)
  }

  @inlinable package func write<R, E: Error>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let part = unsafe UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)
    var span = unsafe part.mutableSpan
    return try body(&span)
  }

  @inlinable package func array() -> [Element] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

  @inlinable package func fill(_ value: Element) {
    for i in 0..<count { unsafe base[i] = value }
  }

  /// The address of an element, for the C libraries that this target calls.
  @inlinable @unsafe package func pointer(at offset: Int, reaching extent: Int) -> UnsafeMutablePointer<Element>
  {
    precondition(offset >= 0 && extent >= 0 && offset + extent <= count, "reaches beyond the buffer")
    return unsafe base + offset
  }
}

/// Memory whose bytes are all zero; ends the program when there is none, as every Swift allocation does.
@unsafe package func zeroedMemory(bytes: Int) -> UnsafeMutableRawPointer {
  guard let memory = unsafe calloc(bytes, 1) else { preconditionFailure("out of memory") }
  return unsafe memory
}

/// Gives memory of `zeroedMemory` back.
@unsafe package func releaseMemory(_ memory: UnsafeMutableRawPointer) { unsafe free(memory) }

/// Whether a value is stored as zero bytes only.
@inlinable package func hasOnlyZeroBytes<T: BitwiseCopyable>(_ value: T) -> Bool {
  unsafe withUnsafeBytes(of: value) { bytes in unsafe bytes.allSatisfy { $0 == 0 } }
}
