import Testing

@testable import GapTensorFiles

@Suite struct SafetensorsFileTests {
  private static func place(_ item: String? = "a", _ byte: Int? = nil) -> TensorFileError.Place {
    .init(path: "a.safetensors", item: item, byte: byte)
  }

  private static func one(
    _ type: String = "F32", _ shape: String = "[2]", _ offsets: String = "[0,8]", data: Int = 8
  ) -> [UInt8] {
    BrokenFile.safetensors(
      #"{"a":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#,
      data: [UInt8](repeating: 0, count: data))
  }

  private static func two(_ first: String, _ second: String, data: Int) -> [UInt8] {
    BrokenFile.safetensors(
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":\#(first)},"b":{"dtype":"U8","shape":[4],"data_offsets":\#(second)}}"#,
      data: [UInt8](repeating: 0, count: data))
  }

  static let broken: [(String, [UInt8], TensorFileError)] = [
    ("shorter than its length", [1, 2, 3], .truncated(place(nil, 0), expected: 8, found: 3)),
    (
      "header of more than 100 MB", BrokenFile.safetensors("{}", length: 100_000_001),
      .headerTooLong(place(nil, 0), limit: 100_000_000, found: 100_000_001)
    ),
    (
      "length of 2^64 - 1", BrokenFile.safetensors("{}", length: .max),
      .headerTooLong(place(nil, 0), limit: 100_000_000, found: Int.max)
    ),
    (
      "header past the end", BrokenFile.safetensors("{}", length: 90),
      .truncated(place(nil, 8), expected: 90, found: 2)
    ),
    (
      "no object", BrokenFile.safetensors("[1]"),
      .malformed(place(nil, 8), expected: "'{' as the header's first byte", found: "bytes 5b 31 5d")
    ),
    (
      "broken JSON", BrokenFile.safetensors("{\"a\":}"),
      .malformed(place(nil, 13), expected: "a JSON value", found: "'}'")
    ),
    (
      "text after the object", BrokenFile.safetensors("{} x"),
      .malformed(place(nil, 11), expected: "the end of the JSON text", found: "'x'")
    ),
    (
      "not UTF-8", BrokenFile.little(UInt64(6)) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D],
      .invalidText(place(nil, 10))
    ),
    (
      "nesting", BrokenFile.safetensors("{\"a\":" + String(repeating: "[", count: 500)),
      .nestedTooDeep(place(nil, 44), limit: 32)
    ),
    ("key twice", BrokenFile.safetensors(#"{"a":{},"a":{}}"#), .duplicateName(place(nil, 16), name: "a")),
    (
      "field twice", BrokenFile.safetensors(#"{"a":{"dtype":"U8","dtype":"F32"}}"#),
      .duplicateName(place(nil, 27), name: "dtype")
    ),
    (
      "metadata no object", BrokenFile.safetensors(#"{"__metadata__":1}"#),
      .malformed(place("__metadata__"), expected: "an object of strings", found: "another value")
    ),
    (
      "metadata no strings", BrokenFile.safetensors(#"{"__metadata__":{"n":1}}"#),
      .malformed(place("__metadata__"), expected: "a string as 'n'", found: "another value")
    ),
    (
      "tensor no object", BrokenFile.safetensors(#"{"a":1}"#),
      .malformed(place(), expected: "an object with dtype, shape, data_offsets", found: "another value")
    ),
    ("no dtype", BrokenFile.safetensors(#"{"a":{}}"#), .malformed(place(), expected: "a dtype", found: "none")),
    ("unknown dtype", one("F7"), .unknownElementType(place(), found: "F7")),
    ("negative size", one("F32", "[-2]"), .invalidShape(place(), found: "(-2)")),
    (
      "fraction as size", one("F32", "[2.0]"),
      .malformed(place(), expected: "integers of 64 bits in shape", found: "2.0")
    ),
    (
      "overflowing product", one("F32", "[4294967296,4294967296]"),
      .sizeOverflow(place(), shape: [1 << 32, 1 << 32])
    ),
    ("one offset", one("F32", "[2]", "[0]"), .malformed(place(), expected: "two data_offsets", found: "1")),
    ("offsets past the end", one("F32", "[2]", "[0,9]"), .outOfRange(place(), start: 0, end: 9, limit: 8)),
    ("offsets backwards", one("F32", "[2]", "[8,0]"), .outOfRange(place(), start: 8, end: 0, limit: 8)),
    ("offset below zero", one("F32", "[2]", "[-8,0]"), .outOfRange(place(), start: -8, end: 0, limit: 8)),
    ("more bytes than the shape", one("F32", "[1]"), .sizeMismatch(place(), expected: 4, found: 8)),
    ("bytes after the last tensor", one(data: 9), .hole(place("end of data"), expected: 8, found: 9)),
    ("hole", two("[0,4]", "[5,9]", data: 9), .hole(place("b"), expected: 4, found: 5)),
    ("hole at the start", one("F32", "[1]", "[4,8]"), .hole(place(), expected: 0, found: 4)),
    ("overlap", two("[0,4]", "[2,6]", data: 6), .overlap(place("b"), with: "a")),
    (
      "half a byte", one("F4", "[3]", "[0,8]"),
      .malformed(place(), expected: "a whole number of bytes", found: "12 bits")
    ),
  ]

  @Test(arguments: broken.indices) func brokenFile(_ index: Int) throws {
    let (name, bytes, error) = Self.broken[index]
    #expect(throws: error, Comment(rawValue: name)) { try Fixture.open(bytes, as: "a.safetensors") }
  }

  @Test func everyOtherTypeIsListedAndRefused() throws {
    for (type, shape, size) in [
      ("BOOL", "[8]", 8), ("I64", "[1]", 8), ("F8_E4M3", "[8]", 8), ("F4", "[2,8]", 8), ("F6_E3M2", "[4]", 3),
    ] {
      let file = try Fixture.open(Self.one(type, shape, "[0,\(size)]", data: size), as: "a.safetensors")
      let tensor = try file.tensor(named: "a")
      #expect(tensor.elementType.name == type)
      #expect(throws: TensorFileError.notNumbers(Self.place(), type: tensor.elementType)) {
        let _: [Double] = try tensor.elements()
      }
    }
  }
}
