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

  @Test func manyReplacementsOfOneForAnotherAreRead() throws {
    let steps = Self.sequence("normalizers", Self.replace("{\"String\": \"b\"}", "a"), times: 200)
    #expect(try Self.tokenizer("normalizer", steps).encode("b", addingSpecialTokens: false) == [0])
  }
}
