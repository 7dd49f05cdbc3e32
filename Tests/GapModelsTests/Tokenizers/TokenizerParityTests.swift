import Foundation
import GapModels
import Testing

/// Token for token, what the reference gives.
@Suite struct TokenizerParityTests {
  @Test(arguments: TokenizerFixture.names)
  func idsEqualTheReference(_ name: String) throws {
    let fixture = try TokenizerFixture(name)
    let texts = try TokenizerFixture.texts()
    try #require(texts.count == fixture.answers.count && texts.count > 90)
    for (text, answer) in zip(texts, fixture.answers) {
      let plain = fixture.tokenizer.encode(text, addingSpecialTokens: false)
      #expect(plain == answer.ids, "\(name): \(text.debugDescription)")
      let framed = fixture.tokenizer.encode(text, addingSpecialTokens: true)
      #expect(framed == fixture.prefix + answer.ids + fixture.suffix, "\(name): \(text.debugDescription)")
    }
  }

  @Test(arguments: TokenizerFixture.names)
  func decodedTextEqualsTheReference(_ name: String) throws {
    let fixture = try TokenizerFixture(name)
    for answer in fixture.answers {
      let text = fixture.tokenizer.decode(answer.ids)
      #expect(Array(text.utf8) == Array(answer.text.utf8), "\(name): \(answer.ids)")
    }
  }

  @Test func everyFixtureIsTested() throws {
    let directories = try FileManager.default.contentsOfDirectory(atPath: TokenizerFixture.root.path)
    #expect(directories.filter { !$0.hasSuffix(".json") }.sorted() == TokenizerFixture.names)
  }

  @Test func aWordComesOutTheSameFromTheCache() throws {
    for name in TokenizerFixture.names {
      let fixture = try TokenizerFixture(name)
      let fresh = try TokenizerFixture.texts().map { text in
        try Tokenizer(directory: fixture.directory.path).encode(text, addingSpecialTokens: false)
      }
      for _ in 0..<2 {
        let cached = try TokenizerFixture.texts().map {
          fixture.tokenizer.encode($0, addingSpecialTokens: false)
        }
        #expect(cached == fresh, "\(name)")
      }
    }
  }
}
