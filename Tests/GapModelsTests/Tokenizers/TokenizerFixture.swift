import Foundation
import GapModels

/// A tokenizer of `Fixtures/tokenizers` and the reference's answers for the shared texts.
struct TokenizerFixture {
  /// Every directory, so that one without a test is noticed.
  static let names = [
    "byte-gaps", "cl100k", "clip", "gemma", "gpt2", "llama2", "llama3", "metaspace-always", "metaspace-first",
    "metaspace-never", "o200k", "opt", "prefix", "qwen2", "roberta", "smollm2", "starcoder", "start-removed",
    "unigram", "unigram-bytes", "word-level",
  ]

  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../../Fixtures/tokenizers"
  ).standardizedFileURL

  struct Answer: Decodable {
    let ids: [Int32]
    let text: String

    init(from decoder: any Swift.Decoder) throws {
      var container = try decoder.unkeyedContainer()
      ids = try container.decode([Int32].self)
      text = try container.decode(String.self)
    }
  }

  private struct Answers: Decodable {
    let prefix: [Int32]
    let suffix: [Int32]
    let cases: [Answer]
  }

  let directory: URL
  let tokenizer: Tokenizer
  let prefix: [Int32]
  let suffix: [Int32]
  let answers: [Answer]

  init(_ name: String) throws {
    directory = Self.root.appending(path: name)
    tokenizer = try Tokenizer(directory: directory.path)
    let data = try Data(contentsOf: directory.appending(path: "cases.json"))
    let content = try JSONDecoder().decode(Answers.self, from: data)
    (prefix, suffix, answers) = (content.prefix, content.suffix, content.cases)
  }

  /// The texts that every tokenizer answered for.
  static func texts() throws -> [String] {
    try JSONDecoder().decode([String].self, from: Data(contentsOf: root.appending(path: "texts.json")))
  }
}

/// A directory for one test.
struct TemporaryDirectory: ~Copyable {
  let url = FileManager.default.temporaryDirectory.appending(path: "tokenizer-" + UUID().uuidString)

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit {
    do { try FileManager.default.removeItem(at: url) } catch { print("left behind: \(url.path): \(error)") }
  }

  /// Writes a file and returns its path.
  func write(_ content: some Sequence<UInt8>, as name: String = "tokenizer.json") throws -> String {
    let file = url.appending(path: name)
    try Data(content).write(to: file)
    return file.path
  }
}
