/// A run of bytes within a file, or a member of an archive, checked or inflated when it is first read.
struct ByteRegion: Sendable {
  enum Source: Sendable {
    case stored(StoredBytes)
    case checked(StoredMember)
    case deflated(DeflatedMember)
  }

  let source: Source
  /// The first byte; 0 for a compressed member.
  let start: Int
  /// The number of bytes, uncompressed.
  let count: Int

  /// A run of bytes that lies in the file as it is.
  init(_ bytes: StoredBytes, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    source = .stored(bytes)
    start = range.lowerBound
    count = range.count
  }

  /// A whole member that is not compressed.
  init(_ member: StoredMember) {
    source = .checked(member)
    start = member.range.lowerBound
    count = member.range.count
  }

  /// A whole compressed member.
  init(_ member: DeflatedMember) {
    source = .deflated(member)
    start = 0
    count = member.declaredCount
  }

  private init(source: Source, start: Int, count: Int) {
    self.source = source
    self.start = start
    self.count = count
  }

  /// The region without its first `skipped` bytes.
  func dropping(first skipped: Int) -> ByteRegion {
    precondition(skipped >= 0 && skipped <= count)
    return ByteRegion(source: source, start: start + skipped, count: count - skipped)
  }

  /// The file's bytes, where the region lies in them as it is.
  var fileBytes: StoredBytes? {
    switch source {
    case .stored(let bytes): bytes
    case .checked(let member): member.archive
    case .deflated: nil
    }
  }

  /// The bytes that the region lies in.
  func bytes() throws -> StoredBytes {
    switch source {
    case .stored(let bytes): bytes
    case .checked(let member): try member.bytes()
    case .deflated(let member): try member.bytes()
    }
  }

  /// A reader over the region's first bytes, without inflating or checking the rest of a member.
  func reader(prefix limit: Int, path: String, item: String?) throws -> ByteReader {
    let length = min(limit, count)
    switch source {
    case .stored(let bytes):
      return ByteReader(bytes, path: path, item: item, range: start..<start + length)
    case .checked(let member):
      return ByteReader(member.archive, path: path, item: item, range: start..<start + length)
    case .deflated(let member):
      let bytes = try length == count ? member.bytes() : member.prefix(start + length)
      return ByteReader(bytes, path: path, item: item, range: start..<start + length)
    }
  }
}
