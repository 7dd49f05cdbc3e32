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
  /// What ends the name of a file that is being written.
  static let partialSuffix = ".partial"

  /// Writes a file that is there whole or as it was before, on the disk when this returns.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - data: what it is to hold.
  ///   - previous: where the file that was there is kept; a process that is killed between the two renames
  ///     leaves that one alone.
  /// - Throws: `TrainingError.cannotWrite`; what was there is as it was.
  public static func replace(_ path: String, with data: Data, keepingPreviousAs previous: String? = nil) throws
  {
    let partial = path + partialSuffix
    let descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw fault(path) }
    do {
      try write(data, to: descriptor, path)
      guard fsync(descriptor) == 0 || !isLoss(errno) else { throw fault(path) }
    } catch {
      close(descriptor)
      _ = unsafe unlink(partial)
      throw error
    }
    close(descriptor)
    if let previous, unsafe rename(path, previous) != 0, errno != ENOENT {
      let fault = fault(previous)
      _ = unsafe unlink(partial)
      throw fault
    }
    guard unsafe rename(partial, path) == 0 else {
      let fault = fault(path)
      _ = unsafe unlink(partial)
      throw fault
    }
    try synchronizeFolder(of: path)
  }

  /// Adds bytes to the end of a file; they are on the disk after `synchronize`.
  ///
  /// - Throws: `TrainingError.cannotWrite`; some of the bytes may be there.
  public static func append(_ data: Data, to path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw fault(path) }
    defer { close(descriptor) }
    try write(data, to: descriptor, path)
  }

  /// Brings a file that was appended to, and its name, onto the disk; nothing when it is not there.
  ///
  /// - Throws: `TrainingError.cannotWrite`.
  public static func synchronize(_ path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw fault(path) }
      return
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || !isLoss(errno) else { throw fault(path) }
    try synchronizeFolder(of: path)
  }

  private static func write(_ data: Data, to descriptor: Int32, _ path: String) throws {
    var rest = data
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw fault(path) }
      rest = rest.dropFirst(count)
    }
  }

  /// Puts a file into the place of another one.
  ///
  /// - Throws: `TrainingError.cannotWrite`.
  public static func move(_ path: String, to target: String) throws {
    guard unsafe rename(path, target) == 0 else { throw fault(target) }
    try synchronizeFolder(of: target)
  }

  private static func synchronizeFolder(of path: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || !isLoss(errno) else { throw fault(path) }
  }

  /// Whether a synchronisation failed since something is lost.
  ///
  /// A file system that cannot synchronise what it is asked
  /// to (a pipe, a folder on some network) is no reason to stop.
  private static func isLoss(_ code: Int32) -> Bool { ![EINVAL, ENOTSUP, ENOSYS, EROFS].contains(code) }

  private static func fault(_ path: String) -> TrainingError {
    .cannotWrite(path: path, reason: unsafe String(cString: strerror(errno)))
  }
}
