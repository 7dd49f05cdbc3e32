import Testing

@testable import GapTensorFiles

@Suite struct GGUFFileTests {
  private static func place(_ byte: Int?, _ item: String? = nil) -> TensorFileError.Place {
    .init(path: "a.gguf", item: item, byte: byte)
  }

  private static let floats: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]

  private static func one(_ sizes: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, data: [UInt8] = floats)
    -> [UInt8]
  {
    BrokenFile.gguf(tensors: 1, BrokenFile.ggufTensor("w", sizes, type: type, offset: offset), data: data)
  }

  private static func entry(_ key: String = "k", type: UInt32, _ value: [UInt8]) -> [UInt8] {
    BrokenFile.gguf(entries: 1, BrokenFile.ggufEntry(key, type: type, value))
  }

  private static let nested: [UInt8] = (0..<9).flatMap { _ in
    BrokenFile.little(UInt32(9)) + BrokenFile.little(UInt64(1))
  }

  static let broken: [(String, [UInt8], TensorFileError)] = [
    (
      "version 1", BrokenFile.gguf(version: 1),
      .unsupported(place(0), found: "GGUF version 1", hint: "versions 2 and 3 are")
    ),
    (
      "version 4", BrokenFile.gguf(version: 4),
      .unsupported(place(0), found: "GGUF version 4", hint: "versions 2 and 3 are")
    ),
    (
      "big-endian", BrokenFile.gguf(version: 3 << 24),
      .unsupported(place(0), found: "a big-endian GGUF file", hint: "convert it to little-endian")
    ),
    (
      "2^64 - 1 tensors", BrokenFile.gguf(tensors: .max),
      .tooMany(place(8), what: "tensors", limit: 0, found: Int.max)
    ),
    (
      "a billion entries", BrokenFile.gguf(entries: 1 << 30),
      .tooMany(place(16), what: "metadata entries", limit: 0, found: 1 << 30)
    ),
    (
      "key past the end", BrokenFile.gguf(entries: 1, BrokenFile.little(UInt64(900)) + [0, 0, 0, 0, 0]),
      .truncated(place(32), expected: 900, found: 5)
    ),
    (
      "key of 2^63 bytes", BrokenFile.gguf(entries: 1, BrokenFile.little(UInt64(1) << 63) + [0, 0, 0, 0, 0]),
      .malformed(place(24), expected: "a size", found: "9223372036854775808")
    ),
    (
      "key not UTF-8", BrokenFile.gguf(entries: 1, BrokenFile.little(UInt64(1)) + [0xFF, 0, 0, 0, 0, 1]),
      .invalidText(place(32))
    ),
    (
      "key twice",
      BrokenFile.gguf(
        entries: 2, BrokenFile.ggufEntry("k", type: 0, [1]) + BrokenFile.ggufEntry("k", type: 0, [1])),
      .duplicateName(place(38), name: "k")
    ),
    ("unknown value type", entry(type: 13, [0]), .unknownElementType(place(33), found: "metadata type 13")),
    ("truth value 2", entry(type: 7, [2]), .malformed(place(37), expected: "0 or 1 as truth", found: "2")),
    (
      "array past the end", entry(type: 9, BrokenFile.little(UInt32(4)) + BrokenFile.little(UInt64(1) << 40)),
      .tooMany(place(37), what: "array elements", limit: 0, found: 1 << 40)
    ),
    (
      "arrays too deep", entry(type: 9, nested + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      .nestedTooDeep(place(37 + 8 * 12), limit: 8)
    ),
    (
      "alignment 0", entry("general.alignment", type: 4, BrokenFile.little(UInt32(0))),
      .malformed(place(nil, "general.alignment"), expected: "a power of two", found: "0")
    ),
    (
      "alignment 48", entry("general.alignment", type: 4, BrokenFile.little(UInt32(48))),
      .malformed(place(nil, "general.alignment"), expected: "a power of two", found: "48")
    ),
    (
      "alignment no integer", entry("general.alignment", type: 8, BrokenFile.ggufText("32")),
      .malformed(place(nil, "general.alignment"), expected: "a power of two", found: "'32'")
    ),
    ("five axes", one([1, 1, 1, 1, 1]), .invalidShape(place(24, "w"), found: "of 5 axes")),
    (
      "overflowing product", one([1 << 40, 1 << 40]), .sizeOverflow(place(24, "w"), shape: [1 << 40, 1 << 40])
    ),
    ("overflowing bytes", one([1 << 62]), .sizeOverflow(place(24, "w"), shape: [1 << 62])),
    ("unknown type", one([2], type: 99), .unknownElementType(place(24, "w"), found: "99")),
    (
      "part of a block", one([2], type: 8),
      .malformed(place(24, "w"), expected: "rows of whole Q8_0 blocks (32 elements)", found: "rows of 2")
    ),
    ("misaligned", one([1], offset: 4), .misaligned(place(nil, "w"), alignment: 32, found: 4)),
    ("offset past the end", one([2], offset: 64), .outOfRange(place(nil, "w"), start: 64, end: 72, limit: 8)),
    (
      "offset that overflows", one([16], offset: UInt64(Int.max) - 31),
      .outOfRange(place(nil, "w"), start: Int.max - 31, end: Int.max, limit: 8)
    ),
    ("too little data", one([3]), .outOfRange(place(nil, "w"), start: 0, end: 12, limit: 8)),
    (
      "shared bytes",
      BrokenFile.gguf(
        tensors: 2, BrokenFile.ggufTensor("v", [2]) + BrokenFile.ggufTensor("w", [2]), data: floats),
      .overlap(place(nil, "w"), with: "v")
    ),
    (
      "name twice",
      BrokenFile.gguf(
        tensors: 2, BrokenFile.ggufTensor("w", [2]) + BrokenFile.ggufTensor("w", [2], offset: 32),
        data: [UInt8](repeating: 0, count: 64)),
      .duplicateName(place(nil), name: "w")
    ),
  ]

  @Test(arguments: broken.indices) func brokenFile(_ index: Int) throws {
    let (name, bytes, error) = Self.broken[index]
    #expect(throws: error, Comment(rawValue: name)) { try Fixture.open(bytes, as: "a.gguf") }
  }

  @Test func shapesAreOutermostFirst() throws {
    let file = try TensorFile(path: Fixture.path("mixed.gguf"))
    #expect(try file.tensor(named: "mm.0.weight").shape == [3, 2, 4])
  }

  @Test func quantisedTensorsAreListedAndRefused() throws {
    let file = try TensorFile(path: Fixture.path("mixed.gguf"))
    let tensor = try file.tensor(named: "k")
    #expect(tensor.elementType == .other(name: "Q4_K", bits: nil))
    #expect(throws: TensorFileError.quantised(.init(path: file.path, item: "k"), type: tensor.elementType)) {
      let _: [Float] = try tensor.elements()
    }
    #expect(throws: TensorFileError.self) { try TensorFile(path: Fixture.path("big-endian.gguf")) }
  }

  @Test func nestedArraysAreRead() throws {
    let inner = BrokenFile.little(UInt32(0)) + BrokenFile.little(UInt64(2)) + [5, 6]
    let file = try Fixture.open(
      Self.entry(type: 9, BrokenFile.little(UInt32(9)) + BrokenFile.little(UInt64(1)) + inner), as: "a.gguf")
    #expect(file.metadata(named: "k") == .array([.array([.integer(5), .integer(6)])]))
  }
}
