import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory that blocks gave back and blocks to come will take: a step like the last one asks the system for nothing.
package enum SpareMemory {
  private struct Stock {
    // Addresses of free pieces by their size.
    var free: [Int: [UInt]] = [:]
    var bytes = 0
  }
  private static let stock = Mutex(Stock())

  /// Most bytes that lie unused; what is given back beyond them is freed.
  package static let limit = 256 << 20

  /// The size of the piece that holds `bytes`: at most an eighth more, so that steps of nearly one size share pieces.
  package static func size(_ bytes: Int) -> Int {
    guard bytes > 1024 else { return (bytes + 63) / 64 * 64 }
    let unit = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
    return (bytes + unit - 1) / unit * unit
  }

  /// A piece of exactly `size` bytes, as `size(_:)` gives it; its contents are anything.
  @unsafe package static func take(_ size: Int) -> UnsafeMutableRawPointer {
    let address = stock.withLock { stock -> UInt? in
      guard let address = stock.free[size]?.popLast() else { return nil }
      stock.bytes -= size
      return address
    }
    if let address, let piece = unsafe UnsafeMutableRawPointer(bitPattern: address) { return unsafe piece }
    guard let piece = unsafe aligned_alloc(64, size) else { preconditionFailure("out of memory") }
    return unsafe piece
  }

  @unsafe package static func give(_ piece: UnsafeMutableRawPointer, _ size: Int) {
    let address = UInt(bitPattern: piece)
    let isKept = stock.withLock { stock in
      guard stock.bytes + size <= limit else { return false }
      stock.bytes += size
      stock.free[size, default: []].append(address)
      return true
    }
    if !isKept { unsafe free(piece) }
  }
}
