import CGapKernels
import Testing

/// bf16 by the fastest way that this processor has, against the definition.
@Suite struct NarrowingTests {
  /// To nearest, ties to even, by the two neighbours' distances.
  private static func naive(_ x: Float) -> UInt16 {
    if x.isNaN { return UInt16(truncatingIfNeeded: (x.bitPattern >> 16) | 0x40) }
    let low = UInt16(truncatingIfNeeded: x.bitPattern >> 16)
    let rest = x.bitPattern & 0xFFFF
    if rest > 0x8000 || (rest == 0x8000 && low % 2 == 1) { return low + 1 }
    return low
  }

  @Test func everyNumberGoesToItsNearest() {
    var source: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, .greatestFiniteMagnitude, .nan]
    // Each exponent that is normal, with mantissas at, below and above ties.
    for exponent in stride(from: UInt32(1), to: 255, by: 1) {
      for mantissa: UInt32 in [0x000000, 0x008000, 0x007FFF, 0x008001, 0x018000, 0x7F8000, 0x7FFFFF] {
        source.append(Float(bitPattern: exponent << 23 | mantissa))
        source.append(Float(bitPattern: 0x8000_0000 | exponent << 23 | mantissa))
      }
    }
    for count in [1, 15, 16, 17, source.count] {
      var found = [UInt16](repeating: 7, count: count + 1)
      unsafe found.withUnsafeMutableBufferPointer { target in
        unsafe source.withUnsafeBufferPointer { source in
          guard let base = target.baseAddress, let from = source.baseAddress else { return }
          unsafe gap_narrow_bf16(from, base, count)
        }
      }
      #expect(found.last == 7)
      for i in 0..<count { #expect(found[i] == Self.naive(source[i]), "\(source[i])") }
    }
  }
}
