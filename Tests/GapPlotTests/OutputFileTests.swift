import Foundation
import GapImages
import GapPlot
import Testing

/// Figures are written whole or not at all.
@Suite struct OutputFileTests {
  static let figure = Figure([.histogram(Samples.cosines())])

  /// A directory of its own for one test, removed afterwards.
  static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appending(path: "figures-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
      try? FileManager.default.removeItem(atPath: path)
    }
    return try body(path)
  }

  static func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  /// Writes where it must fail and returns the reason.
  static func refused(_ path: String, format: FigureFormat? = nil) -> String? {
    let error = #expect(throws: PlotError.self) { try figure.write(to: path, format: format) }
    guard case .cannotWrite(let named, let reason) = error else {
      Issue.record("expected cannotWrite, found \(String(describing: error))")
      return nil
    }
    #expect(named == path)
    return reason
  }

  @Test(arguments: FigureFormat.allCases)
  func aFigureIsWrittenUnderItsNameAlone(format: FigureFormat) throws {
    try Self.withDirectory { directory in
      let path = directory + "/cosines." + format.rawValue
      try Self.figure.write(to: path)
      #expect(try Self.names(directory) == ["cosines." + format.rawValue])
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      #expect(try bytes == Self.figure.scene().encoded(as: format))
    }
  }

  @Test func anOlderFileIsReplacedAndALinkKept() throws {
    try Self.withDirectory { directory in
      let target = directory + "/old.png"
      try Data("old".utf8).write(to: URL(filePath: target))
      try FileManager.default.createSymbolicLink(atPath: directory + "/link.png", withDestinationPath: target)
      try Self.figure.write(to: directory + "/link.png")
      #expect(try Self.names(directory) == ["link.png", "old.png"])
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/link.png") == target)
      #expect(try PNGImage(decoding: [UInt8](Data(contentsOf: URL(filePath: target)))).width == 1000)
    }
  }

  @Test func aMissingDirectoryIsAnError() throws {
    try Self.withDirectory { directory in
      #expect(Self.refused(directory + "/missing/a.png") == "No such file or directory")
      let names = try Self.names(directory)
      #expect(names.isEmpty)
    }
  }

  @Test func aDirectoryInTheWayIsAnError() throws {
    try Self.withDirectory { directory in
      try FileManager.default.createDirectory(
        atPath: directory + "/a.png", withIntermediateDirectories: false)
      #expect(Self.refused(directory + "/a.png") == "Is a directory")
      #expect(Self.refused(directory + "/a.png/b/c.svg") == "No such file or directory")
      #expect(try Self.names(directory) == ["a.png"])
      #expect(try Self.names(directory + "/a.png").isEmpty)
    }
  }

  @Test func aFileInPlaceOfADirectoryIsAnError() throws {
    try Self.withDirectory { directory in
      try Data("x".utf8).write(to: URL(filePath: directory + "/file"))
      #expect(Self.refused(directory + "/file/a.png") == "Not a directory")
      #expect(try Data(contentsOf: URL(filePath: directory + "/file")) == Data("x".utf8))
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
  func aDirectoryWithoutPermissionIsAnError() throws {
    try Self.withDirectory { directory in
      try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: directory)
      #expect(Self.refused(directory + "/a.png") == "Permission denied")
      #expect(try Self.names(directory).isEmpty)
    }
  }

  /// `/dev/full` takes no byte, as a full disk.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDiskIsAnError() throws {
    #expect(Self.refused("/dev/full", format: .png) == "No space left on device")
    try Self.withDirectory { directory in
      let link = directory + "/full.pdf"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/full")
      #expect(Self.refused(link) == "No space left on device")
      #expect(try Self.names(directory) == ["full.pdf"])
    }
  }

  @Test func namesThatAreNoneAreErrors() {
    #expect(Self.refused("", format: .png) == "not a file name")
    #expect(Self.refused("a\u{0}.png") == "not a file name")
    #expect(throws: PlotError.format(path: "a.jpeg")) { try Self.figure.write(to: "a.jpeg") }
  }
}
