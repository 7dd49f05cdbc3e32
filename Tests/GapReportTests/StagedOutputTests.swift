import Foundation
import GapReport
import Testing

/// A directory is filled all at once or stays as it was.
@Suite struct StagedOutputTests {
  static func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test func committedFilesLieUnderTheirNamesAlone() throws {
    try withDirectory { directory in
      let out = directory + "/a/b/c"
      let staged = try StagedOutput(directory: out)
      try staged.write(Data("1".utf8), to: "one")
      try Data("2".utf8).write(to: URL(filePath: staged.path("two")))
      #expect(!Self.exists(out + "/one"))
      try staged.commit()
      #expect(try Self.names(out) == ["one", "two"])
      #expect(try Self.text(out + "/one") == "1")
      #expect(try Self.text(out + "/two") == "2")
    }
  }

  @Test func olderFilesAreReplacedAndOthersStay() throws {
    try withDirectory { directory in
      for name in ["one", "mine"] { try Data("old".utf8).write(to: URL(filePath: directory + "/" + name)) }
      let staged = try StagedOutput(directory: directory)
      try staged.write(Data("new".utf8), to: "one")
      #expect(try Self.text(directory + "/one") == "old")
      try staged.commit()
      #expect(try Self.names(directory) == ["mine", "one"])
      #expect(try Self.text(directory + "/one") == "new")
      #expect(try Self.text(directory + "/mine") == "old")
    }
  }

  struct Failure: Error {}

  /// Writes one file and fails before the second.
  static func failHalfway(_ directory: String) throws {
    let staged = try StagedOutput(directory: directory)
    try staged.write(Data("new".utf8), to: "one")
    throw Failure()
  }

  @Test(arguments: ["new", "a/b/c", "trailing/slash/"])
  func aFailureInTheMiddleLeavesNoDirectoryBehind(name: String) throws {
    try withDirectory { directory in
      #expect(throws: Failure.self) { try Self.failHalfway(directory + "/" + name) }
      let names = try Self.names(directory)
      #expect(names.isEmpty)
    }
  }

  @Test func aFailureInTheMiddleLeavesWhatWasThere() throws {
    try withDirectory { directory in
      try Data("old".utf8).write(to: URL(filePath: directory + "/one"))
      #expect(throws: Failure.self) { try Self.failHalfway(directory) }
      #expect(try Self.names(directory) == ["one"])
      #expect(try Self.text(directory + "/one") == "old")
    }
  }

  @Test func whatOthersPutIntoANewDirectoryStays() throws {
    try withDirectory { directory in
      let out = directory + "/a/b"
      let staged = try StagedOutput(directory: out)
      try Data("mine".utf8).write(to: URL(filePath: directory + "/a/mine"))
      staged.discard()
      #expect(try Self.names(directory) == ["a"])
      #expect(try Self.names(directory + "/a") == ["mine"])
    }
  }

  @Test func aDirectoryInTheWayIsKeptAndNothingIsMoved() throws {
    try withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory + "/two", withIntermediateDirectories: false)
      try Data("mine".utf8).write(to: URL(filePath: directory + "/two/mine"))
      do {
        let staged = try StagedOutput(directory: directory)
        try staged.write(Data("1".utf8), to: "one")
        try staged.write(Data("2".utf8), to: "two")
        #expect(throws: ReportError.cannotWrite(path: directory + "/two", reason: "a directory is in the way"))
        {
          try staged.commit()
        }
      }
      #expect(try Self.names(directory) == ["two"])
      #expect(try Self.text(directory + "/two/mine") == "mine")
    }
  }

  /// A process that was killed leaves its folder; another of the same number must not take it for its own.
  @Test func whatAKilledProcessLeftIsNotCommitted() throws {
    try withDirectory { directory in
      let number = ProcessInfo.processInfo.processIdentifier
      for old in [".partial-\(number)", ".partial-\(number)-0"] {
        try FileManager.default.createDirectory(
          atPath: directory + "/" + old, withIntermediateDirectories: false)
        try Data("half".utf8).write(to: URL(filePath: directory + "/\(old)/half"))
      }
      let staged = try StagedOutput(directory: directory)
      try staged.write(Data("1".utf8), to: "one")
      try staged.commit()
      #expect(!Self.exists(directory + "/half"))
      #expect(try Self.text(directory + "/one") == "1")
    }
  }

  @Test func twoOutputsInOneDirectoryDoNotMix() throws {
    try withDirectory { directory in
      let first = try StagedOutput(directory: directory)
      let second = try StagedOutput(directory: directory)
      try first.write(Data("1".utf8), to: "one")
      try second.write(Data("2".utf8), to: "two")
      try first.commit()
      #expect(try Self.names(directory).filter { !$0.hasPrefix(".") } == ["one"])
      second.discard()
      #expect(try Self.names(directory) == ["one"])
    }
  }

  @Test func aFileInPlaceOfTheDirectoryIsNamed() throws {
    try withDirectory { directory in
      let path = directory + "/file"
      try Data("mine".utf8).write(to: URL(filePath: path))
      for out in [path, path + "/a", path + "/a/b"] {
        let error = #expect(throws: ReportError.self) { try StagedOutput(directory: out) }
        guard case .cannotWrite(let named, let reason) = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(named == out)
        #expect(!reason.isEmpty)
      }
      #expect(try Self.text(path) == "mine")
      #expect(try Self.names(directory) == ["file"])
    }
  }

  @Test func aFileThatCannotBeWrittenIsNamedByItsFinalPlace() throws {
    try withDirectory { directory in
      let out = directory + "/out"
      do {
        let staged = try StagedOutput(directory: out)
        try staged.write(Data("1".utf8), to: "one")
        let error = #expect(throws: ReportError.self) { try staged.write(Data("2".utf8), to: "no/such/folder") }
        #expect(error?.description.hasPrefix(out + "/no/such/folder: cannot be written: ") == true)
      }
      #expect(!Self.exists(out))
    }
  }
}
