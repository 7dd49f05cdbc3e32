#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files of a run directory, which survive a process that is killed at any moment.
public enum DurableFile {
  /// Writes a file that is there whole or as it was before, on the disk when this returns.
  ///
  /// - Throws: `TrainingError.cannotWrite`.
  public static func replace(_ path: String, with data: Data) throws {
    let partial = "\(path).partial"
    let descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw fault(path) }
    do {
      try write(data, to: descriptor, path)
    } catch {
      close(descriptor)
      _ = unsafe unlink(partial)
      throw error
    }
    close(descriptor)
    guard unsafe rename(partial, path) == 0 else { throw fault(path) }
    synchronizeFolder(of: path)
  }

  /// Adds bytes to the end of a file.
  ///
  /// - Throws: `TrainingError.cannotWrite`.
  public static func append(_ data: Data, to path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard descriptor >= 0 else { throw fault(path) }
    defer { close(descriptor) }
    try write(data, to: descriptor, path, synchronizes: false)
  }

  private static func write(_ data: Data, to descriptor: Int32, _ path: String, synchronizes: Bool = true)
    throws
  {
    var bytes = Array(data)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw fault(path) }
      bytes = bytes.dropFirst(count)
    }
    if synchronizes, fsync(descriptor) != 0 { throw fault(path) }
  }

  private static func synchronizeFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY)
    guard descriptor >= 0 else { return }
    // A file system that cannot synchronise a folder is no reason to stop: the file itself is on the disk.
    _ = fsync(descriptor)
    close(descriptor)
  }

  private static func fault(_ path: String) -> TrainingError {
    .cannotWrite(path: path, reason: unsafe String(cString: strerror(errno)))
  }
}
