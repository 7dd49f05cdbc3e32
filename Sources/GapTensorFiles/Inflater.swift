import CZlib

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Inflates raw deflate data; memory grows with what really comes out, never with what a header declares.
struct Inflater {
  private static let firstBlock = 1 << 20

  private let archive: StoredBytes
  private let range: Range<Int>
  private let place: TensorFileError.Place

  init(_ archive: StoredBytes, _ range: Range<Int>, place: TensorFileError.Place) {
    self.archive = archive
    self.range = range
    self.place = place
  }

  /// Inflates everything, which must be exactly `count` bytes.
  mutating func inflate(whole count: Int) throws -> StoredBytes { try run(limit: count, whole: true) }

  /// Inflates the first `count` bytes.
  mutating func inflate(prefix count: Int) throws -> StoredBytes { try run(limit: count, whole: false) }

  /// The CRC-32 of bytes as zip archives keep it; `before` is that of the bytes in front.
  static func checksum(_ bytes: StoredBytes, _ range: Range<Int>, before: UInt32 = 0) -> UInt32 {
    unsafe bytes.withPointer(range) { pointer in
      let typed = unsafe pointer.assumingMemoryBound(to: UInt8.self)
      return UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(before), typed, range.count))
    }
  }

  private func run(limit: Int, whole: Bool) throws -> StoredBytes {
    var stream = unsafe z_stream()
    let size = Int32(unsafe MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, size) == Z_OK else {
      throw TensorFileError.corruptDeflate(place, reason: "zlib has no memory")
    }
    defer { _ = unsafe inflateEnd(&stream) }
    var capacity = max(1, min(limit, Self.firstBlock))
    guard var block = unsafe malloc(capacity) else {
      throw TensorFileError.corruptDeflate(place, reason: "out of memory")
    }
    do {
      var (consumed, produced, status) = (0, 0, Z_OK)
      while status != Z_STREAM_END, whole || produced < limit {
        if produced == capacity, capacity < limit {
          let larger = min(limit, capacity * 2)
          guard let grown = unsafe realloc(block, larger) else {
            throw TensorFileError.corruptDeflate(place, reason: "out of memory")
          }
          unsafe (block, capacity) = (grown, larger)
        }
        let output = unsafe block + produced
        let room = min(limit, capacity) - produced
        let step = unsafe step(&stream, consumed, output, room)
        status = step.status
        consumed += step.consumed
        produced += step.produced
        try check(status, advanced: step.consumed + step.produced > 0, full: produced == limit)
      }
      try checkEnd(whole: whole, limit: limit, produced: produced, consumed: consumed)
      return unsafe StoredBytes(adopting: block, count: produced)
    } catch {
      unsafe free(block)
      throw error
    }
  }

  /// One call of zlib's `inflate`, with both sides cut to what its 32-bit counts can say.
  private func step(
    _ stream: inout z_stream, _ consumed: Int, _ output: UnsafeMutableRawPointer, _ room: Int
  ) -> (status: Int32, consumed: Int, produced: Int) {
    let input = min(range.count - consumed, 1 << 30)
    let space = min(room, 1 << 30)
    let start = range.lowerBound + consumed
    return unsafe archive.withPointer(start..<start + input) { pointer in
      let typed = unsafe UnsafeMutableRawPointer(mutating: pointer).assumingMemoryBound(to: UInt8.self)
      unsafe stream.next_in = typed
      unsafe stream.avail_in = UInt32(input)
      unsafe stream.next_out = output.assumingMemoryBound(to: UInt8.self)
      unsafe stream.avail_out = UInt32(space)
      let status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
      return unsafe (status, input - Int(stream.avail_in), space - Int(stream.avail_out))
    }
  }

  private func check(_ status: Int32, advanced: Bool, full: Bool) throws {
    switch status {
    case Z_STREAM_END: return
    case Z_OK where advanced: return
    case Z_OK, Z_BUF_ERROR:
      let reason = full ? "more bytes come out than declared" : "the stream ends early"
      throw TensorFileError.corruptDeflate(place, reason: reason)
    default: throw TensorFileError.corruptDeflate(place, reason: "zlib status \(status)")
    }
  }

  private func checkEnd(whole: Bool, limit: Int, produced: Int, consumed: Int) throws {
    guard produced == limit else {
      throw TensorFileError.corruptDeflate(place, reason: "\(produced) bytes come out, \(limit) declared")
    }
    guard !whole || consumed == range.count else {
      throw TensorFileError.corruptDeflate(
        place, reason: "\(range.count - consumed) bytes follow the stream's end")
    }
  }
}
