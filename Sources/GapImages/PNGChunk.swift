/// Locates one chunk of a PNG file.
public struct PNGChunk: Equatable, Sendable {
  /// The eight bytes that begin every PNG file.
  public static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// The four letters that say what the chunk holds.
  public let kind: String

  /// Where its content lies in the file.
  public let content: Range<Int>

  /// Walks the chunks of a file up to and with its end marker; checksums and contents are left to the decoder.
  ///
  /// - Parameter bytes: a complete PNG file.
  /// - Returns: the chunks in the order of the file; the last one is `IEND`.
  /// - Throws: `ImageError.notPNG` without the signature, `ImageError.truncated` when the file ends inside a chunk or
  ///   before `IEND`.
  /// - Complexity: O(chunks).
  public static func all(in bytes: [UInt8]) throws(ImageError) -> [PNGChunk] {
    guard bytes.starts(with: signature) else { throw .notPNG }
    var chunks: [PNGChunk] = []
    var offset = signature.count
    while chunks.last?.kind != "IEND" {
      guard bytes.count - offset >= 12 else { throw .truncated(offset: bytes.count, expected: "a chunk") }
      let length = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
      let kind = String(decoding: bytes[(offset + 4)..<(offset + 8)], as: UTF8.self)
      guard bytes.count - offset - 12 >= length else {
        throw .truncated(offset: bytes.count, expected: "\(length) bytes of chunk \(kind)")
      }
      chunks.append(PNGChunk(kind: kind, content: (offset + 8)..<(offset + 8 + length)))
      offset += 12 + length
    }
    return chunks
  }
}
