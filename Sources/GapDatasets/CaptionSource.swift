#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The bytes of a file of captions, and what its records share: the folder, the checks, the faults.
struct CaptionSource {
  let path: String
  /// Without a byte order mark.
  let bytes: [UInt8]

  init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw DatasetError.unreadable(
        path: path, reason: exists ? "permission denied, or not a file" : "no such file", isMissing: true)
    }
    let bytes = [UInt8](data)
    self.init(path: path, bytes: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
  }

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  /// Reads the records by the rules of the format that the first bytes show.
  func records() throws -> [CaptionedImage] {
    switch bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
    case nil: return []
    case UInt8(ascii: "["): return try conversations()
    case UInt8(ascii: "{"): return try isOneObject ? coco() : jsonLines()
    default: return try table()
    }
  }

  /// Makes a checked record.
  func record(image: String, caption: String, id: String?, line: Int) throws -> CaptionedImage {
    guard caption.contains(where: { !$0.isWhitespace }) else { throw fault(line, "a caption", "an empty one") }
    return CaptionedImage(image: try located(image, line), caption: caption, id: id, line: line)
  }

  /// The path of an image that a record names, from where the process works.
  func located(_ image: String, _ line: Int) throws -> String {
    guard !image.isEmpty, !image.utf8.contains(0) else {
      throw fault(line, "the path of an image", "an empty path")
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    return image.hasPrefix("/") ? image : folder + image
  }

  func fault(_ line: Int, _ expected: String, _ found: String) -> DatasetError {
    .badLine(path: path, line: line, expected: expected, found: found)
  }

  /// The line of a byte, from 1.
  func line(ofByte byte: Int) -> Int {
    bytes.prefix(max(0, byte)).reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
  }
}
