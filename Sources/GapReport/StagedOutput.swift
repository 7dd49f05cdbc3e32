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

/// A directory that is filled all at once or not at all.
///
/// Files are written into a hidden folder inside the directory and moved to their names by `commit`; `discard` (or a
/// commit that fails before its first move) leaves the directory as it was, and removes it when it was made for this.
public final class StagedOutput {
  /// The directory that is to hold the files.
  public let directory: String
  private let stage: String
  private let isNew: Bool
  private var isOpen = true

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
    isNew = !exists
    stage = directory + "/.partial-\(ProcessInfo.processInfo.processIdentifier)"
    do {
      try FileManager.default.createDirectory(atPath: stage, withIntermediateDirectories: true)
    } catch {
      throw ReportError.cannotWrite(path: directory, reason: Self.reason(error))
    }
  }

  deinit { if isOpen { discard() } }

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
  /// - Throws: `ReportError.cannotWrite`.
  public func commit() throws {
    do {
      for name in try FileManager.default.contentsOfDirectory(atPath: stage).sorted() {
        let target = directory + "/" + name
        if FileManager.default.fileExists(atPath: target) { try FileManager.default.removeItem(atPath: target) }
        try FileManager.default.moveItem(atPath: path(name), toPath: target)
      }
      try FileManager.default.removeItem(atPath: stage)
    } catch {
      throw ReportError.cannotWrite(path: directory, reason: Self.reason(error))
    }
    isOpen = false
  }

  /// Removes what was staged.
  public func discard() {
    isOpen = false
    // Failing to clean up must not hide the error that led here.
    try? FileManager.default.removeItem(atPath: isNew ? directory : stage)
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
