import Testing

@testable import GapTensorFiles

@Suite struct JSONValueTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(Array(text.utf8), at: .init(path: "t"))
  }

  @Test func valuesAreRead() throws {
    #expect(
      try parse(#" {"a" : [1, -2.5e1, true, false, null, "x"], "b": {} } "#)
        == .object([
          .init(
            key: "a",
            value: .array([.integer(1), .number(-25), .bool(true), .bool(false), .null, .string("x")])),
          .init(key: "b", value: .object([])),
        ]))
    #expect(try parse(#""\u00e4\ud83d\ude00\n\"\/""#) == .string("ä😀\n\"/"))
    #expect(try parse("99999999999999999999") == .number(1e20))
  }

  @Test(arguments: [
    "", "[", "[1,]", "{,}", "{1:2}", "01", "1.", "1e", "-", "+1", "nul", "\"\n\"", #""\x""#, #""\u12""#,
    #""\ud800""#,
    #""\ud800\u0041""#, #"{"a":1,"a":2}"#, "[1 2]", "'a'", "NaN", "[1]]", "\"abc",
  ])
  func anythingElseThrows(_ text: String) {
    #expect(throws: TensorFileError.self) { try parse(text) }
  }
}
