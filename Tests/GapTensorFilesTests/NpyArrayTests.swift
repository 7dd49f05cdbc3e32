import Testing

@testable import GapTensorFiles

@Suite struct NpyArrayTests {
  private static func dict(_ type: String = "'<f4'", _ order: String = "False", _ shape: String = "(2,)")
    -> String
  {
    "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape), }"
  }

  private static func place(_ byte: Int?) -> TensorFileError.Place { .init(path: "a.npy", byte: byte) }

  static let broken: [(String, [UInt8], TensorFileError)] = [
    (
      "magic", [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x58, 1, 0, 0, 0],
      .malformed(place(0), expected: "the npy magic \\x93NUMPY", found: "bytes 93 4e 55 4d 50 58")
    ),
    (
      "version", BrokenFile.npy(dict(), data: [0, 0, 0, 0, 0, 0, 0, 0], version: 4),
      .unsupported(place(6), found: "npy version 4.0", hint: "versions 1.0, 2.0 and 3.0 are")
    ),
    (
      "header past the end", BrokenFile.npy(dict(), length: 6000),
      .truncated(place(10), expected: 6000, found: 58)
    ),
    (
      "header of 4 GB", BrokenFile.npy(dict(), version: 2, length: 0xFFFF_FFFF),
      .headerTooLong(place(0), limit: 1 << 18, found: 0xFFFF_FFFF)
    ),
    (
      "control characters behind a type", BrokenFile.npy(dict("'|S4[\u{1B}[31m'")),
      .unknownElementType(place(10), found: "|S4[\u{1B}[31m")
    ),
    (
      "no dict", BrokenFile.npy("(1, 2)"),
      .malformed(place(10), expected: "a dict as header", found: "another literal")
    ),
    (
      "code", BrokenFile.npy("__import__('os')"),
      .malformed(place(10), expected: "a Python literal", found: "'__import__('os')\\u{a}'")
    ),
    ("key twice", BrokenFile.npy("{'shape': (1,), 'shape': (2,)}"), .duplicateName(place(10), name: "shape")),
    (
      "key missing", BrokenFile.npy("{'shape': (1,), 'descr': '<f4'}"),
      .malformed(place(10), expected: "the keys descr, fortran_order and shape", found: "descr, shape")
    ),
    (
      "unknown key", BrokenFile.npy("{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'x': 1}"),
      .malformed(
        place(10), expected: "the keys descr, fortran_order and shape", found: "descr, fortran_order, shape, x")
    ),
    (
      "order", BrokenFile.npy(dict("'<f4'", "None")),
      .malformed(place(10), expected: "True or False as fortran_order", found: "another value")
    ),
    (
      "shape no tuple", BrokenFile.npy(dict("'<f4'", "False", "[2]")),
      .malformed(place(10), expected: "a tuple as shape", found: "another value")
    ),
    (
      "shape of texts", BrokenFile.npy(dict("'<f4'", "False", "('a',)")),
      .malformed(place(10), expected: "integers in the shape", found: "another value")
    ),
    (
      "negative size", BrokenFile.npy(dict("'<f4'", "False", "(-2,)")), .invalidShape(place(nil), found: "(-2)")
    ),
    (
      "overflowing product", BrokenFile.npy(dict("'<f4'", "False", "(4294967296, 4294967296, 0)")),
      .sizeOverflow(place(nil), shape: [1 << 32, 1 << 32, 0])
    ),
    (
      "overflowing bytes", BrokenFile.npy(dict("'<f8'", "False", "(2305843009213693952,)")),
      .sizeOverflow(place(nil), shape: [1 << 61])
    ),
    (
      "size above 64 bits", BrokenFile.npy(dict("'<f4'", "False", "(99999999999999999999,)")),
      .malformed(place(61), expected: "an integer of 64 bits", found: "'99999999999999999999,), '")
    ),
    (
      "too little data", BrokenFile.npy(dict(), data: [0, 0, 0, 0]),
      .sizeMismatch(place(nil), expected: 8, found: 4)
    ),
    (
      "too much data", BrokenFile.npy(dict(), data: [UInt8](repeating: 0, count: 9)),
      .sizeMismatch(place(nil), expected: 8, found: 9)
    ),
    ("unknown type", BrokenFile.npy(dict("'<q4'")), .unknownElementType(place(10), found: "<q4")),
    (
      "no byte order", BrokenFile.npy(dict("'f4'")),
      .malformed(place(10), expected: "a type such as '<f4'", found: "'f4'")
    ),
    ("nesting", BrokenFile.npy(String(repeating: "(", count: 200)), .nestedTooDeep(place(10), limit: 16)),
    (
      "open string", BrokenFile.npy("{'descr"),
      .malformed(place(18), expected: "the end of a string", found: "the end of the header")
    ),
    (
      "text after the dict", BrokenFile.npy(dict() + " 7"),
      .malformed(place(68), expected: "the end of the header", found: "'7\\u{a}'")
    ),
  ]

  @Test(arguments: broken.indices) func brokenFile(_ index: Int) throws {
    let (name, bytes, error) = Self.broken[index]
    #expect(throws: error, Comment(rawValue: name)) { try Fixture.open(bytes, as: "a.npy") }
  }

  @Test func spacesAndLongSuffixesAreRead() throws {
    let header = " { \"shape\" :( 2L , ) ,\t'descr':'>f2','fortran_order':True} \n "
    let values: [Double] = try Fixture.open(BrokenFile.npy(header, data: [0x3C, 0, 0xC0, 0]), as: "a.npy")
      .soleTensor().elements()
    #expect(values == [1, -2])
  }

  @Test func objectsAndIntegersAreRefusedByName() throws {
    let objects = try TensorFile(path: Fixture.path("refused-object.npy")).soleTensor()
    #expect(throws: TensorFileError.pickledObjects(.init(path: objects.path, item: "array"))) {
      let _: [Double] = try objects.elements()
    }
    let integers = try TensorFile(path: Fixture.path("refused-int64.npy")).soleTensor()
    let error = TensorFileError.notNumbers(.init(path: integers.path, item: "array"), type: .signed(bytes: 8))
    #expect(throws: error) { let _: [Float] = try integers.elements() }
    #expect(error.description.contains("I64"))
  }

  /// Texts, bytes and gaps of no length are types that NumPy writes.
  @Test(arguments: ["|S0", "<U0", "|V0"]) func elementsWithoutBytesAreListed(type: String) throws {
    let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (3,), }"
    let file = try Fixture.open(BrokenFile.npy(header), as: "a.npy")
    #expect(file.tensors.map(\.shape) == [[3]])
    #expect(throws: TensorFileError.self) { try file.tensors[0].elements() as [Float] }
  }
}
