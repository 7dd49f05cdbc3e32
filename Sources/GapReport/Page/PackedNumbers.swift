#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Numbers as the page's script reads them: little-endian integers in base64.
enum PackedNumbers {
  /// A number as a share of `scale` in 1/32767: finer than any screen.
  static func sixteenBits(_ value: Double, of scale: Double) -> Int16 {
    guard scale > 0, value.isFinite else { return 0 }
    return Int16(clamping: Int((min(max(value / scale, -1), 1) * 32767).rounded()))
  }

  static func text<T: FixedWidthInteger>(_ values: [T]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * T.bitWidth / 8)
    for value in values {
      for k in 0..<T.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * k))) }
    }
    return Data(bytes).base64EncodedString()
  }
}
