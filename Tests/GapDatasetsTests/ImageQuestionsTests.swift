import Foundation
import GapDatasets
import Testing

/// Questions about images, as lines and as LLaVA's conversations.
@Suite struct ImageQuestionsTests {
  private func read(_ text: String) throws -> [ImageQuestion] {
    try PairsFile.withDirectory { folder in
      let path = folder + "/questions"
      try Data(text.utf8).write(to: URL(filePath: path))
      return try ImageQuestions(path: path, checksImages: false).records
    }
  }

  @Test func linesHaveKindAndChoicesWhereGiven() throws {
    let records = try read(
      """
      {"image": "a.png", "question": "what color is it ?", "answer": "red", "kind": "color", "choices": ["red", "blue"]}
      {"image": "/b.png", "question": "how many ?", "answer": "two"}
      """)
    #expect(records.map(\.answer) == ["red", "two"])
    #expect(records[0].image.hasSuffix("/a.png") && records[1].image == "/b.png")
    #expect(records[0].kind == "color" && records[0].choices == ["red", "blue"])
    #expect(records[1].kind == nil && records[1].choices.isEmpty && records[1].line == 2)
  }

  @Test func everyAnswerOfAConversationIsAQuestionWithWhatWasSaid() throws {
    let records = try read(
      """
      [
        {"image": "a.png", "conversations": [
          {"from": "human", "value": "<image>\\nWhat is it?"}, {"from": "gpt", "value": "A cat."},
          {"from": "human", "value": "And its colour?"}, {"from": "gpt", "value": "Grey."}]}
      ]
      """)
    #expect(records.map(\.question) == ["What is it?", "And its colour?"])
    #expect(records.map(\.answer) == ["A cat.", "Grey."])
    #expect(records.map(\.history.count) == [0, 1])
    #expect(records[1].history[0].answer == "A cat.")
  }

  @Test(arguments: [
    (#"{"image": "a.png", "question": "", "answer": "red"}"#, "question"),
    (#"{"image": "a.png", "question": "what ?"}"#, "answer"),
    (#"{"image": "", "question": "what ?", "answer": "x"}"#, "image"),
    (#"{"image": "a.png", "question": "what ?", "answer": "x", "choices": ["y"]}"#, "choices"),
    (#"{"image": "a.png", "question": "what ?", "answer": "x", "choices": "y"}"#, "choices"),
    (#"[{"image": "a.png", "conversations": [{"from": "human", "value": "<image>"}]}]"#, "question"),
    (#"[{"image": "a.png", "conversations": [{"from": "human", "value": "what?"}]}]"#, "answer"),
    (#"[{"image": "a.png", "conversations": [{"from": "gpt", "value": "x"}]}]"#, "human"),
    ("image,question", "list"),
  ])
  func faultsAreOneLineWithTheirPlace(text: String, word: String) throws {
    let error = try #require(throws: DatasetError.self) { try read(text) }
    #expect(error.description.contains(word) && error.description.contains("line 1"))
    #expect(!error.description.contains("\n"))
  }

  @Test func aConversationWithoutEndIsRefused() throws {
    let turns = String(
      repeating: #"{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, "#, count: 513)
    let error = try #require(throws: DatasetError.self) {
      try read("[{\"image\": \"a.png\", \"conversations\": [\(turns.dropLast(2))]}]")
    }
    #expect(error.description.contains("1024 turns") && error.description.contains("1026"))
  }

  @Test func nothingIsAnError() throws {
    #expect(throws: DatasetError.self) { try read("") }
  }
}
