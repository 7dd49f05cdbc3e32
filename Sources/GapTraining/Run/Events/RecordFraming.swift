/// The framing of TFRecord files.
///
/// ```
/// length   UInt64, little-endian
/// masked CRC-32C of the eight bytes of the length, UInt32
/// bytes
/// masked CRC-32C of the bytes, UInt32
/// ```
///
/// - Source: tensorflow/core/lib/io/record_writer.h; held against files of tensorboard's own writer
///   (`Fixtures/training/events`).
enum RecordFraming {
  /// A record around some bytes.
  static func record(_ bytes: [UInt8]) -> [UInt8] {
    let length = little(UInt64(bytes.count))
    return length + little(masked(checksum(length))) + bytes + little(masked(checksum(bytes)))
  }

  /// The checksum as it is stored: rotated, and moved by a constant, so that a checksum of bytes that hold checksums
  /// stays a good one.
  static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C (Castagnoli), reflected.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
  }

  static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
  }
}
