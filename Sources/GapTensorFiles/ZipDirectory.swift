/// The central directory of a zip archive, with or without the zip64 extension.
struct ZipDirectory {
  struct Entry {
    let name: String
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let compressedCount: Int
    let count: Int
    let headerOffset: Int
  }

  /// The directory's first byte, which no member reaches past.
  let start: Int
  let entries: [Entry]

  init(_ bytes: StoredBytes, path: String) throws {
    let end = try ZipEnd(bytes, path: path)
    start = end.directory.lowerBound
    var reader = ByteReader(bytes, path: path, range: end.directory)
    let most = end.directory.count / 46
    guard end.entryCount <= most else {
      throw TensorFileError.tooMany(reader.place, what: "archive members", limit: most, found: end.entryCount)
    }
    var entries: [Entry] = []
    for _ in 0..<end.entryCount { entries.append(try Self.entry(&reader)) }
    guard reader.remaining == 0 else {
      throw TensorFileError.malformed(
        reader.place, expected: "the end of the archive's directory", found: "\(reader.remaining) more bytes")
    }
    self.entries = entries
  }

  private static func entry(_ reader: inout ByteReader) throws -> Entry {
    let place = reader.place
    let signature = try reader.integer(UInt32.self)
    guard signature == 0x0201_4B50 else {
      throw TensorFileError.malformed(place, expected: "a directory entry", found: String(signature, radix: 16))
    }
    _ = try reader.take(4)
    let flags = try reader.integer(UInt16.self)
    let method = try reader.integer(UInt16.self)
    _ = try reader.take(4)
    let checksum = try reader.integer(UInt32.self)
    let compressed = try reader.integer(UInt32.self)
    let plain = try reader.integer(UInt32.self)
    let nameCount = try reader.size(UInt16.self)
    let extraCount = try reader.size(UInt16.self)
    let commentCount = try reader.size(UInt16.self)
    _ = try reader.take(8)
    let offset = try reader.integer(UInt32.self)
    let name = try reader.text(nameCount)
    guard flags & 1 == 0 else {
      throw TensorFileError.unsupported(
        .init(path: place.path, item: name), found: "an encrypted archive member", hint: "decrypt it first")
    }
    var extra = ZipExtra(plain: plain, compressed: compressed, offset: offset)
    try extra.read(&reader, count: extraCount)
    _ = try reader.take(commentCount)
    return Entry(
      name: name, flags: flags, method: method, checksum: checksum,
      compressedCount: try size(extra.compressed, place), count: try size(extra.plain, place),
      headerOffset: try size(extra.offset, place))
  }

  private static func size(_ value: UInt64, _ place: TensorFileError.Place) throws -> Int {
    guard let size = Int(exactly: value) else {
      throw TensorFileError.malformed(place, expected: "a size", found: String(value))
    }
    return size
  }
}

/// Sizes that do not fit 32 bits, kept in the extra field 0x0001.
struct ZipExtra {
  var plain: UInt64
  var compressed: UInt64
  var offset: UInt64

  init(plain: UInt32, compressed: UInt32, offset: UInt32) {
    self.plain = UInt64(plain)
    self.compressed = UInt64(compressed)
    self.offset = UInt64(offset)
  }

  /// Steps over an extra field and takes the sizes that the plain fields leave to it.
  mutating func read(_ reader: inout ByteReader, count: Int) throws {
    var field = ByteReader(reader.bytes, path: reader.path, item: reader.item, range: try reader.take(count))
    while field.remaining >= 4 {
      let kind = try field.integer(UInt16.self)
      let size = try field.size(UInt16.self)
      let range = try field.take(size)
      if kind == 1 {
        var wide = ByteReader(reader.bytes, path: reader.path, item: reader.item, range: range)
        if plain == 0xFFFF_FFFF { plain = try wide.integer(UInt64.self) }
        if compressed == 0xFFFF_FFFF { compressed = try wide.integer(UInt64.self) }
        if offset == 0xFFFF_FFFF { offset = try wide.integer(UInt64.self) }
      }
    }
  }
}

/// The record at the end of an archive that says where its directory lies.
struct ZipEnd {
  let directory: Range<Int>
  let entryCount: Int

  init(_ bytes: StoredBytes, path: String) throws {
    guard let position = Self.find(bytes) else {
      throw TensorFileError.malformed(
        .init(path: path), expected: "a zip directory at the end of the file",
        found: "none (is the file complete?)")
    }
    var reader = ByteReader(bytes, path: path)
    try reader.seek(position + 4)
    let disks = try (reader.integer(UInt16.self), reader.integer(UInt16.self))
    _ = try reader.take(2)
    var entryCount = UInt64(try reader.integer(UInt16.self))
    var size = UInt64(try reader.integer(UInt32.self))
    var offset = UInt64(try reader.integer(UInt32.self))
    var limit = position
    if let wide = try Self.wide(bytes, path, before: position) {
      (entryCount, size, offset, limit) = (wide.entryCount, wide.size, wide.offset, wide.position)
    } else if disks != (0, 0) {
      throw TensorFileError.unsupported(
        .init(path: path, byte: position), found: "an archive split over disks", hint: "join its parts")
    }
    guard let start = Int(exactly: offset), let count = Int(exactly: size),
      let entries = Int(exactly: entryCount),
      start <= limit, count <= limit - start
    else {
      let end = offset.addingReportingOverflow(size)
      throw TensorFileError.outOfRange(
        .init(path: path, item: "zip directory"), start: Int(clamping: offset),
        end: end.overflow ? Int.max : Int(clamping: end.partialValue), limit: limit)
    }
    directory = start..<start + count
    self.entryCount = entries
  }

  /// Looks for the record backwards over the longest comment there can be; the comment must end the file.
  private static func find(_ bytes: StoredBytes) -> Int? {
    guard bytes.count >= 22 else { return nil }
    for position in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 0xFFFF), by: -1)
    where bytes.integer(UInt32.self, at: position) == 0x0605_4B50 {
      if Int(bytes.integer(UInt16.self, at: position + 20)) == bytes.count - position - 22 { return position }
    }
    return nil
  }

  /// The zip64 record, if its locator stands in front of the plain one.
  private static func wide(
    _ bytes: StoredBytes, _ path: String, before position: Int
  ) throws -> (entryCount: UInt64, size: UInt64, offset: UInt64, position: Int)? {
    guard position >= 20, bytes.integer(UInt32.self, at: position - 20) == 0x0706_4B50 else { return nil }
    var reader = ByteReader(bytes, path: path, item: "zip64 directory", range: 0..<position)
    let target = bytes.integer(UInt64.self, at: position - 12)
    guard let start = Int(exactly: target), start <= position - 20 else {
      throw TensorFileError.outOfRange(
        reader.place, start: Int(clamping: target), end: Int(clamping: target), limit: position)
    }
    try reader.seek(start)
    let place = reader.place
    let signature = try reader.integer(UInt32.self)
    guard signature == 0x0606_4B50 else {
      throw TensorFileError.malformed(place, expected: "a zip64 record", found: String(signature, radix: 16))
    }
    _ = try reader.take(8 + 2 + 2 + 4 + 4 + 8)
    return (
      try reader.integer(UInt64.self), try reader.integer(UInt64.self), try reader.integer(UInt64.self), start
    )
  }
}
