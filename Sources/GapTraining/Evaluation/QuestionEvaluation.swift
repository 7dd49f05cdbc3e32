package import GapLinearAlgebra
package import GapMetrics
package import GapModels

/// How many questions about images the decoder answers right.
///
/// `questions` counts an answer as right when greedy decoding begins with it: what is most likely after the question,
/// token by token, is the answer. What would follow is not judged, since before the instruction stage nothing has taught
/// the model to stop. `choices` counts it when the answer is the likeliest of the choices that the file gives.
package struct QuestionEvaluation {
  package let checkpoint: Checkpoint
  package let questions: QuestionSet
  private let pool: WorkerPool

  /// Images, and questions, that go through together.
  private static let images = 32
  private static let questionBatch = 128

  /// - Parameter checkpoint: with the decoder that answers.
  package init(_ questions: QuestionSet, checkpoint: Checkpoint, pool: WorkerPool) {
    self.questions = questions
    self.checkpoint = checkpoint
    self.pool = pool
  }

  /// Shares of questions answered right: `questions`, `questions_<kind>`, `choices`, `choices_<kind>`.
  ///
  /// - Throws: `TensorFileError`, `ModelError`.
  package func entries(_ prefix: EvaluationPrefix) throws -> [MetricEntry] {
    let decoder = try checkpoint.model.requiredDecoder()
    let generator = try GreedyGenerator(decoder: decoder, ends: [], limit: 0, pool: pool)
    var greedy = [Bool](repeating: false, count: questions.count)
    var chosen = [Bool?](repeating: nil, count: questions.count)
    let set = questions.samples
    let byImage = Dictionary(grouping: 0..<questions.count) { set.imageOfSample[$0] }
    let images = byImage.keys.sorted()
    for range in Pieces(of: 0..<images.count, size: Self.images).all {
      let pasts = try prefix.read(Array(images[range]), of: set, checkpoint, on: pool).pasts
      let asked = range.flatMap { place in
        (byImage[images[place]] ?? []).map { (question: $0, past: pasts[place - range.lowerBound]) }
      }
      for batch in Pieces(of: 0..<asked.count, size: Self.questionBatch).all {
        try answer(Array(asked[batch]), decoder, generator, &greedy, &chosen)
      }
    }
    return shares("questions", greedy.map { $0 }) + shares("choices", chosen)
  }

  private func answer(
    _ asked: [(question: Int, past: DecoderPast)], _ decoder: Decoder, _ generator: GreedyGenerator,
    _ greedy: inout [Bool], _ chosen: inout [Bool?]
  ) throws {
    let prompts = asked.map { questions.samples.samples[$0.question].prompt }
    let answers = asked.map { questions.answers[$0.question] }
    let (states, starts) = try finals(decoder, prompts, answers, asked.map(\.past))
    let likely = try generator.mostLikely(states)
    for (place, item) in asked.enumerated() {
      greedy[item.question] = Array(likely[starts[place]..<starts[place + 1]]) == answers[place]
    }
    // Where every choice is one token, the state before the answer tells them all.
    let single = asked.indices.filter { place in
      let choices = questions.choices[asked[place].question]
      return !choices.isEmpty && choices.allSatisfy { $0.count == 1 }
    }
    if !single.isEmpty {
      let scores = try generator.logProbabilities(
        states.picked(single.map { starts[$0] }, on: pool),
        of: single.map { questions.choices[asked[$0].question].map { $0[0] } })
      for (row, place) in single.enumerated() {
        chosen[asked[place].question] = best(scores[row]) == questions.rightChoice[asked[place].question]
      }
    }
    for place in asked.indices where !single.contains(place) {
      let question = asked[place].question
      let choices = questions.choices[question]
      guard !choices.isEmpty else { continue }
      let (states, starts) = try finals(
        decoder, choices.map { _ in prompts[place] }, choices, choices.map { _ in asked[place].past })
      let scores = try generator.logProbabilities(states, of: choices.flatMap { $0.map { [$0] } }).map { $0[0] }
      let sums = choices.indices.map { scores[starts[$0]..<starts[$0 + 1]].reduce(0, +) }
      chosen[question] = best(sums) == questions.rightChoice[question]
    }
  }

  /// Final states before each token of each answer, one below the other, and where each answer's begin.
  private func finals(
    _ decoder: Decoder, _ prompts: [[Int32]], _ answers: [[Int32]], _ pasts: [DecoderPast]
  ) throws -> (Block<Float>, [Int]) {
    let fed = zip(prompts, answers).map { $0 + $1.dropLast() }
    let lengths = fed.map(\.count)
    let states = try decoder.extend(
      decoder.embed(fed.flatMap { $0 }, on: pool), lengths: lengths, pasts: pasts, on: pool
    ).states
    let starts = answers.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let ends = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }.dropFirst()
    let kept = zip(ends, answers).flatMap { end, answer in Array(end - answer.count..<end) }
    return (try states.picked(kept, on: pool), starts)
  }

  private func best(_ scores: [Double]) -> Int? { scores.indices.max { scores[$0] < scores[$1] } }

  /// The share that is right, of all and of each kind; nothing where nothing was judged.
  private func shares(_ name: String, _ right: [Bool?]) -> [MetricEntry] {
    let judged = right.indices.filter { right[$0] != nil }
    guard !judged.isEmpty else { return [] }
    func share(_ members: [Int]) -> Double {
      Double(members.count { right[$0] == true }) / Double(members.count)
    }
    let byKind = Dictionary(grouping: judged.filter { questions.kinds[$0] != nil }) {
      questions.kinds[$0] ?? ""
    }
    return [MetricEntry(name, share(judged))]
      + byKind.keys.sorted().map { MetricEntry("\(name)_\($0)", share(byKind[$0] ?? [])) }
  }
}
