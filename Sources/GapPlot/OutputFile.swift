#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes a whole file or nothing: into a temporary file beside it, synced, then renamed over it.
///
/// A name that stands for a device or a pipe is written to directly, since renaming would replace it.
enum OutputFile {
  /// Writes bytes under a name, replacing an older file.
  ///
  /// - Throws: `PlotError.cannotWrite` with the system's reason; the temporary file is gone then.
  static func write(_ bytes: [UInt8], to path: String) throws(PlotError) {
    guard !path.utf8.contains(0), !path.isEmpty else {
      throw .cannotWrite(path: path, reason: "not a file name")
    }
    do throws(Fault) {
      switch try kind(of: path) {
      case .absent: try replace(path, with: bytes)
      case .regular: try replace(try resolved(path), with: bytes)
      case .directory: throw Fault(code: EISDIR)
      case .other:
        let file = try opened(path, flags: O_WRONLY | O_CLOEXEC)
        try fill(file, with: bytes, syncing: false)
      }
    } catch {
      throw .cannotWrite(path: path, reason: error.reason)
    }
  }

  /// Holds the error number of a system call.
  private struct Fault: Error {
    var code: Int32

    static var last: Fault { Fault(code: errno) }

    var reason: String { unsafe String(cString: strerror(code)) }
  }

  private enum Kind {
    case absent, regular, directory, other
  }

  private static func kind(of path: String) throws(Fault) -> Kind {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      if errno == ENOENT { return .absent }
      throw .last
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .regular
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  /// Follows symbolic links, so that the file is replaced and the link stays.
  private static func resolved(_ path: String) throws(Fault) -> String {
    guard let real = unsafe realpath(path, nil) else { throw .last }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func replace(_ path: String, with bytes: [UInt8]) throws(Fault) {
    let (file, temporary) = try temporary(beside: path)
    do throws(Fault) {
      try fill(file, with: bytes, syncing: true)
      guard unsafe rename(temporary, path) == 0 else { throw .last }
    } catch {
      _ = unsafe unlink(temporary)
      throw error
    }
  }

  /// Creates a file that nobody else has, beside the one to be written.
  private static func temporary(beside path: String) throws(Fault) -> (file: Int32, path: String) {
    var attempt = 0
    while true {
      let name = "\(path).\(getpid())-\(attempt).part"
      do throws(Fault) {
        return (try opened(name, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), name)
      } catch {
        guard error.code == EEXIST, attempt < 1000 else { throw error }
        attempt += 1
      }
    }
  }

  private static func opened(_ path: String, flags: Int32) throws(Fault) -> Int32 {
    let file = unsafe open(path, flags, 0o666)
    guard file >= 0 else { throw .last }
    return file
  }

  /// Writes everything, syncs and closes; the file is closed whatever happens.
  private static func fill(_ file: Int32, with bytes: [UInt8], syncing: Bool) throws(Fault) {
    do throws(Fault) {
      var written = 0
      while written < bytes.count {
        let count = unsafe bytes[written...].withUnsafeBytes { unsafe put(file, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw count < 0 ? .last : Fault(code: EIO) }
        written += count
      }
      if syncing, fsync(file) != 0 { throw .last }
    } catch {
      close(file)
      throw error
    }
    guard close(file) == 0 else { throw .last }
  }
}

/// The system's `write`, which a method of the same name would hide.
private func put(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(file, bytes, count)
}
