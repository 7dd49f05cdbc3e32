import Foundation
import GapDatasets
import Testing

@Suite struct CaptionedImagesTests {
  /// Writes a file beside the images a.png and b.png, and reads it.
  private static func read(_ bytes: [UInt8], name: String = "pairs", images: [String] = ["a.png", "b.png"])
    throws
    -> [CaptionedImage]
  {
    let folder = FileManager.default.temporaryDirectory.appending(path: "captions-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for image in images { try Data().write(to: folder.appending(path: image)) }
    let path = folder.path + "/" + name
    try Data(bytes).write(to: URL(filePath: path))
    return try CaptionedImages(path: path).records.map { record in
      #expect(record.image.hasPrefix(folder.path + "/"))
      return record
    }
  }

  @Test(.timeLimit(.minutes(1))) func headerOfManyColumnsTakesTimeInProportion() throws {
    let names = (0..<300_000).map { "c\($0)" }.joined(separator: ",")
    #expect(throws: DatasetError.self) { try Self.read(Array((names + "\n").utf8)) }
    #expect(throws: DatasetError.self) { try Self.read(Array((names + ",c0\n").utf8)) }
  }

  @Test(arguments: [("im\\u0061ges", "annotations"), ("images", "\\u0061nnotations")])
  func listsUnderEscapedKeysAreNotPassedOver(images: String, annotations: String) {
    let text =
      "{\"\(images)\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"\(annotations)\": [{\"image_id\": 1, \"caption\": \"c\"}]}"
    do {
      Issue.record("read: \(try Self.read(Array(text.utf8)))")
    } catch {
      #expect("\(error)".contains("without escapes"), "\(error)")
    }
  }

  @Test func whatALineSaysStaysOnOneLineOfTheMessage() throws {
    let id = "x\\n\\u001b[31m" + String(repeating: "y", count: 100_000)
    let text =
      "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"annotations\": [{\"image_id\": \"\(id)\", \"caption\": \"c\"}]}"
    do {
      _ = try Self.read(Array(text.utf8))
      Issue.record("read")
    } catch let error as DatasetError {
      let message = error.description
      #expect(message.utf8.count < 3000 && message.contains("x\\u{a}\\u{1b}[31m"), "\(message.prefix(300))")
      #expect(!message.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
  }

  /// A record in one line: image without its folder, caption, id, line.
  private static func shown(_ record: CaptionedImage) -> String {
    "\(record.image.split(separator: "/").last ?? "")|\(record.caption)|\(record.id ?? "-")|\(record.line)"
  }

  @Test(arguments: [
    (
      "{\"image\": \"a.png\", \"caption\": \"one\"}\n{\"id\": 7, \"image\": \"b.png\", \"caption\": \"zwei ü\"}\r\n",
      ["a.png|one|-|1", "b.png|zwei ü|7|2"]
    ),
    (
      "\u{FEFF}{\"image\": \"a.png\", \"caption\": \"one\", \"id\": \"x\", \"annotations\": null}",
      []
    ),
    (
      "[\n {\"id\": \"x\", \"image\": \"a.png\",\n  \"conversations\": [{\"from\": \"human\", \"value\": \"<image>\\nWhat, [\\\"?\"},\n   {\"from\": \"gpt\", \"value\": \"A dog.\"}, {\"from\": \"gpt\", \"value\": \"No.\"}]},\n\n {\"image\": \"b.png\", \"conversations\": [{\"from\": \"gpt\", \"value\": \"B\"}]}\n]\n",
      ["a.png|A dog.|x|2", "b.png|B|-|6"]
    ),
    (
      "{\n\"info\": {\"images\": [1]},\n\"images\": [{\"id\": 1, \"file_name\": \"a.png\"},\n {\"id\": 2, \"file_name\": \"b.png\"}],\n\"annotations\": [\n {\"image_id\": 2, \"id\": 9, \"caption\": \"x\"},\n {\"image_id\": 1, \"caption\": \"y\"}, {\"image_id\": 2, \"caption\": \"z\"}]}",
      ["b.png|x|2|6", "a.png|y|1|7", "b.png|z|2|7"]
    ),
    (
      "{\"annotations\": [{\"image_id\": \"1\", \"caption\": \"y\"}], \"images\": [{\"id\": \"1\", \"file_name\": \"a.png\"}]}",
      ["a.png|y|1|1"]
    ),
    (
      "\u{FEFF}image,caption,id\r\na.png,\"one, \"\"two\"\"\r\nthree\",7\r\nb.png,plain,8",
      ["a.png|one, \"two\"\r\nthree|7|2", "b.png|plain|8|4"]
    ),
    ("Title\tfilepath\tother\nx \"y\" z\ta.png\t\n", ["a.png|x \"y\" z|-|2"]),
    ("text,image,title,caption\n1,a.png,2,3\n", ["a.png|3|-|2"]),
  ])
  func everyFormatIsReadWithItsLines(text: String, expected: [String]) throws {
    if expected.isEmpty {
      // An object with COCO's keys is COCO's, on one line or several.
      #expect(throws: DatasetError.self) { try Self.read(Array(text.utf8)) }
      return
    }
    #expect(try Self.read(Array(text.utf8)).map(Self.shown) == expected)
  }

  @Test(arguments: [
    (
      "{\"image\": \"a.png\", \"caption\": \"x\"}\n\n{\"image\": \"a.png\", \"caption\": \"x\"}", 2,
      "empty line"
    ),
    ("{\"image\": \"a.png\", \"caption\": \"x\"}\n{\"image\": \"a.png\"}", 2, "\"caption\""),
    ("{\"image\": \"a.png\", \"caption\": \" \\t\"}", 1, "empty"),
    ("{\"image\": 3, \"caption\": \"x\"}", 1, "a number"),
    ("{\"image\": \"a.png\", \"caption\": null}", 1, "null"),
    ("{\"image\": \"a.png\", \"caption\": \"x\", \"id\": 1.5}", 1, "\"id\""),
    ("{\"image\": \"a.png\", \"image\": \"b.png\", \"caption\": \"x\"}", 1, "twice"),
    ("{\"image\": \"a.png\", \"caption\": \"x\"}\n{\"image\": \"a.png\", \"caption\": \"x\"", 2, "JSON"),
    ("{\"image\": \"a.png\", \"caption\": \"x\"}\n[]", 2, "a list"),
    ("[\n{\"conversations\": [{\"from\": \"gpt\", \"value\": \"B\"}]}]", 2, "\"image\""),
    ("[\n\n{\"image\": \"a.png\", \"conversations\": [{\"from\": \"human\", \"value\": \"B\"}]}]", 3, "gpt"),
    ("[{\"image\": \"a.png\", \"caption\": \"x\"},\n4]", 2, "a number"),
    ("[{\"image\": \"a.png\",\n \"caption\": x}]", 2, "JSON"),
    (
      "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"},\n{\"id\": 1, \"file_name\": \"b.png\"}], \"annotations\": []}",
      2, "once"
    ),
    ("{\"images\": [],\n\"annotations\": [\n{\"image_id\": 4, \"caption\": \"x\"}]}", 3, "image_id 4"),
    ("image,caption\na.png\n", 2, "2 fields"),
    ("image,caption\na.png,x\nb.png,\n", 3, "empty"),
    ("image,caption\n,x\n", 2, "empty path"),
    ("image,caption,id\na.png,x,\n", 2, "an id"),
    ("image,caption\na.png,\"x\nb.png,y\n", 2, "quoted"),
    ("image,caption\na.png,\"x\"y\n", 2, "separator"),
    ("image,image\na.png,x\n", 1, "twice"),
    ("picture,caption\na.png,x\n", 1, "filepath"),
    ("image,title,text\na.png,x,y\n", 1, "several"),
  ])
  func aBadLineIsNamed(text: String, line: Int, part: String) throws {
    let error = try #require(throws: DatasetError.self) { try Self.read(Array(text.utf8)) }
    #expect(error.description.contains("line \(line): "), "\(error)")
    #expect(error.description.contains(part), "\(error)")
    #expect(!error.description.contains("\n") && !error.isMissingInput)
  }

  @Test(arguments: [
    "image,caption\na.png,x\nb.png,",
    "{\"image\": \"a.png\", \"caption\": \"x\"}\n{\"image\": \"b.png\", \"caption\": \"",
  ])
  func otherEncodingsAreRefused(start: String) throws {
    let ending: [UInt8] = [0xE4] + (start.hasPrefix("{") ? Array("\"}".utf8) : [])
    let line = start.hasPrefix("{") ? 2 : 3
    let error = try #require(throws: DatasetError.self) { try Self.read(Array(start.utf8) + ending) }
    #expect(error.description.contains("line \(line): expected UTF-8"), "\(error)")
  }

  @Test func missingImagesAreNamed() throws {
    let error = try #require(throws: DatasetError.self) {
      try Self.read(Array("image,caption\na.png,x\nc.png,y\n".utf8))
    }
    #expect(error.isMissingInput)
    #expect(error.description.contains("line 3: no such image: ") && error.description.contains("/c.png"))
  }

  /// A folder's path may be long: the name at its end says which image it is.
  @Test func aMissingImageUnderALongPathIsNamedToItsEnd() throws {
    let folder = String(repeating: "folder/", count: 100)
    let error = try #require(throws: DatasetError.self) {
      try Self.read(Array("image,caption\n\(folder)gone.png,y\n".utf8))
    }
    #expect(error.description.contains("…") && error.description.contains("/gone.png (paths are"))
    let image = folder.prefix(300) + "/gone.png"
    let one = DatasetError.imageMissing(path: "p", line: 1, image: String(image))
    #expect(one.description.hasPrefix("p: line 1: no such image: \(image) (paths are"))
  }

  @Test func missingAndEmptyFilesAreNamed() throws {
    let missing = try #require(throws: DatasetError.self) { try CaptionedImages(path: "/nowhere/pairs.jsonl") }
    #expect(missing.isMissingInput)
    for text in ["", " \n", "[]", "image,caption\n"] {
      let error = try #require(throws: DatasetError.self) { try Self.read(Array(text.utf8)) }
      #expect(error.description.hasSuffix("expected images and captions, found none"), "\(error)")
    }
  }

  /// Every prefix of a good file is read or refused, and none traps.
  @Test func truncationNeverTraps() throws {
    for text in [
      "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"annotations\": [{\"image_id\": 1, \"caption\": \"\\u00fc\"}]}",
      "[{\"image\": \"a.png\", \"conversations\": [{\"from\": \"gpt\", \"value\": \"B\"}]}]",
    ] {
      let bytes = Array(text.utf8)
      for count in bytes.indices {
        #expect(throws: DatasetError.self, "\(count) bytes") { try Self.read(Array(bytes[..<count])) }
      }
    }
  }
}
