import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A question about one image, with its answer.
public struct ImageQuestion: Sendable, Equatable {
  /// A question and its answer that were said before.
  public struct Turn: Sendable, Equatable {
    /// What was asked.
    public let question: String
    /// What was answered.
    public let answer: String
  }

  /// The image file: absolute, or joined to the folder of the file that names it.
  public let image: String
  /// What is asked; never blank.
  public let question: String
  /// What is to be answered; never blank.
  public let answer: String
  /// What was said about the image before, in order.
  public let history: [Turn]
  /// What kind of question it is, nil where the file does not say.
  public let kind: String?
  /// The answers that may be chosen from; empty where the file gives none.
  public let choices: [String]
  /// The line of the file, from 1, at which the record begins.
  public let line: Int
}

/// The questions about images that a file lists.
///
/// Read are JSON lines (`{"image": path, "question": text, "answer": text}`, with `kind` and `choices` where wanted) and
/// LLaVA's JSON, a list with `image` and `conversations`: each answer is one question, with all turns before it. The
/// content decides which. Image paths are relative to the file's folder.
public struct ImageQuestions: Sendable, Equatable {
  /// The file as it was given.
  public let path: String
  /// The questions in the order of the file; at least one.
  public let records: [ImageQuestion]

  /// Reads and checks a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - checksImages: asks the file system for every image; the images are not opened.
  /// - Throws: `DatasetError.unreadable`, `.badLine` with the first bad line, `.imageMissing`, or `.wrongFile` when
  ///   there is nothing in it.
  public init(path: String, checksImages: Bool = true) throws {
    self.path = path
    records = try CaptionSource(path: path).questions()
    guard !records.isEmpty else {
      throw DatasetError.wrongFile(path: path, expected: "questions about images", found: "none")
    }
    guard checksImages else { return }
    var seen: Set<String> = []
    for record in records where seen.insert(record.image).inserted {
      guard FileManager.default.fileExists(atPath: record.image) else {
        throw DatasetError.imageMissing(path: path, line: record.line, image: record.image)
      }
    }
  }
}

extension CaptionSource {
  /// Reads questions by the rules of the format that the first bytes show.
  func questions() throws -> [ImageQuestion] {
    switch bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
    case nil: return []
    case UInt8(ascii: "["): return try questionsOfConversations()
    case UInt8(ascii: "{"): return try questionLines()
    default:
      throw fault(
        1, "{\"image\", \"question\", \"answer\"} a line, or LLaVA's list of conversations", "other text")
    }
  }

  private func questionLines() throws -> [ImageQuestion] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return try lines.enumerated().map { place, text in
      let line = place + 1
      guard text.contains(where: { $0 > 0x20 }) else { throw fault(line, "a JSON object", "an empty line") }
      let entry = try object(try json(Array(text), onLine: line), line)
      let choices = try entry["choices"].map { value in
        guard let items = value.items else { throw fault(line, "a list as \"choices\"", Self.kind(value)) }
        return try items.map { item in
          guard let text = item.text, !text.isEmpty else {
            throw fault(line, "texts as \"choices\"", Self.kind(item))
          }
          return text
        }
      }
      let answer = try said("answer", of: entry, line)
      if let choices, !choices.isEmpty, !choices.contains(answer) {
        throw fault(line, "the answer among \"choices\"", "“\(answer)”")
      }
      return ImageQuestion(
        image: try located(self.text("image", of: entry, line), line),
        question: try said("question", of: entry, line),
        answer: answer, history: [], kind: try entry["kind"] == nil ? nil : said("kind", of: entry, line),
        choices: choices ?? [], line: line)
    }
  }

  private func questionsOfConversations() throws -> [ImageQuestion] {
    let items = try json(bytes, onLine: nil).items ?? []
    return try zip(items, places(of: items, "", JSONElements(bytes))).flatMap { item, line in
      let entry = try object(item, line)
      let image = try located(text("image", of: entry, line), line)
      guard let turns = entry["conversations"]?.items else {
        throw fault(line, "a list as \"conversations\"", "no list")
      }
      // Each question keeps all that was said before.
      guard turns.count <= Self.mostTurns else {
        throw fault(line, "at most \(Self.mostTurns) turns", "\(turns.count)")
      }
      var history: [ImageQuestion.Turn] = []
      var asked: String?
      var questions: [ImageQuestion] = []
      for turn in turns {
        let value = try said("value", of: turn, line)
        if let question = asked {
          guard turn["from"]?.text == "gpt" else { throw fault(line, "an answer from \"gpt\"", "another turn") }
          questions.append(
            ImageQuestion(
              image: image, question: question, answer: value, history: history, kind: nil, choices: [],
              line: line))
          history.append(ImageQuestion.Turn(question: question, answer: value))
          asked = nil
        } else {
          guard turn["from"]?.text == "human" else {
            throw fault(line, "a question from \"human\"", "another turn")
          }
          let question = Self.trimmed(value.replacing("<image>", with: ""))
          guard !question.isEmpty else { throw fault(line, "a question", "an image alone") }
          asked = question
        }
      }
      guard asked == nil, !questions.isEmpty else { throw fault(line, "an answer to every question", "none") }
      return questions
    }
  }

  /// More turns than any conversation about an image has.
  private static var mostTurns: Int { 1024 }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }

  /// A text with something in it.
  private func said(_ key: String, of entry: JSONValue, _ line: Int) throws -> String {
    let text = try self.text(key, of: entry, line)
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw fault(line, "a text as \"\(key)\"", "a blank one")
    }
    return text
  }
}
