import Testing

@testable import GapTensorFiles

@Suite struct TensorFileErrorTests {
  @Test func textFromAFileStaysOnOneLine() {
    let name = "a\nb\u{1B}[31m\u{2028}" + String(repeating: "x", count: 100_000)
    let text = TensorFileError.duplicateName(.init(path: "f\r.pt", item: name), name: name).description
    #expect(text.hasPrefix("f\\u{d}.pt: 'a\\u{a}b\\u{1b}[31m\\u{2028}xxx"))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x2028 })
    #expect(text.count < 500)
  }

  @Test func placesSayWhatIsKnown() {
    #expect(TensorFileError.Place(path: "f").description == "f")
    #expect(TensorFileError.Place(path: "f", item: "a").description == "f: 'a'")
    #expect(TensorFileError.Place(path: "f", byte: 7).description == "f: byte 7")
    #expect(TensorFileError.Place(path: "f", item: "a", byte: 7).description == "f: 'a', byte 7")
  }
}
