/// Names an image format by a file's first bytes.
enum ImageFormat: Equatable {
  case png
  case jpeg
  /// A format that is known and not read.
  case named(String)
  /// None of the known formats.
  case unknown([UInt8])

  /// The formats that are refused by name, with the bytes that begin them.
  private static let refused: [(name: String, start: [UInt8])] = [
    ("GIF", Array("GIF8".utf8)), ("BMP", Array("BM".utf8)), ("TIFF", [0x49, 0x49, 0x2A, 0]),
    ("TIFF", [0x4D, 0x4D, 0, 0x2A]), ("JPEG 2000", [0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]),
    ("JPEG 2000", [0xFF, 0x4F, 0xFF, 0x51]), ("JPEG XL", [0xFF, 0x0A]),
    ("JPEG XL", [0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20]), ("Photoshop", Array("8BPS".utf8)),
    ("PDF", Array("%PDF".utf8)), ("SVG", Array("<svg".utf8)), ("XML or SVG", Array("<?xml".utf8)),
    ("HTML", Array("<!DOCTYPE".utf8)), ("HTML", Array("<html".utf8)), ("icon", [0, 0, 1, 0]),
    ("QOI", Array("qoif".utf8)),
  ]

  init(of bytes: [UInt8]) {
    if bytes.starts(with: PNGChunk.signature) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if let known = Self.refused.first(where: { bytes.starts(with: $0.start) }) {
      self = .named(known.name)
    } else if let name = Self.container(bytes) {
      self = .named(name)
    } else {
      self = .unknown(Array(bytes.prefix(8)))
    }
  }

  /// The formats whose name stands behind a length: RIFF and ISO media containers.
  private static func container(_ bytes: [UInt8]) -> String? {
    guard bytes.count >= 12 else { return nil }
    if bytes.starts(with: Array("RIFF".utf8)), bytes[8..<12].elementsEqual("WEBP".utf8) { return "WebP" }
    guard bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
    return bytes[8..<12].elementsEqual("avif".utf8) ? "AVIF" : "HEIC or another ISO media file"
  }
}

extension ImageFormat: CustomStringConvertible {
  /// What a message says was found.
  var description: String {
    switch self {
    case .png: "PNG"
    case .jpeg: "JPEG"
    case .named(let name): "\(name) (hint: convert the file to PNG)"
    case .unknown([]): "an empty file"
    case .unknown(let bytes):
      "an unknown format that begins with bytes "
        + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
  }
}
