import Testing

@testable import GapTensorFiles

/// Small files that ask for much: each is refused by what it declares, before time or memory go into it.
@Suite struct ResourceLimitTests {
  private static func place(_ item: String? = nil, _ byte: Int? = nil) -> TensorFileError.Place {
    .init(path: "a", item: item, byte: byte)
  }

  /// The error of a file that must not be read.
  private static func fault(_ bytes: [UInt8], as name: String = "a") -> TensorFileError? {
    do {
      _ = try Fixture.readAll(try Fixture.open(bytes, as: name))
    } catch let error as TensorFileError {
      return error
    } catch {
      Issue.record("an error of another kind: \(error)")
    }
    return nil
  }

  /// A pickle that puts a value into the memo and calls a name with it again and again.
  private static func calls(_ global: [UInt8], with value: [UInt8], times: Int) -> [UInt8] {
    let call: [UInt8] = global + [0x68, 0, 0x85, 0x52, 0x30]  // BINGET 0, TUPLE1, REDUCE, POP
    return value + [0x71, 0] + (0..<times).flatMap { _ in call } + [0x2E]
  }

  /// A list of so many Nones: EMPTY_LIST, MARK, NONE…, APPENDS.
  private static func list(_ count: Int) -> [UInt8] {
    [0x5D, 0x28] + [UInt8](repeating: 0x4E, count: count) + [0x65]
  }

  static let repeated: [(String, [UInt8])] = [
    (
      "a text encoded",
      calls(
        BrokenFile.global("_codecs", "encode"), with: BrokenFile.text(String(repeating: "a", count: 50_000)),
        times: 100)
    ),
    ("a set of a list", calls(BrokenFile.global("builtins", "set"), with: list(50_000), times: 100)),
    ("a size of a list", calls(BrokenFile.global("torch", "Size"), with: list(50_000), times: 100)),
  ]

  @Test(arguments: repeated) func callsMayNotCopyTheSameAgainAndAgain(name: String, pickle: [UInt8]) {
    #expect(
      Self.fault(BrokenFile.torch(pickle)).map { "\($0)" }?.contains("values copied by calls") == true,
      "\(name)")
  }

  @Test func dictionaryMayNotBeMadeOfTheSameListAgainAndAgain() {
    let pair: [UInt8] = [0x4E, 0x4E, 0x86]
    let pairs: [UInt8] = [0x5D, 0x28] + (0..<50_000).flatMap { _ in pair } + [0x65]
    let pickle = Self.calls(BrokenFile.global("collections", "OrderedDict"), with: pairs, times: 100)
    #expect(
      Self.fault(BrokenFile.torch(pickle)).map { "\($0)" }?.contains("values copied by calls") == true)
  }

  @Test func listsWithinListsThatDoubleAreCounted() {
    // EMPTY_LIST, then forty times: DUP, TUPLE2 of both.
    let pickle: [UInt8] = [0x5D] + (0..<40).flatMap { _ in [0x32, 0x86] as [UInt8] } + [0x2E]
    guard case .tooMany(_, let what, _, _)? = Self.fault(BrokenFile.torch(pickle)) else {
      Issue.record("not refused")
      return
    }
    #expect(what == "bytes of names and values")
  }

  @Test func deepListsOfListsAreRefused() {
    let pickle: [UInt8] = [0x4E] + [UInt8](repeating: 0x85, count: 1_000_000) + [0x2E]
    #expect(Self.fault(BrokenFile.torch(pickle)) == .nestedTooDeep(Self.place(), limit: 64))
  }

  @Test(arguments: ["[", "{\"a\":", "[{\"a\":["]) func deepJSONIsRefused(_ open: String) {
    let text = "{\"__metadata__\":" + String(repeating: open, count: 100_000)
    guard case .nestedTooDeep? = Self.fault(BrokenFile.safetensors(text)) else {
      Issue.record("not refused")
      return
    }
  }

  @Test(arguments: ["1e999", "-1e999", "1" + String(repeating: "0", count: 400)])
  func numbersThatNothingHoldsAreNoJSON(_ number: String) {
    let text = Array("[\(number)]".utf8)
    #expect(
      throws: TensorFileError.malformed(
        Self.place(nil, 1), expected: "a number that double precision can hold",
        found: MessageText.quoted(String((number + "]").prefix(24))))
    ) { try JSONValue(text, at: Self.place(nil, 0)) }
  }

  @Test func memberThatWouldFillTheMemoryIsRefused() {
    // 600 kB that declare 512 MB: within what deflate can do, and beyond what any numbers need.
    let header = BrokenFile.npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")
    let data = header + [UInt8](repeating: 0, count: 600_000)
    let bytes = BrokenFile.zip([.init(name: "a.npy", data: data, method: 8, declared: 1 << 29)])
    #expect(
      Self.fault(bytes)
        == .unsupported(
          Self.place("a.npy", 0), found: "a member of \(data.count) bytes that inflates to \(1 << 29)",
          hint: "store it uncompressed"))
  }

  @Test func longShapeIsNotWrittenIntoTheMessage() {
    let items = String(repeating: "[[]],", count: 200_000) + "[]"
    let header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[\(items)],\"data_offsets\":[0,0]}}"
    #expect(
      Self.fault(BrokenFile.safetensors(header))
        == .malformed(Self.place("x"), expected: "integers of 64 bits in shape", found: "a list of 1"))
    let type = "(" + String(repeating: "'',", count: 20_000) + ")"
    let text = "{'descr': \(type), 'fortran_order': False, 'shape': (2,), }"
    #expect(
      Self.fault(BrokenFile.npy(text, version: 2))
        == .malformed(Self.place(nil, 12), expected: "a type such as '<f4'", found: "a tuple of 20000"))
  }

  @Test(arguments: ["(1", "(4611686018427387904, 4)", "(2, 0, 9223372036854775807, 2)", "(-1,)", "(1,) * 9"])
  func shapesThatOverflowAreRefused(_ shape: String) {
    #expect(
      Self.fault(BrokenFile.npy("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }")) != nil)
  }

  /// Each view is within the limit for one; together they are not.
  @Test func manyViewsOfOneNumberAreRefused() throws {
    func file(_ views: Int) -> [UInt8] {
      let view = BrokenFile.tensor(count: 1, shape: [1 << 12, 1 << 10], strides: [0, 0])
      let entries = (0..<views).flatMap { BrokenFile.text("view \($0)") + view }
      return BrokenFile.torch([0x7D, 0x28] + entries + [0x75, 0x2E], storages: ["0": [0, 0, 0x80, 0x3F]])
    }
    #expect(try Fixture.open(file(4), as: "a").tensors.count == 4)
    guard case .tooMany(_, "elements in views that share their bytes", _, 5 << 22)? = Self.fault(file(5)) else {
      Issue.record("\(String(describing: Self.fault(file(5))))")
      return
    }
  }
}
