import Foundation
import GapImages

/// Small images of every kind, and the bytes that the reference implementation makes of them.
enum ReferenceImages {
  static let folder =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path + "/Fixtures/images/"

  struct Entry: Decodable {
    let name: String
    let width: Int
    let height: Int
  }

  /// The images of one index, by name.
  static func read(_ name: String) throws -> [(name: String, image: RGBImage)] {
    let index = try Data(contentsOf: URL(filePath: folder + name + ".json"))
    let bytes = try [UInt8](Data(contentsOf: URL(filePath: folder + name + ".bin")))
    var start = 0
    return try JSONDecoder().decode([Entry].self, from: index).map { entry in
      let end = start + entry.width * entry.height * 3
      defer { start = end }
      return (
        entry.name,
        try RGBImage(width: entry.width, height: entry.height, pixels: Array(bytes[start..<end]))
      )
    }
  }

  /// The bytes of one file.
  static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(filePath: folder + name)))
  }
}
