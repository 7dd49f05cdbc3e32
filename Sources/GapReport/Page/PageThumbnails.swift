import GapImages
import GapLinearAlgebra

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Small pictures of the pairs' images, as many as the page has room for.
struct PageThumbnails: Encodable, Sendable {
  /// The pictures as data addresses.
  private(set) var pictures: [String] = []
  /// Images that there are, and those among the looked-at that cannot be read.
  let images: Int
  private(set) var unreadable = 0

  private var ofImage: [String: Int] = [:]
  private let paths: [String]

  private enum CodingKeys: String, CodingKey { case pictures, images, unreadable }

  /// The longer side in pixels.
  static let side = 56
  /// The most bytes that all take in the page, and the most that one may take.
  static let byteLimit = 850_000
  private static let pictureLimit = 12_000
  /// The most images that are opened.
  private static let openLimit = 1500
  /// Images that are made small together, whatever the number of threads.
  private static let batch = 64

  /// - Parameters:
  ///   - paths: the path of each pair's image.
  ///   - wanted: pairs whose images come first, such as those of tables; then others in a seeded order.
  ///   - drawn: pairs that are drawn; others need none.
  init(of paths: [String], wanted: [Int], drawn: [Int], seed: UInt64, pool: WorkerPool) throws {
    self.paths = paths
    var generator = SeededGenerator(seed: seed, purpose: "thumbnails")
    let shuffled = generator.permutation(of: drawn.count).map { drawn[Int($0)] }
    var seen: Set<String> = []
    let order = (wanted + shuffled).filter { paths.indices.contains($0) }.map { paths[$0] }
      .filter { seen.insert($0).inserted }
    images = Set(paths).count
    var left = Self.byteLimit
    for range in Pieces(of: 0..<min(order.count, Self.openLimit), size: Self.batch).all {
      let members = Array(order[range])
      let made = try pool.map(members.count) { _, i in Self.picture(members[i]) }
      for (path, picture) in zip(members, made) {
        guard let picture else {
          unreadable += 1
          continue
        }
        let bytes = picture.utf8.count + 3
        guard bytes <= Self.pictureLimit else { continue }
        // The first that has no room is the last that is tried: what is shown does not depend on sizes further on.
        guard bytes <= left else { return }
        left -= bytes
        ofImage[path] = pictures.count
        pictures.append(picture)
      }
    }
  }

  /// The number of a pair's picture; nil without one.
  func ofPair(_ pair: Int) -> Int? { paths.indices.contains(pair) ? ofImage[paths[pair]] : nil }

  /// nil where the file is no image that can be read: it may have been moved since, or never have been one.
  private static func picture(_ path: String) -> String? {
    guard let small = try? RGBImage(contentsOf: path).thumbnail(side: side) else { return nil }
    return "data:\(small.type);base64," + Data(small.bytes).base64EncodedString()
  }
}
