import Crypto
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A safetensors file that tells whether it is whole: its first metadata value is the SHA-256 of the file in which that
/// value is 64 zeros.
enum CheckedFile {
  private static let key = "sha256"
  private static let blank = String(repeating: "0", count: 64)
  /// What stands before the checksum, after the 8 bytes of the header's length.
  private static let opening = Array("{\"__metadata__\":{\"sha256\":\"".utf8)
  private static var place: Range<Int> { 8 + opening.count..<8 + opening.count + 64 }

  /// The bytes of a file with these metadata and the tensors that `fill` adds.
  static func data(_ metadata: [(key: String, value: String)], _ fill: (inout SafetensorsWriter) -> Void)
    -> Data
  {
    var writer = SafetensorsWriter(metadata: [(key, blank)] + metadata)
    fill(&writer)
    var data = writer.data
    data.replaceSubrange(place, with: Array(checksum(data).utf8))
    return data
  }

  /// Reads a file, and all of its bytes once for the checksum.
  ///
  /// - Throws: `TrainingError.unreadable`; `.damaged` when bytes are missing or are not those that were written.
  static func read(_ path: String) throws -> TensorFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrainingError.notRead(path)
    }
    guard data.count >= place.upperBound, data[8..<place.lowerBound].elementsEqual(opening) else {
      throw TrainingError.damaged(
        path: path, expected: "a safetensors file that begins with its checksum",
        found: "\(data.count) bytes of another kind"
      )
    }
    let written = String(decoding: data[place], as: UTF8.self)
    let found = checksum(data)
    guard written == found else {
      throw TrainingError.damaged(
        path: path, expected: "SHA-256 \(found.prefix(12))…, as its bytes have", found: "\(written.prefix(12))…"
      )
    }
    return try TensorFile(path: path)
  }

  private static func checksum(_ data: Data) -> String {
    var hash = SHA256()
    hash.update(data: data[..<place.lowerBound])
    hash.update(data: Data(blank.utf8))
    hash.update(data: data[place.upperBound...])
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
