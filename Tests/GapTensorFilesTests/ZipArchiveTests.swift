import Testing

@testable import GapTensorFiles

@Suite struct ZipArchiveTests {
  typealias Member = BrokenFile.Member

  private static let array = BrokenFile.npy(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data: [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])

  private static func place(_ item: String? = "a.npy", _ byte: Int? = 0) -> TensorFileError.Place {
    .init(path: "a.npz", item: item, byte: byte)
  }

  static let broken: [(String, [UInt8], TensorFileError)] = [
    (
      "no directory", Array(BrokenFile.zip([Member(name: "a.npy", data: array)]).dropLast(4)),
      .malformed(
        place(nil, nil), expected: "a zip directory at the end of the file",
        found: "none (is the file complete?)")
    ),
    (
      "directory outside", BrokenFile.zip([], directoryOffset: 1 << 30),
      .outOfRange(place("zip directory", nil), start: 1 << 30, end: 1 << 30, limit: 0)
    ),
    (
      "too many entries", BrokenFile.zip([Member(name: "a.npy", data: array)], entries: 900),
      .tooMany(place(nil, 111), what: "archive members", limit: 1, found: 900)
    ),
    (
      "name twice", BrokenFile.zip([Member(name: "a.npy", data: array), Member(name: "a.npy", data: array)]),
      .duplicateName(place(nil, nil), name: "a.npy")
    ),
    (
      "names that meet", BrokenFile.zip([Member(name: "a.npy", data: array), Member(name: "a", data: array)]),
      .duplicateName(place(nil, nil), name: "a")
    ),
    (
      "another name in front of the member",
      BrokenFile.zip([Member(name: "a.npy", data: array, localName: "b.npy")]),
      .archiveMismatch(place(), field: "name", expected: "a.npy", found: "b.npy")
    ),
    (
      "another size in front of the member",
      BrokenFile.zip([Member(name: "a.npy", data: array, localSize: 3)]),
      .archiveMismatch(place(), field: "compressed size", expected: "76", found: "3")
    ),
    (
      "stored with two sizes", BrokenFile.zip([Member(name: "a.npy", data: array, declared: 9)]),
      .malformed(place(), expected: "9 bytes, as declared for a stored member", found: "76")
    ),
    (
      "shared bytes",
      BrokenFile.zip([
        Member(name: "a.npy", data: array),
        Member(name: "b.npy", data: array, localName: "a.npy", localOffset: 0),
      ]),
      .archiveMismatch(place("b.npy", 0), field: "name", expected: "b.npy", found: "a.npy")
    ),
    (
      "encrypted", BrokenFile.zip([Member(name: "a.npy", data: array, flags: 1)]),
      .unsupported(place("a.npy", nil), found: "an encrypted archive member", hint: "decrypt it first")
    ),
    (
      "bzip2", BrokenFile.zip([Member(name: "a.npy", data: array, method: 12)]),
      .unsupported(place(), found: "zip compression method 12", hint: "store or deflate the members")
    ),
    (
      "bomb", BrokenFile.zip([Member(name: "a.npy", data: [3, 0], method: 8, declared: 0xFFFF_FF00)]),
      .inflatesTooMuch(place(), declared: 0xFFFF_FF00, compressed: 2)
    ),
    (
      "not deflated",
      BrokenFile.zip([Member(name: "a.npy", data: [UInt8](repeating: 0xFF, count: 40), method: 8)]),
      .corruptDeflate(place(), reason: "zlib status -3")
    ),
    (
      "deflate ends early", BrokenFile.zip([Member(name: "a.npy", data: [3, 0], method: 8, declared: 100)]),
      .corruptDeflate(place(), reason: "0 bytes come out, 12 declared")
    ),
  ]

  @Test(arguments: broken.indices) func brokenFile(_ index: Int) throws {
    let (name, bytes, error) = Self.broken[index]
    #expect(throws: error, Comment(rawValue: name)) { try Fixture.open(bytes, as: "a.npz") }
  }

  /// A deflate block that is stored, so that its bytes can be seen.
  private func deflated(_ data: [UInt8]) -> [UInt8] {
    let size = UInt16(data.count)
    return [1] + BrokenFile.little(size) + BrokenFile.little(~size) + data
  }

  @Test func aDeflatedMemberIsCheckedWhenItIsRead() throws {
    func read(_ change: (inout Member) -> Void) throws -> [Double] {
      var member = Member(
        name: "a.npy", data: deflated(Self.array), method: 8, declared: Self.array.count,
        checksum: BrokenFile.checksum(Self.array))
      change(&member)
      return try Fixture.open(BrokenFile.zip([member]), as: "a.npz").soleTensor().elements()
    }
    let place = TensorFileError.Place(path: "a.npz", item: "a.npy", byte: 0)
    #expect(try read { _ in } == [1, 2])
    #expect(
      throws: TensorFileError.checksumMismatch(place, expected: 7, found: BrokenFile.checksum(Self.array))
    ) {
      try read { $0.checksum = 7 }
    }
    #expect(throws: TensorFileError.corruptDeflate(place, reason: "1 bytes follow the stream's end")) {
      try read { $0.data.append(0) }
    }
    #expect(throws: TensorFileError.corruptDeflate(place, reason: "more bytes come out than declared")) {
      try read {
        $0.data = deflated(Self.array + [1])
      }
    }
  }

  @Test func aStoredMemberOfAnNpzIsCheckedWhenItsNumbersAreRead() throws {
    let member = Member(name: "a.npy", data: Self.array, checksum: 7)
    let other = Member(name: "b.npy", data: Self.array)
    let file = try Fixture.open(BrokenFile.zip([member, other]), as: "a.npz")
    #expect(file.tensors.map(\.shape) == [[2], [2]])
    // A member once found wrong stays wrong.
    for _ in 0..<2 {
      #expect(
        throws: TensorFileError.checksumMismatch(
          Self.place(), expected: 7, found: BrokenFile.checksum(Self.array))
      ) { let _: [Double] = try file.tensors[0].elements() }
    }
    for _ in 0..<2 {
      let numbers: [Double] = try file.tensors[1].elements()
      #expect(numbers == [1, 2])
    }
  }

  @Test(arguments: [1, 7, 100, 101, 1000]) func aMemberIsCheckedBlockByBlock(block: Int) throws {
    let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    func read(checksum: UInt32) throws {
      _ = try StoredMember(
        in: StoredBytes(copying: bytes), range: 50..<151, checksum: checksum, place: Self.place(), block: block
      ).bytes()
    }
    let expected = BrokenFile.checksum(Array(bytes[50..<151]))
    try read(checksum: expected)
    #expect(throws: TensorFileError.checksumMismatch(Self.place(), expected: 7, found: expected)) {
      try read(checksum: 7)
    }
  }

  @Test func overlappingMembersAreRefused() throws {
    // The second member's header and bytes lie inside the first one's bytes.
    let inner = Member(name: "b.npy", data: Self.array)
    let hidden = Array(BrokenFile.zip([inner]).prefix(30 + 5 + Self.array.count))
    var second = inner
    second.localOffset = 35
    let bytes = BrokenFile.zip([Member(name: "a.npy", data: hidden), second])
    #expect(throws: TensorFileError.overlap(.init(path: "a.npz", item: "b.npy"), with: "a.npy")) {
      try Fixture.open(bytes, as: "a.npz")
    }
  }

  @Test func nothingIsWrittenForANameThatEscapes() throws {
    let file = try TensorFile(path: Fixture.path("names.npz"))
    #expect(file.tensors.map(\.name) == ["../outside", "note.txt"])
    #expect(!FilePath.exists(Fixture.path("../outside.npy")))
  }
}
