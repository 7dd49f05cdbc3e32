/// Reads bytes forward within a range and knows where it is, for error messages.
struct ByteReader {
  let bytes: StoredBytes
  let path: String
  let item: String?
  let end: Int
  private(set) var position: Int

  init(_ bytes: StoredBytes, path: String, item: String? = nil, range: Range<Int>? = nil) {
    let range = range ?? 0..<bytes.count
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    self.bytes = bytes
    self.path = path
    self.item = item
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  /// The place of the next byte.
  var place: TensorFileError.Place { .init(path: path, item: item, byte: position) }

  /// Steps over `count` bytes and returns where they were: the one check that all reading passes.
  mutating func take(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= remaining else {
      throw TensorFileError.truncated(place, expected: count, found: remaining)
    }
    defer { position += count }
    return position..<position + count
  }

  /// Moves to a byte within the range.
  mutating func seek(_ target: Int) throws {
    guard target >= 0, target <= end else {
      throw TensorFileError.truncated(place, expected: target &- position, found: remaining)
    }
    position = target
  }

  mutating func byte() throws -> UInt8 { bytes[try take(1).lowerBound] }

  /// A little-endian integer.
  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> T {
    bytes.integer(type, at: try take(MemoryLayout<T>.size).lowerBound)
  }

  /// A little-endian integer that says how many bytes or entries follow.
  mutating func size<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> Int {
    let place = place
    let value = try integer(type)
    guard let size = Int(exactly: value), size >= 0 else {
      throw TensorFileError.malformed(place, expected: "a size", found: String(value))
    }
    return size
  }

  /// `count` bytes as UTF-8.
  mutating func text(_ count: Int) throws -> String {
    let place = place
    guard let text = bytes.text(try take(count)) else { throw TensorFileError.invalidText(place) }
    return text
  }

  /// The bytes up to a line feed, which is stepped over, as UTF-8.
  mutating func line() throws -> String {
    var length = 0
    while length < remaining, bytes[position + length] != 0x0A { length += 1 }
    let text = try text(length)
    _ = try take(1)
    return text
  }
}
