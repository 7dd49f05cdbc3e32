import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The directory of a comparison, as far as it is needed to go on: `runs/` holds a file for each run that is finished or
/// was stopped.
///
/// A process may be killed at any moment: a run's file appears whole or not at all, and its checksum tells whether it is
/// as it was written. A damaged one is made again.
public struct ComparisonDirectory: Sendable {
  /// The directory.
  public let path: String
  /// Held as long as any copy of this value lives.
  private let lock: DirectoryLock

  private var folder: String { path + "/runs" }
  /// There while a comparison is not at its end.
  private var marker: String { folder + "/" + Self.markerName }
  private static let markerName = "unfinished"
  private let resumes: Bool

  /// Makes the directory, or takes the one that is there.
  ///
  /// - Parameters:
  ///   - path: the directory.
  ///   - resumes: keeps the runs that are there; otherwise those of a comparison that came to its end are removed when
  ///     this one begins.
  /// - Throws: `TrainingError.cannotWrite` when it cannot be made, another process is at work in it, or it holds a
  ///   run of `embgap train`, or runs of a comparison that was stopped and that is not to be gone on with.
  public init(_ path: String, resumes: Bool) throws {
    self.path = path
    self.resumes = resumes
    lock = try DirectoryLock(path)
    guard !RunDirectory.holdsRun(path) else {
      throw TrainingError.cannotWrite(path: path, reason: "it holds a run (hint: another --out)")
    }
    let kept = resumes ? [] : kept
    guard kept.isEmpty || !FileManager.default.fileExists(atPath: marker) else {
      throw TrainingError.cannotWrite(
        path: path,
        reason:
          "it holds \(kept.count) runs of a comparison that was stopped (hint: --resume, or another --out)")
    }
    lock.sweep(path) { _ in false }
    lock.sweep(folder) { Self.isRun($0) || $0 == Self.markerName }
  }

  /// Whether a directory holds a comparison, whole or begun.
  static func holdsComparison(_ path: String) -> Bool {
    ["compare.json", "runs/" + markerName].contains { FileManager.default.fileExists(atPath: path + "/" + $0) }
  }

  private static func isRun(_ name: String) -> Bool { name.wholeMatch(of: /[0-9a-f]{16}\.safetensors/) != nil }

  /// Files of runs.
  private var kept: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter(Self.isRun)
  }

  /// The comparison begins: its data was read, and nothing is known to be wrong.
  ///
  /// Runs of a comparison that came to its end are removed, unless this one is to go on with them.
  func begin() throws {
    if !resumes { for name in kept { try? FileManager.default.removeItem(atPath: folder + "/" + name) } }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw TrainingError.cannotWrite(path: folder, reason: "the directory cannot be made")
    }
    try DurableFile.replace(marker, with: Data())
  }

  /// The comparison is at its end, and what it came to is written.
  public func finish() { try? FileManager.default.removeItem(atPath: marker) }

  /// A run's key with paths below the directory as they are from there, so that it can be moved.
  func movable(_ key: String) -> String {
    // Paths are texts in quotes.
    key.replacing("\"" + FilePath.absolute(path) + "/", with: "\"")
  }

  private func file(_ key: String) -> String {
    // FNV-1a: what two keys of one fingerprint would do is caught by the key in the file.
    let fingerprint = key.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let name = String(fingerprint, radix: 16)
    return folder + "/" + String(repeating: "0", count: 16 - name.count) + name + ".safetensors"
  }

  /// What is kept of a run; nil when that is nothing, or nothing that is whole.
  ///
  /// - Throws: `TrainingError.cannotResume` when it was begun on another number of threads.
  func stored(_ key: String, threads: Int) throws -> StoredRun? {
    let file = file(key)
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    do {
      return try StoredRun(file, key: key, threads: threads)
    } catch TrainingError.damaged {
      return nil
    }
  }

  /// Keeps a run, all of it or as far as it is.
  func save(_ run: StoredRun, _ trainer: AlignmentTrainer?, threads: Int) throws {
    try DurableFile.replace(file(run.key), with: run.data(trainer, threads: threads))
  }
}
