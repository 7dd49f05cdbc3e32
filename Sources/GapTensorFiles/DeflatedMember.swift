import Synchronization

/// A compressed member of an archive, inflated when its bytes are first needed and then kept.
final class DeflatedMember: Sendable {
  /// Deflate never shrinks by more; a directory that declares more lies.
  static let largestRatio = 1032
  /// What may come out of any member, however few its bytes, and how often the bytes of a larger one may be multiplied:
  /// numbers that anyone wants to read shrink far less.
  static let (harmlessCount, usualRatio) = (1 << 28, 64)

  let declaredCount: Int
  private let archive: StoredBytes
  private let range: Range<Int>
  private let checksum: UInt32
  private let place: TensorFileError.Place
  private let inflated = Mutex<StoredBytes?>(nil)

  /// - Throws: `inflatesTooMuch` when so few compressed bytes cannot hold the declared number; `unsupported` when they
  ///   can, but only to fill the memory.
  init(
    in archive: StoredBytes, range: Range<Int>, declaredCount: Int, checksum: UInt32,
    place: TensorFileError.Place
  ) throws {
    let (limit, overflow) = range.count.multipliedReportingOverflow(by: Self.largestRatio)
    guard overflow || declaredCount <= limit else {
      throw TensorFileError.inflatesTooMuch(place, declared: declaredCount, compressed: range.count)
    }
    guard declaredCount <= Self.harmlessCount || declaredCount / Self.usualRatio <= range.count else {
      throw TensorFileError.unsupported(
        place, found: "a member of \(range.count) bytes that inflates to \(declaredCount)",
        hint: "store it uncompressed")
    }
    self.archive = archive
    self.range = range
    self.declaredCount = declaredCount
    self.checksum = checksum
    self.place = place
  }

  /// All bytes, checked against the declared size and CRC-32.
  func bytes() throws -> StoredBytes {
    try inflated.withLock { kept in
      if let kept { return kept }
      var inflater = Inflater(archive, range, place: place)
      let bytes = try inflater.inflate(whole: declaredCount)
      let found = Inflater.checksum(bytes, 0..<bytes.count)
      guard found == checksum else {
        throw TensorFileError.checksumMismatch(place, expected: checksum, found: found)
      }
      kept = bytes
      return bytes
    }
  }

  /// The first bytes alone; no checksum covers them.
  func prefix(_ count: Int) throws -> StoredBytes {
    precondition(count <= declaredCount)
    if let kept = inflated.withLock({ $0 }) { return kept }
    var inflater = Inflater(archive, range, place: place)
    return try inflater.inflate(prefix: count)
  }
}
