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

  @Test func everyFaultHasItsSentence() {
    let place = TensorFileError.Place(path: "f", item: "a", byte: 7)
    let type = ElementType.signed(bytes: 8)
    let missing: [TensorFileError] = [
      .fileMissing(path: "f"), .directoryGiven(path: "f"), .directoryWithoutModel(path: "f"),
      .permissionDenied(path: "f"), .notRegularFile(path: "f"), .unreadable(path: "f", reason: "r"),
      .shardMissing(index: "f", shard: "s"),
    ]
    let bad: [TensorFileError] = [
      .emptyFile(path: "f"), .unrecognised(path: "f", found: "x"), .unsupported(place, found: "x", hint: "h"),
      .truncated(place, expected: 1, found: 0), .malformed(place, expected: "x", found: "y"),
      .headerTooLong(place, limit: 1, found: 2), .invalidText(place), .nestedTooDeep(place, limit: 1),
      .tooMany(place, what: "x", limit: 1, found: 2), .duplicateName(place, name: "x"),
      .unknownElementType(place, found: "x"), .invalidShape(place, found: "x"),
      .sizeOverflow(place, shape: [1]),
      .sizeMismatch(place, expected: 1, found: 2), .outOfRange(place, start: 1, end: 2, limit: 1),
      .hole(place, expected: 1, found: 2), .overlap(place, with: "x"),
      .misaligned(place, alignment: 2, found: 1),
      .archiveMismatch(place, field: "x", expected: "y", found: "z"),
      .inflatesTooMuch(place, declared: 9, compressed: 1), .corruptDeflate(place, reason: "x"),
      .checksumMismatch(place, expected: 1, found: 2), .refusedOpcode(place, name: "x"),
      .refusedClass(place, name: "x"), .storageMissing(place, key: "x"),
      .storageExceeded(place, expected: 2, found: 1), .shardNameRefused(place, name: "x"),
      .shardTensorMissing(index: "f", tensor: "x", shard: "s"),
      .shardTensorUnlisted(index: "f", tensor: "x", shard: "s"), .notNumbers(place, type: type),
      .pickledObjects(place), .quantised(place, type: type), .unknownTensor(path: "f", name: "x", known: []),
      .nameNeeded(path: "f", known: ["x"]),
    ]
    #expect(missing.filter(\.isMissingInput).count == missing.count)
    #expect(bad.filter(\.isMissingInput).isEmpty)
    let sentences = (missing + bad).map(\.description)
    #expect(Set(sentences).count == sentences.count)
    #expect(sentences.allSatisfy { $0.hasPrefix("f: ") && !$0.hasSuffix("unknown fault") })
  }

  @Test func placesSayWhatIsKnown() {
    #expect(TensorFileError.Place(path: "f").description == "f")
    #expect(TensorFileError.Place(path: "f", item: "a").description == "f: 'a'")
    #expect(TensorFileError.Place(path: "f", byte: 7).description == "f: byte 7")
    #expect(TensorFileError.Place(path: "f", item: "a", byte: 7).description == "f: 'a', byte 7")
  }
}
