/// The 256 characters by which byte-level tokenizers write bytes, so that every token is printable text.
///
/// Printable Latin-1 bytes stand for themselves, the rest for the scalars from U+0100 on, in order.
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 256
    return (UInt32(0)...255).map { byte in
      if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte) {
        return byte
      }
      defer { next += 1 }
      return next
    }
  }()

  /// The byte of each scalar below U+0144, -1 where there is none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
    return bytes
  }()

  /// A text's bytes as characters of the alphabet, in UTF-8.
  static func write(_ text: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
    for index in range { result.append(scalar: scalars[Int(text[index])]) }
  }

  /// The bytes that a token writes; nil if it holds a character outside the alphabet.
  static func read(_ token: [UInt8]) -> [UInt8]? {
    let text = token.span
    var result: [UInt8] = []
    var position = 0
    while position < text.count {
      let (scalar, length) = text.scalar(at: position)
      guard scalar < 0x144, bytes[Int(scalar)] >= 0 else { return nil }
      result.append(UInt8(bytes[Int(scalar)]))
      position += length
    }
    return result
  }
}
