import Synchronization

/// A member of an archive that lies in the file as it is; its bytes are held against its CRC-32 when they are first read.
final class StoredMember: Sendable {
  let archive: StoredBytes
  let range: Range<Int>
  private let checksum: UInt32
  private let place: TensorFileError.Place
  private let block: Int
  private let isChecked = Mutex(false)

  /// - Parameter block: pages are given back after so many bytes, so that a large member is not resident as a whole.
  init(
    in archive: StoredBytes, range: Range<Int>, checksum: UInt32, place: TensorFileError.Place,
    block: Int = 1 << 24
  ) {
    self.archive = archive
    self.range = range
    self.checksum = checksum
    self.place = place
    self.block = block
  }

  /// The archive's bytes, of which those in `range` are as their checksum says.
  func bytes() throws -> StoredBytes {
    try isChecked.withLock { isChecked in
      guard !isChecked else { return archive }
      let found = computedChecksum()
      guard found == checksum else {
        throw TensorFileError.checksumMismatch(place, expected: checksum, found: found)
      }
      isChecked = true
      return archive
    }
  }

  private func computedChecksum() -> UInt32 {
    var result: UInt32 = 0
    for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
      let part = start..<min(start + block, range.upperBound)
      result = Inflater.checksum(archive, part, before: result)
      if range.count > block { archive.advise(.notNeeded, part) }
    }
    return result
  }
}
