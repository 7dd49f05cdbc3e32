#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// One file that is written all at once or not at all, in a place that was checked before the work began.
public struct StagedFile {
  /// The file.
  public let path: String
  private let staged: StagedOutput
  private let name: String

  /// Checks that the file can be written.
  ///
  /// - Throws: `ReportError.cannotWrite`.
  public init(path: String) throws {
    self.path = path
    let slash = path.lastIndex(of: "/")
    name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    var isDirectory = false
    guard !name.isEmpty,
      !(FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory)
    else { throw ReportError.cannotWrite(path: path, reason: "a directory is in the way") }
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    staged = try StagedOutput(directory: directory)
  }

  /// Writes the file and puts it in its place.
  ///
  /// - Throws: `ReportError.cannotWrite`.
  public func commit(_ data: Data) throws {
    try staged.write(data, to: name)
    try staged.commit()
  }
}
