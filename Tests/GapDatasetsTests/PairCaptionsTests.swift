import Foundation
import TestFolders
import Testing

@testable import GapDatasets

/// A caption for each pair: as text, as JSON lines, and what is no such file.
@Suite struct PairCaptionsTests {
  private static func file(_ text: String) throws -> String {
    let path = try TestFolder.make() + "/captions"
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  @Test(arguments: [
    ("a dog\ntwo, \"cats\"\n", ["a dog", "two, \"cats\""]), ("a dog\r\nb", ["a dog", "b"]),
    ("\u{FEFF}é\n b \n", ["é", " b "]),
    ("{\"caption\": \"a\\nb\", \"image\": \"x\"}\n{\"caption\": \"c\"}", ["a\nb", "c"]),
  ])
  func areTheLinesOfAFile(text: String, captions: [String]) throws {
    #expect(try PairCaptions(path: Self.file(text), pairs: captions.count).captions == captions)
  }

  @Test(arguments: [
    ("a\n\nb\n", 3, "line 2: expected a caption, found an empty line"),
    ("a\nb\n", 3, "expected one caption for each of 3 pairs, found 2"),
    ("", 2, "expected one caption for each of 2 pairs, found 0"),
    ("{\"caption\": \"a\"}\n{\"text\": \"b\"}\n", 2, "line 2: expected the key \"caption\", found none"),
    ("{\"caption\": 1}\n", 1, "line 1: expected a text as \"caption\""),
    ("{\"caption\": \"  \"}\n", 1, "line 1: expected a caption, found an empty one"),
    ("{\"caption\": \"a\"\n", 1, "line 1: expected JSON"),
  ])
  func whatIsNoneIsSaidWithItsLine(text: String, pairs: Int, message: String) throws {
    let path = try Self.file(text)
    let error = try #require(throws: DatasetError.self) { try PairCaptions(path: path, pairs: pairs) }
    #expect(error.description.contains(message), "\(error.description)")
  }

  @Test func bytesThatAreNoTextAndFilesThatAreNotThere() throws {
    let path = try Self.file("")
    try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: URL(filePath: path))
    let error = try #require(throws: DatasetError.self) { try PairCaptions(path: path, pairs: 2) }
    #expect(error.description.contains("line 2: expected a caption in UTF-8"))
    let missing = try #require(throws: DatasetError.self) { try PairCaptions(path: path + "-none", pairs: 2) }
    #expect(missing.isMissingInput)
  }
}
