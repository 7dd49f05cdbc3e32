/// The directory of a zip archive: where each member's bytes lie.
///
/// Nothing is ever extracted; names are only names.
///
/// The central directory is the authority, and every member's local header is held against it, so that no other
/// reader can see other members in the same bytes. Members that share bytes are refused.
struct ZipArchive {
  struct Member {
    let name: String
    let region: ByteRegion
    /// The member's bytes in the file, its local header included.
    let extent: Range<Int>
    fileprivate let checksum: UInt32
    fileprivate let place: TensorFileError.Place

    /// The region, whose bytes are held against the member's CRC-32 when they are first read.
    var checkedRegion: ByteRegion {
      // What is inflated is checked anyway.
      guard case .stored(let bytes) = region.source else { return region }
      let range = region.start..<region.start + region.count
      return ByteRegion(StoredMember(in: bytes, range: range, checksum: checksum, place: place))
    }
  }

  let members: [Member]
  private let bytes: StoredBytes
  private let path: String

  init(_ bytes: StoredBytes, path: String) throws {
    self.bytes = bytes
    self.path = path
    let directory = try ZipDirectory(bytes, path: path)
    var members: [Member] = []
    var names: Set<String> = []
    for entry in directory.entries {
      guard names.insert(entry.name).inserted else {
        throw TensorFileError.duplicateName(.init(path: path), name: entry.name)
      }
      members.append(try Self.member(entry, bytes, path, limit: directory.start))
    }
    self.members = members
    try checkOverlaps()
  }

  private func checkOverlaps() throws {
    let sorted = members.sorted { $0.extent.lowerBound < $1.extent.lowerBound }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.extent.upperBound > next.extent.lowerBound {
      throw TensorFileError.overlap(.init(path: path, item: next.name), with: one.name)
    }
  }

  /// Checks a member's local header against the directory.
  private static func member(
    _ entry: ZipDirectory.Entry, _ bytes: StoredBytes, _ path: String, limit: Int
  ) throws -> Member {
    var reader = ByteReader(bytes, path: path, item: entry.name, range: 0..<limit)
    let place = TensorFileError.Place(path: path, item: entry.name, byte: entry.headerOffset)
    guard entry.headerOffset <= limit else {
      throw TensorFileError.outOfRange(place, start: entry.headerOffset, end: entry.headerOffset, limit: limit)
    }
    try reader.seek(entry.headerOffset)
    let local = try ZipLocalHeader(&reader)
    try local.check(against: entry, at: place)
    let range = try reader.take(entry.compressedCount)
    let region: ByteRegion
    switch entry.method {
    case 0:
      guard entry.count == entry.compressedCount else {
        throw TensorFileError.malformed(
          place, expected: "\(entry.count) bytes, as declared for a stored member",
          found: "\(entry.compressedCount)")
      }
      region = ByteRegion(bytes, range)
    case 8:
      region = ByteRegion(
        try DeflatedMember(
          in: bytes, range: range, declaredCount: entry.count, checksum: entry.checksum, place: place))
    default:
      throw TensorFileError.unsupported(
        place, found: "zip compression method \(entry.method)", hint: "store or deflate the members")
    }
    return Member(
      name: entry.name, region: region, extent: entry.headerOffset..<range.upperBound, checksum: entry.checksum,
      place: place)
  }
}

/// The header in front of a member's bytes.
struct ZipLocalHeader {
  private let flags: UInt16
  private let method: UInt16
  private let checksum: UInt32
  private let compressedCount: UInt64
  private let count: UInt64
  private let name: [UInt8]

  /// Reads the header and stops at the member's first byte.
  init(_ reader: inout ByteReader) throws {
    let place = reader.place
    let signature = try reader.integer(UInt32.self)
    guard signature == 0x0403_4B50 else {
      throw TensorFileError.malformed(place, expected: "a zip member", found: String(signature, radix: 16))
    }
    _ = try reader.take(2)
    flags = try reader.integer(UInt16.self)
    method = try reader.integer(UInt16.self)
    _ = try reader.take(4)
    checksum = try reader.integer(UInt32.self)
    let compressed = try reader.integer(UInt32.self)
    let plain = try reader.integer(UInt32.self)
    let nameCount = try reader.size(UInt16.self)
    let extraCount = try reader.size(UInt16.self)
    name = reader.bytes.array(try reader.take(nameCount))
    var extra = ZipExtra(plain: plain, compressed: compressed, offset: 0)
    try extra.read(&reader, count: extraCount)
    count = extra.plain
    compressedCount = extra.compressed
  }

  /// Holds the header against the directory; sizes only where no data descriptor carries them.
  func check(against entry: ZipDirectory.Entry, at place: TensorFileError.Place) throws {
    func same<T: Equatable>(_ field: String, _ expected: T, _ found: T) throws {
      guard expected == found else {
        throw TensorFileError.archiveMismatch(place, field: field, expected: "\(expected)", found: "\(found)")
      }
    }
    try same("name", entry.name, String(validating: name, as: UTF8.self) ?? "bytes that are not UTF-8")
    try same("method", entry.method, method)
    try same("encryption", entry.flags & 1, flags & 1)
    if flags & 8 != 0, checksum == 0, compressedCount == 0, count == 0 { return }
    try same("checksum", entry.checksum, checksum)
    try same("compressed size", UInt64(entry.compressedCount), compressedCount)
    try same("size", UInt64(entry.count), count)
  }
}
