import Foundation
import GapTraining
import TestFolders
import Testing

/// Files that are there whole or as they were, and the lock of a directory.
@Suite struct DurableFileTests {
  static func scratch() throws -> String { try TestFolder.make() }

  private static func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func theFileBeforeIsKeptUnderItsName() throws {
    let folder = try Self.scratch()
    for text in ["one", "two", "three"] {
      try DurableFile.replace(
        folder + "/state", with: Data(text.utf8), keepingPreviousAs: folder + "/previous")
    }
    #expect(Self.text(folder + "/state") == "three" && Self.text(folder + "/previous") == "two")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
  }

  /// `/dev/full` takes nothing.
  @Test func aFullDiskLeavesWhatWasThere() throws {
    let folder = try Self.scratch()
    try DurableFile.replace(folder + "/state", with: Data("good".utf8))
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/state.partial", withDestinationPath: "/dev/full")
    #expect {
      try DurableFile.replace(
        folder + "/state", with: Data("new".utf8), keepingPreviousAs: folder + "/previous")
    } throws: { error in
      error as? TrainingError
        == .cannotWrite(path: folder + "/state", reason: "No space left on device")
    }
    #expect(Self.text(folder + "/state") == "good")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["state"])
    try FileManager.default.createSymbolicLink(atPath: folder + "/lines", withDestinationPath: "/dev/full")
    #expect(throws: TrainingError.self) { try DurableFile.append(Data("line".utf8), to: folder + "/lines") }
  }

  @Test func aDirectoryHasOneOwnerAtATime() throws {
    let folder = try Self.scratch() + "/made/here"
    var first: DirectoryLock? = try DirectoryLock(folder)
    #expect(first?.directory == folder)
    #expect(throws: TrainingError.self) { try DirectoryLock(folder) }
    first = nil
    _ = try DirectoryLock(folder)
  }

  @Test func sweepingTakesWhatDeadProcessesLeft() throws {
    let folder = try Self.scratch()
    let lock = try DirectoryLock(folder)
    // No process has this number; process 1 always lives.
    for name in [".partial-2147483646-0", ".partial-1-0"] {
      try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: false)
    }
    // What others left has such names, too.
    let foreign = ["download.partial", ".partial-2147483646", ".partial-2147483646-0-copy"]
    for name in ["state.safetensors.partial", "state.safetensors"] + foreign {
      try Data().write(to: URL(filePath: folder + "/" + name))
    }
    try FileManager.default.createDirectory(
      atPath: folder + "/config.yaml.partial", withIntermediateDirectories: false)
    lock.sweep(folder) { ["state.safetensors", "config.yaml"].contains($0) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        == ([".lock", ".partial-1-0", "config.yaml.partial", "state.safetensors"] + foreign).sorted())
  }
}
