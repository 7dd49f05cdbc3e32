#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Owns immutable bytes: a read-only mapping of a file, or a block from `malloc`.
///
/// This class and `Inflater` are the only places that hold pointers; every access checks its range first. A file
/// that another process shortens while it is mapped cannot be guarded against: the system raises SIGBUS.
@safe final class StoredBytes: @unchecked Sendable {
  enum Owner { case mapping, heap }
  enum Advice { case notNeeded, random, sequential }

  let count: Int
  private let owner: Owner
  private let base: UnsafeMutableRawPointer

  /// Maps a file.
  /// - Throws: `TensorFileError` when the file is missing, no regular file, empty, or cannot be opened.
  init(mapping path: String) throws {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.fault(errno, path) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Self.fault(errno, path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw TensorFileError.directoryGiven(path: path)
    default: throw TensorFileError.notRegularFile(path: path)
    }
    guard status.st_size > 0 else { throw TensorFileError.emptyFile(path: path) }
    count = Int(status.st_size)
    guard let mapped = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe mapped != MAP_FAILED
    else { throw Self.fault(errno, path) }
    unsafe base = mapped
    owner = .mapping
  }

  /// Takes over a block from `malloc`.
  init(adopting block: UnsafeMutableRawPointer, count: Int) {
    unsafe base = block
    self.count = count
    owner = .heap
  }

  /// Copies bytes that are in memory already.
  convenience init(copying bytes: [UInt8]) {
    guard let block = unsafe malloc(max(1, bytes.count)) else { preconditionFailure("out of memory") }
    unsafe bytes.withUnsafeBytes {
      unsafe block.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(block), byteCount: $0.count)
    }
    unsafe self.init(adopting: block, count: bytes.count)
  }

  deinit {
    switch owner {
    case .mapping: unsafe munmap(base, count)
    case .heap: unsafe free(base)
    }
  }

  private static func fault(_ code: Int32, _ path: String) -> TensorFileError {
    switch code {
    case ENOENT, ENOTDIR: return .fileMissing(path: path)
    case EACCES, EPERM: return .permissionDenied(path: path)
    default:
      let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
      return .unreadable(path: path, reason: reason)
    }
  }

  private func check(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside their storage")
  }

  /// One byte.
  subscript(index: Int) -> UInt8 {
    check(index..<index + 1)
    return unsafe base.load(fromByteOffset: index, as: UInt8.self)
  }

  /// A copy of some bytes.
  func array(_ range: Range<Int>) -> [UInt8] {
    check(range)
    return unsafe [UInt8](
      UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(start: base, count: count)[range]))
  }

  /// A little-endian integer at any offset.
  func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    check(offset..<offset + MemoryLayout<T>.size)
    return T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// Some bytes as text; nil if they are not UTF-8.
  func text(_ range: Range<Int>) -> String? {
    check(range)
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(start: base, count: count)[range])
    return unsafe String(validating: bytes, as: UTF8.self)
  }

  /// Lends some bytes to a C function.
  func withPointer<R>(_ range: Range<Int>, _ body: (UnsafeRawPointer) throws -> R) rethrows -> R {
    check(range)
    return try unsafe body(base + range.lowerBound)
  }

  /// Widens `count` floating-point elements that start at `offset` and lie side by side.
  func widen<T: WorkingNumber>(
    _ type: ElementType, at offset: Int, count: Int, swapped: Bool, into target: UnsafeMutablePointer<T>
  ) {
    check(offset..<offset + count * (type.byteCount ?? 0))
    unsafe T.widen(type, base + offset, target, count, swapped ? 1 : 0)
  }

  /// Tells the system how a range of a mapping will be used; a block from `malloc` takes no advice.
  ///
  /// The range is widened down to page starts at both ends: dropping a page of a read-only mapping is always safe,
  /// and a last page that the next range shares stays.
  func advise(_ advice: Advice, _ range: Range<Int>) {
    check(range)
    guard case .mapping = owner else { return }
    let page = Int(getpagesize())
    let start = range.lowerBound / page * page
    let end = range.upperBound == count ? count : range.upperBound / page * page
    guard start < end else { return }
    let code =
      switch advice {
      case .notNeeded: MADV_DONTNEED
      case .random: MADV_RANDOM
      case .sequential: MADV_SEQUENTIAL
      }
    _ = unsafe madvise(base + start, end - start, Int32(code))
  }
}
