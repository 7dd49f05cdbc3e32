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

import Synchronization

/// A directory that is filled all at once or not at all.
///
/// Files are written into a hidden folder inside the directory and renamed to their places by `commit`; `discard` (or a
/// commit that fails before its first rename) leaves everything as it was, and removes the directories made for this.
public final class StagedOutput {
  /// The directory that is to hold the files.
  public let directory: String
  private let stage: String
  /// Folders in which files wait, and for each the directories that were not there before, innermost first.
  ///
  /// Whoever holds the lock is the only one who moves or removes any of them: a signal comes before a commit or after it.
  private static let open = Mutex<[String: [String]]>([:])

  /// Makes the directory and checks that files can be written there.
  ///
  /// - Throws: `ReportError.cannotWrite`.
  public init(directory: String) throws {
    self.directory = directory
    var isDirectory = false
    let exists = FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory)
    guard !exists || isDirectory else {
      throw ReportError.cannotWrite(path: directory, reason: "a file is in the place of the directory")
    }
    let made = Self.missing(directory)
    do {
      stage = try Self.open.withLock { open in
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let stage = try Self.newStage(in: directory)
        open[stage] = made
        return stage
      }
    } catch {
      Self.removeEmpty(made)
      throw ReportError.cannotWrite(path: directory, reason: Self.reason(error))
    }
  }

  /// The directory and those above it that are not there, innermost first.
  private static func missing(_ directory: String) -> [String] {
    var missing: [String] = []
    var path = directory
    while !path.isEmpty, !FileManager.default.fileExists(atPath: path) {
      missing.append(path)
      while path.last == "/" { path.removeLast() }
      path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
    return missing
  }

  /// Makes a folder that nobody else uses, not even what was left by a process of the same number that was killed.
  private static func newStage(in directory: String) throws -> String {
    var attempt = 0
    while true {
      let path = "\(directory)/.partial-\(ProcessInfo.processInfo.processIdentifier)-\(attempt)"
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
      } catch let error as CocoaError where error.code == .fileWriteFileExists && attempt < 1000 {
        attempt += 1
      }
    }
  }

  /// Removes directories that hold nothing; others stay.
  private static func removeEmpty(_ directories: [String]) {
    for path in directories { _ = unsafe rmdir(path) }
  }

  deinit { discard() }

  /// Where a file of this name is to be written for now.
  public func path(_ name: String) -> String { stage + "/" + name }

  /// Writes a file.
  ///
  /// - Throws: `ReportError.cannotWrite`, naming the file's final place.
  public func write(_ data: Data, to name: String) throws {
    do {
      try data.write(to: URL(filePath: path(name)))
    } catch {
      throw ReportError.cannotWrite(path: directory + "/" + name, reason: Self.reason(error))
    }
  }

  /// Moves every file to its place, replacing older ones.
  ///
  /// - Throws: `ReportError.cannotWrite`; when a directory is in the way, before anything is moved.
  public func commit() throws { try Self.open.withLock { try commit(&$0) } }

  private func commit(_ open: inout [String: [String]]) throws {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: stage).sorted()
      for name in names {
        var isDirectory = false
        let target = directory + "/" + name
        if FileManager.default.fileExists(atPath: target, isDirectory: &isDirectory), isDirectory {
          throw ReportError.cannotWrite(path: target, reason: "a directory is in the way")
        }
      }
      for name in names {
        guard unsafe rename(path(name), directory + "/" + name) == 0 else {
          throw ReportError.cannotWrite(
            path: directory + "/" + name, reason: unsafe String(cString: strerror(errno)))
        }
      }
      try FileManager.default.removeItem(atPath: stage)
    } catch let error as ReportError {
      throw error
    } catch {
      throw ReportError.cannotWrite(path: directory, reason: Self.reason(error))
    }
    open[stage] = nil
  }

  /// Removes what was staged, unless it was moved to its place.
  public func discard() { Self.open.withLock { Self.discard(stage, &$0) } }

  /// Removes what is staged anywhere in this process, while other threads may still be writing there, and ends the process
  /// before any of them can begin anew.
  public static func discardAll(andThen end: () -> Never) -> Never {
    open.withLock { open in
      for stage in open.keys { discard(stage, &open) }
      end()
    }
  }

  private static func discard(_ stage: String, _ open: inout [String: [String]]) {
    guard let made = open.removeValue(forKey: stage) else { return }
    // Failing to clean up must not hide the error that led here; a file that another thread makes meanwhile is why
    // removing may fail at first.
    for _ in 0..<100 where FileManager.default.fileExists(atPath: stage) {
      try? FileManager.default.removeItem(atPath: stage)
    }
    removeEmpty(made)
  }

  /// The system's own words for a failed file operation.
  static func reason(_ error: any Error) -> String {
    guard let cocoa = error as? CocoaError else { return "\(error)" }
    if let posix = cocoa.underlying as? POSIXError { return Self.words(posix) }
    return switch cocoa.code {
    case .fileWriteOutOfSpace: "no space left on device"
    case .fileWriteNoPermission, .fileReadNoPermission: "permission denied"
    case .fileWriteVolumeReadOnly: "read-only file system"
    case .fileNoSuchFile, .fileReadNoSuchFile: "no such directory"
    case .fileWriteFileExists: "a file is in the way"
    default: "error \(cocoa.code.rawValue)"
    }
  }

  private static func words(_ error: POSIXError) -> String {
    unsafe String(cString: strerror(error.code.rawValue))
  }
}
