#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads whole image files.
enum ImageBytes {
  /// The longest file that is read: 1 GiB.
  static let longest = 1 << 30

  /// The bytes of a regular file.
  ///
  /// - Throws: `ImageError.unreadable`.
  static func read(_ path: String) throws(ImageError) -> [UInt8] {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw systemFault() }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(reason: "it is not a regular file", isMissing: true)
    }
    let size = Int(status.st_size)
    guard size <= longest else {
      throw .unreadable(reason: "it has \(size) bytes, at most \(longest) are read", isMissing: false)
    }
    guard let file = unsafe fopen(path, "rb") else { throw systemFault() }
    defer { _ = unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: size)
    let count = unsafe fread(&bytes, 1, size, file)
    guard unsafe ferror(file) == 0 else { throw systemFault() }
    bytes.removeLast(size - count)
    return bytes
  }

  private static func systemFault() -> ImageError {
    let reason = errno == ENOENT ? "no such file" : unsafe String(cString: strerror(errno))
    return .unreadable(reason: reason, isMissing: true)
  }
}
