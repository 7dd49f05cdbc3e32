import Foundation
import GapDatasets
import GapMetrics
import GapTensorFiles
import Testing

@Suite struct PairIDsTests {
  static func ids(_ bytes: [UInt8]) throws -> [String] {
    try PairsFile.withDirectory { directory in
      try PairIDs(path: PairsFile.write(Data(bytes), directory + "/ids.txt").path).ids
    }
  }

  static func ids(_ text: String) throws -> [String] { try ids(Array(text.utf8)) }

  @Test func oneIDALine() throws {
    #expect(try Self.ids("a\nb\na\n") == ["a", "b", "a"])
    #expect(try Self.ids("a\nb") == ["a", "b"])
    #expect(try Self.ids("a\r\nb\r\n") == ["a", "b"])
    #expect(try Self.ids(" a b\t\n7\n") == [" a b\t", "7"])
    #expect(try Self.ids("größe\n猫\n") == ["größe", "猫"])
    #expect(try Self.ids("") == [])
  }

  /// Letters that look alike but differ in their bytes are different ids to a user's other tools.
  @Test func idsAreNotFolded() throws {
    #expect(try Self.ids("A\na\n01\n1\n") == ["A", "a", "01", "1"])
  }

  @Test func linesThatAreNoIDsAreNamedByNumber() throws {
    try PairsFile.withDirectory { directory in
      let path = directory + "/ids.txt"
      let faults: [(bytes: [UInt8], line: Int, expected: String, found: String)] = [
        (Array("a\n\nb\n".utf8), 2, "an id", "an empty line"),
        (Array("\n".utf8), 1, "an id", "an empty line"),
        (Array("a\r\n\r\n".utf8), 2, "an id", "an empty line"),
        (Array("a\nb\n\n".utf8), 3, "an id", "an empty line"),
        (Array("a\n".utf8) + [0xFF, 0xFE, 0x0A], 2, "an id in UTF-8", "other bytes"),
      ]
      for fault in faults {
        _ = try PairsFile.write(Data(fault.bytes), path)
        #expect(
          throws: DatasetError.badLine(
            path: path, line: fault.line, expected: fault.expected, found: fault.found)
        ) { try PairIDs(path: path) }
      }
    }
  }

  @Test func aMissingFileAndADirectoryAreMissingInput() throws {
    try PairsFile.withDirectory { directory in
      for path in [directory, directory + "/missing.txt"] {
        let error = #expect(throws: DatasetError.self) { try PairIDs(path: path) }
        #expect(error?.isMissingInput == true)
        #expect(error?.description.hasPrefix(path) == true)
      }
    }
  }
}
