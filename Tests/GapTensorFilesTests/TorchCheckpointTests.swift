import Testing

@testable import GapTensorFiles

@Suite struct TorchCheckpointTests {
  private static func place(_ byte: Int?, _ item: String? = "x/data.pkl") -> TensorFileError.Place {
    .init(path: "a.pt", item: item, byte: byte)
  }

  private static let tensor = BrokenFile.tensor(count: 2, shape: [2], strides: [1])
  private static let floats: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
  /// Where the pickle's first instruction after PROTO stands in an archive of `BrokenFile.torch`.
  private static let first = 30 + 10 + 2

  static let broken: [(String, [UInt8], TensorFileError)] = [
    (
      "os.system", BrokenFile.torch(BrokenFile.global("posix", "system") + [0x2E]),
      .refusedClass(place(first), name: "posix.system")
    ),
    (
      "builtins.eval by STACK_GLOBAL",
      BrokenFile.torch(BrokenFile.text("builtins") + BrokenFile.text("eval") + [0x93, 0x2E]),
      .refusedClass(place(first + 13 + 9), name: "builtins.eval")
    ),
    (
      "a control character in a class", BrokenFile.torch(BrokenFile.global("a\u{1B}[31m", "b") + [0x2E]),
      .refusedClass(place(first), name: "a\u{1B}[31m.b")
    ),
    ("INST", BrokenFile.torch([0x28, 0x69]), .refusedOpcode(place(first + 1), name: "INST")),
    ("EXT1", BrokenFile.torch([0x82, 1]), .refusedOpcode(place(first), name: "EXT1")),
    ("NEWOBJ_EX", BrokenFile.torch([0x92]), .refusedOpcode(place(first), name: "NEWOBJ_EX")),
    ("no instruction", BrokenFile.torch([0xFF]), .refusedOpcode(place(first), name: "0xff")),
    ("no STOP", BrokenFile.torch([0x4E]), .truncated(place(first + 1), expected: 1, found: 0)),
    (
      "empty stack", BrokenFile.torch([0x2E]),
      .malformed(place(first), expected: "a value on the stack", found: "none")
    ),
    (
      "pop below a mark", BrokenFile.torch([0x4E, 0x28, 0x30]),
      .malformed(place(first + 2), expected: "a value on the stack", found: "none")
    ),
    (
      "no mark", BrokenFile.torch([0x74]),
      .malformed(place(first), expected: "a mark on the stack", found: "none")
    ),
    (
      "odd items", BrokenFile.torch([0x7D, 0x28, 0x4E, 0x75]),
      .malformed(place(first + 3), expected: "keys and values in pairs", found: "1 values")
    ),
    (
      "unknown memo", BrokenFile.torch([0x68, 9]),
      .malformed(place(first), expected: "a remembered value", found: "none at 9")
    ),
    (
      "append to None", BrokenFile.torch([0x4E, 0x4E, 0x61]),
      .malformed(place(first + 2), expected: "a list to append to", found: "None")
    ),
    (
      "call of None", BrokenFile.torch([0x4E, 0x29, 0x52]),
      .malformed(place(first + 2), expected: "a known name and a tuple", found: "None and a tuple")
    ),
    (
      "call of a type", BrokenFile.torch(BrokenFile.global("torch", "float32") + [0x29, 0x52]),
      .refusedClass(place(first + 16), name: "call of type F32")
    ),
    (
      "text past the end", BrokenFile.torch([0x58, 0xFF, 0xFF, 0xFF, 0x7F]),
      .truncated(place(first + 5), expected: 0x7FFF_FFFF, found: 0)
    ),
    (
      "bytes of 2^63", BrokenFile.torch([0x8E] + BrokenFile.little(UInt64(1) << 63)),
      .malformed(place(first + 1), expected: "a size", found: "9223372036854775808")
    ),
    (
      "integer of 1 GB", BrokenFile.torch([0x8B] + BrokenFile.little(Int32(1 << 30))),
      .tooMany(place(first), what: "bytes in an integer", limit: 256, found: 1 << 30)
    ),
    (
      "protocol 9", BrokenFile.torch([0x80, 9]),
      .unsupported(place(first), found: "pickle protocol 9", hint: "protocols 2 to 5 are")
    ),
    ("storage not in the file", BrokenFile.torch(tensor + [0x2E]), .storageMissing(place(nil, nil), key: "0")),
    (
      "storage shorter than declared", BrokenFile.torch(tensor + [0x2E], storages: ["0": [0, 0]]),
      .sizeMismatch(place(nil, "x/data/0"), expected: 8, found: 2)
    ),
    (
      "view past its storage",
      BrokenFile.torch(BrokenFile.tensor(count: 2, shape: [3], strides: [1]) + [0x2E], storages: ["0": floats]),
      .storageExceeded(place(nil, "array"), expected: 3, found: 2)
    ),
    (
      "negative stride",
      BrokenFile.torch(
        BrokenFile.tensor(count: 2, shape: [2], strides: [-1]) + [0x2E], storages: ["0": floats]),
      .invalidShape(place(nil, "array"), found: "strides (-1)")
    ),
    (
      "negative size",
      BrokenFile.torch(
        BrokenFile.tensor(count: 2, shape: [-2], strides: [1]) + [0x2E], storages: ["0": floats]),
      .invalidShape(place(nil, "array"), found: "(-2)")
    ),
    (
      "one view repeated 2^30 times",
      BrokenFile.torch(
        BrokenFile.tensor(count: 2, shape: [1 << 30], strides: [0]) + [0x2E], storages: ["0": floats]),
      .tooMany(place(nil, "array"), what: "elements in a repeating view", limit: 2, found: 1 << 30)
    ),
    (
      "names that meet",
      BrokenFile.torch(
        [0x7D, 0x28] + BrokenFile.text("a") + tensor + BrokenFile.text("a") + tensor + [0x75, 0x2E],
        storages: ["0": floats]),
      .duplicateName(place(nil, nil), name: "a")
    ),
    (
      "a dict within itself",
      BrokenFile.torch([0x7D, 0x71, 0] + BrokenFile.text("a") + [0x68, 0, 0x73, 0x2E]),
      .nestedTooDeep(place(nil, nil), limit: 64)
    ),
    (
      "a list as key", BrokenFile.torch([0x7D, 0x5D, 0x4E, 0x73, 0x2E]),
      .malformed(place(nil, nil), expected: "strings or numbers as keys of a dict", found: "a list")
    ),
    (
      "another pickle", [0x80, 2, 0x4B, 1, 0x2E],
      .malformed(place(0, nil), expected: "PyTorch's magic number", found: "another pickle")
    ),
    (
      "tar", [UInt8](repeating: 0x41, count: 257) + Array("ustar".utf8),
      .unsupported(
        place(nil, nil), found: "a tar archive (PyTorch before 0.1.10)",
        hint: "load and save it with a newer PyTorch")
    ),
  ]

  @Test(arguments: broken.indices) func brokenFile(_ index: Int) throws {
    let (name, bytes, error) = Self.broken[index]
    #expect(throws: error, Comment(rawValue: name)) { try Fixture.open(bytes, as: "a.pt") }
  }

  /// Each list holds the one before ten times over: 10^12 leaves in a few bytes.
  @Test func sharedListsDoNotExplode() throws {
    var pickle: [UInt8] = [0x5D, 0x28] + [UInt8](repeating: 0x4E, count: 10) + [0x65, 0x71, 0, 0x30]
    for level in UInt8(1)..<12 {
      pickle += [0x5D, 0x28] + (0..<10).flatMap { _ in [0x68, level - 1] } + [0x65, 0x71, level, 0x30]
    }
    pickle += [0x68, 11, 0x2E]
    #expect {
      try Fixture.open(BrokenFile.torch(pickle), as: "a.pt")
    } throws: { error in
      guard case .tooMany(_, "bytes of names and values", _, _) = error as? TensorFileError else {
        return false
      }
      return true
    }
  }

  /// A chain of a million containers must not recurse, neither when walked nor when freed.
  @Test func deepChainsAreRefused() throws {
    let chain = [0x4E] + [UInt8](repeating: 0x85, count: 1_000_000) + [0x2E]
    #expect(throws: TensorFileError.nestedTooDeep(.init(path: "a.pt"), limit: 64)) {
      try Fixture.open(BrokenFile.torch(chain), as: "a.pt")
    }
  }

  @Test func aMaliciousPickleIsNamedAndNotRun() throws {
    for name in ["evil.pt", "evil-legacy.pt"] {
      #expect {
        try TensorFile(path: Fixture.path(name))
      } throws: { error in
        guard case .refusedClass(_, "posix.system") = error as? TensorFileError else { return false }
        return true
      }
    }
    #expect(!FilePath.exists("embedding-gap-canary"))
    #expect {
      try TensorFile(path: Fixture.path("module.pt"))
    } throws: { error in
      guard case .refusedClass(_, "torch.nn.modules.linear.Linear") = error as? TensorFileError else {
        return false
      }
      return true
    }
  }

  @Test func legacyStoragesAreCounted() throws {
    var bytes = try Fixture.bytes("bare-legacy.pt")
    bytes.append(0)
    #expect(
      throws: TensorFileError.malformed(
        Self.place(bytes.count - 1, nil), expected: "the end of the file", found: "1 more bytes")
    ) { try Fixture.open(bytes, as: "a.pt") }
    bytes.removeLast()
    let count = bytes.count - 24 * 4 - 8
    bytes[count] = 25
    let key = try TensorFile(path: Fixture.path("bare-legacy.pt")).tensors.count
    #expect(key == 1)
    #expect {
      try Fixture.open(bytes, as: "a.pt")
    } throws: { error in
      guard case .sizeMismatch(let place, 96, 100) = error as? TensorFileError else { return false }
      return place.byte == count
    }
  }

  @Test func sharedStoragesShareBytes() throws {
    let file = try TensorFile(path: Fixture.path("views.pt"))
    let starts = Set(file.tensors.map(\.region.start))
    #expect(starts.count == 1)
    #expect(try file.tensor(named: "transposed").strides == [1, 6])
    #expect(try file.tensor(named: "sliced").strides == [6, 2])
    #expect(try file.tensor(named: "expanded").strides == [6, 0])
  }

  @Test func bigEndianArchivesAreRead() throws {
    let pickle = [0x80, 2] + BrokenFile.tensor(count: 2, shape: [2], strides: [1]) + [0x2E]
    func values(_ order: String) throws -> [Double] {
      let bytes = BrokenFile.zip([
        .init(name: "y/data.pkl", data: pickle), .init(name: "y/byteorder", data: Array(order.utf8)),
        .init(name: "y/data/0", data: [0x3F, 0x80, 0, 0, 0x40, 0, 0, 0]),
      ])
      return try Fixture.open(bytes, as: "a.pt").soleTensor().elements()
    }
    #expect(try values("big") == [1, 2])
    #expect(
      throws: TensorFileError.malformed(
        .init(path: "a.pt", item: "y/byteorder", byte: 30 + 10 + pickle.count + 30 + 11),
        expected: "little or big", found: "odd")
    ) { try values("odd") }
  }
}
