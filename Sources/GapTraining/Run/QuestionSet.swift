import GapDatasets
package import GapLinearAlgebra
package import GapModels
import GapTensorFiles

/// Questions about images as a run uses them: as samples whose targets are the answers.
package struct QuestionSet {
  /// Prompts are the questions, targets the answers with what ends them.
  package let samples: TrainingSet
  /// Tokens of each answer alone.
  package let answers: [[Int32]]
  /// What kind each question is; nil where the file does not say.
  package let kinds: [String?]
  /// Tokens of each question's choices; empty where it has none.
  package let choices: [[[Int32]]]
  /// Which of its choices is each question's answer.
  package let rightChoice: [Int?]

  package var count: Int { answers.count }

  /// Reads a file of questions.
  ///
  /// - Parameters:
  ///   - known: sets whose features are taken for images that are among theirs.
  ///   - cache: directory in which features of other images are kept.
  /// - Throws: `DatasetError`, `ModelError`, `TensorFileError`, `TrainingError`.
  package init(
    _ path: String, known: [TrainingSet], checkpoint: Checkpoint, configuration: RunConfiguration,
    cache: String?,
    pool: WorkerPool, progress: (Double) -> Void = { _ in }
  ) throws {
    var records = try ImageQuestions(path: path, checksImages: false).records
    let asked = Self.distinct(records.map(\.image))
    let features: TrainingFeatures
    let images: [String]
    if let set = known.first(where: { set in asked.isSubset(of: Set(set.images)) }) {
      (features, images) = (set.features, set.images)
      let bad = Set(features.bad.map { set.images[$0.image] })
      records.removeAll { bad.contains($0.image) }
    } else {
      guard configuration.features == nil else {
        throw TrainingError.badData(
          place: path, expected: "images of the pairs, since features are stored",
          found: records.first { record in !known.contains { $0.images.contains(record.image) } }?.image
            ?? "others",
          hint: "features know images only through the pairs")
      }
      records = try ImageQuestions(path: path, checksImages: !configuration.skipsBadImages).records
      var seen: Set<String> = []
      let named = records.filter { seen.insert($0.image).inserted }.map {
        NamedImage(path: $0.image, place: "\(path): line \($0.line)")
      }
      features = try TrainingFeatures(
        .images(named, cache: try cache.map { try FeatureCache(directory: $0, checkpoint: checkpoint) }),
        checkpoint: checkpoint, skipsBad: configuration.skipsBadImages, pool: pool, progress: progress)
      images = named.map(\.path)
      let bad = Set(features.bad.map { images[$0.image] })
      records.removeAll { bad.contains($0.image) }
    }
    guard !records.isEmpty else {
      throw TrainingError.badData(
        place: path, expected: "at least one image that can be read", found: "none",
        hint: "the first: \(features.bad.first.map { "\($0.fault)" } ?? "no questions")")
    }
    let places = Dictionary(images.enumerated().map { ($1, $0) }) { first, _ in first }
    let template = try QuestionTemplate(configuration, checkpoint)
    let kept = records
    let parts = try pool.map(kept.count) { _, i in try template.parts(kept[i], path: path) }
    samples = TrainingSet(
      features: features, images: images, imageOfSample: kept.map { places[$0.image] ?? 0 },
      captions: kept.map { NamedCaption(text: $0.answer, place: "\(path): line \($0.line)") },
      samples: parts.map { TrainingSample(prompt: $0.prompt, targets: $0.answer + $0.end) })
    answers = parts.map(\.answer)
    kinds = kept.map(\.kind)
    choices = parts.map(\.choices)
    rightChoice = kept.map { $0.choices.firstIndex(of: $0.answer) }
  }

  private static func distinct(_ texts: [String]) -> Set<String> { Set(texts) }
}

/// How a question becomes tokens.
private struct QuestionTemplate: Sendable {
  struct Parts: Sendable {
    let prompt: [Int32]
    let answer: [Int32]
    let end: [Int32]
    let choices: [[Int32]]
  }

  private let tokenizer: Tokenizer
  private let text: String
  private let end: [Int32]

  init(_ configuration: RunConfiguration, _ checkpoint: Checkpoint) throws {
    tokenizer = checkpoint.tokenizer
    text = configuration.questionTemplate
    end = try CaptionTemplate(configuration, checkpoint).ending
  }

  func parts(_ record: ImageQuestion, path: String) throws -> Parts {
    let before = record.history.map { text.replacing("{question}", with: $0.question) + " " + $0.answer + " " }
    let asked = before.joined() + text.replacing("{question}", with: record.question)
    let place = "\(path): line \(record.line)"
    let prompt = try tokenizer.encode(asked, from: place)
    let answer = try said(record.answer, after: asked, prompt, place)
    guard !prompt.isEmpty, !answer.isEmpty else { throw ModelError.captionWithoutTokens(place: place) }
    return Parts(
      prompt: prompt, answer: answer, end: end,
      choices: try record.choices.map { try said($0, after: asked, prompt, place) })
  }

  /// Tokens of an answer: what follows the question in both as one string, where its tokens stay.
  private func said(_ answer: String, after asked: String, _ prompt: [Int32], _ place: String) throws -> [Int32]
  {
    let whole = try tokenizer.encode(asked + " " + answer, from: place)
    if whole.starts(with: prompt), whole.count > prompt.count { return Array(whole.dropFirst(prompt.count)) }
    return tokenizer.encode(" " + answer, addingSpecialTokens: false)
  }
}
