import Foundation
import Testing

@testable import GapModels

/// Tokenizers whose steps would make a short text longer than memory.
@Suite struct TextGrowthTests {
  private static func tokenizer(_ key: String, _ value: String) throws -> Tokenizer {
    let directory = try TemporaryDirectory()
    let path = directory.url.appending(path: "tokenizer.json")
    let model = "{\"type\": \"WordLevel\", \"vocab\": {\"a\": 0, \"u\": 1}, \"unk_token\": \"u\"}"
    try Data("{\"\(key)\": \(value), \"model\": \(model)}".utf8).write(to: path)
    return try Tokenizer(file: path.path)
  }

  private static func sequence(_ field: String, _ step: String, times: Int) -> String {
    let steps = [String](repeating: step, count: times).joined(separator: ", ")
    return "{\"type\": \"Sequence\", \"\(field)\": [\(steps)]}"
  }

  private static func replace(_ pattern: String, _ content: String) -> String {
    "{\"type\": \"Replace\", \"pattern\": \(pattern), \"content\": \"\(content)\"}"
  }

  private static let longer = replace("{\"String\": \"a\"}", String(repeating: "a", count: 100))

  static let growing: [(key: String, value: String)] = [
    ("normalizer", sequence("normalizers", longer, times: 12)),
    ("normalizer", sequence("normalizers", sequence("normalizers", longer, times: 3), times: 3)),
    ("normalizer", sequence("normalizers", replace("{\"Regex\": \"\"}", "aaaa"), times: 16)),
    ("normalizer", replace("{\"String\": \"a\"}", String(repeating: "a", count: 100_000))),
    ("pre_tokenizer", sequence("pretokenizers", "{\"type\": \"ByteLevel\"}", times: 60)),
    ("decoder", sequence("decoders", longer, times: 12)),
  ]

  @Test(arguments: growing) func stepsThatMultiplyAreRefused(key: String, value: String) throws {
    do {
      let tokenizer = try Self.tokenizer(key, value)
      Issue.record("read: \(tokenizer.encode("aé", addingSpecialTokens: false).count) tokens")
    } catch let error as TokenizerError {
      guard case .fieldMismatch(let place, let expected, _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(place.field == key && expected.contains("65536 times as long"))
    }
  }

  /// Each field is within its limit; what matters is how long the text is.
  @Test func aTextThatWouldOutgrowMemoryIsRefused() throws {
    let steps = Self.sequence("normalizers", Self.longer, times: 2)
    let tokenizer = try Self.tokenizer("normalizer", steps)
    #expect(try tokenizer.encode("aa", from: "captions: line 2").count == 1)
    #expect(throws: TokenizerError.textTooLong(place: "captions: line 2", limit: 100_000, found: 100_001)) {
      try tokenizer.encode(String(repeating: "a", count: 100_001), from: "captions: line 2")
    }
  }

  static let endless: [(key: String, value: String)] = [
    (
      "post_processor",
      "{\"type\": \"TemplateProcessing\", \"single\": ["
        + String(repeating: "{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}, ", count: 40)
        + "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"special_tokens\": {\"x\": {\"ids\": ["
        + [String](repeating: "0", count: 30).joined(separator: ", ") + "]}}}"
    ),
    ("added_tokens", "[{\"id\": 2, \"content\": \"\(String(repeating: "b", count: 2000))\"}]"),
    ("normalizer", replace("{\"String\": \"\(String(repeating: "b", count: 30_000))\"}", "a")),
  ]

  @Test(arguments: endless) func partsLongerThanAnyRealOneAreRefused(key: String, value: String) throws {
    let error = #expect(throws: TokenizerError.self) { try Self.tokenizer(key, value) }
    guard case .fieldMismatch(let place, _, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(place.field.hasPrefix(key))
  }

  /// Patterns that fail at every place after a long way; with time by the square of the text it would be minutes.
  @Test(arguments: ["(?:)*x", "a*b", "a*+b", "(?:a|aa)*b"])
  func aPatternThatNeverMatchesTakesTimeInProportion(pattern: String) throws {
    let tokenizer = try Self.tokenizer("normalizer", Self.replace("{\"Regex\": \"\(pattern)\"}", "c"))
    // So long that the square shows, in either mode.
    #if DEBUG
      let length = 20_000
    #else
      let length = 100_000
    #endif
    let text = String(repeating: "a", count: length)
    let time = ContinuousClock().measure {
      #expect(tokenizer.encode(text, addingSpecialTokens: false).count == 1)
    }
    #expect(time < .seconds(20), "\(time)")
  }

  @Test func manyReplacementsOfOneForAnotherAreRead() throws {
    let steps = Self.sequence("normalizers", Self.replace("{\"String\": \"b\"}", "a"), times: 200)
    #expect(try Self.tokenizer("normalizer", steps).encode("b", addingSpecialTokens: false) == [0])
  }
}
