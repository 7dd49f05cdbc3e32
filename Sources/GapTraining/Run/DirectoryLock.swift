#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The right to write into a directory, which one process has at a time.
///
/// It is a lock of the system on the file `.lock` in the directory, given back when the value goes away and when the
/// process ends, in whatever way. The file stays: taking it away would let two processes lock two files of one name.
public final class DirectoryLock: Sendable {
  /// The directory.
  public let directory: String
  private let descriptor: Int32

  /// Makes the directory if it is missing, and locks it.
  ///
  /// - Throws: `TrainingError.cannotWrite` when it cannot be made, or another process is at work in it.
  public init(_ directory: String) throws {
    self.directory = directory
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw TrainingError.cannotWrite(path: directory, reason: "the directory cannot be made")
    }
    let path = directory + "/.lock"
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw TrainingError.cannotWrite(path: path, reason: unsafe String(cString: strerror(errno)))
    }
    var result = flock(descriptor, LOCK_EX | LOCK_NB)
    while result != 0, errno == EINTR { result = flock(descriptor, LOCK_EX | LOCK_NB) }
    guard result == 0 else {
      let code = errno
      guard code == EWOULDBLOCK else {
        throw TrainingError.cannotWrite(
          path: path, reason: "it cannot be locked: \(unsafe String(cString: strerror(code)))")
      }
      throw TrainingError.cannotWrite(
        path: directory, reason: "another process is at work in it (hint: wait for it, or another --out)")
    }
  }

  deinit { close(descriptor) }

  /// Removes what processes that were killed left behind, files and folders that were being written, and nothing that
  /// somebody else put there.
  ///
  /// Folders of a process that still lives are kept: a picture may be drawn into the directory beside the run.
  ///
  /// - Parameters:
  ///   - folder: the directory, or one below it.
  ///   - isOwn: whether a file of this name is one that is written there.
  public func sweep(_ folder: String, _ isOwn: (String) -> Bool) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      let path = folder + "/" + name
      // What cannot be removed is in nobody's way.
      if let process = Self.owner(ofStage: name) {
        if !Self.isAlive(process) { try? FileManager.default.removeItem(atPath: path) }
      } else if name.hasSuffix(DurableFile.partialSuffix),
        isOwn(String(name.dropLast(DurableFile.partialSuffix.count)))
      {
        _ = unsafe unlink(path)
      }
    }
  }

  /// The process that a folder `.partial-PROCESS-ATTEMPT` is named after; nil for any other name.
  private static func owner(ofStage name: String) -> Int32? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == ".partial", Int(parts[2]) != nil else { return nil }
    return Int32(parts[1])
  }

  /// Whether a process is another one that lives.
  private static func isAlive(_ process: Int32) -> Bool {
    process > 0 && process != getpid() && (kill(process, 0) == 0 || errno == EPERM)
  }
}
