import GapLayers
import GapLinearAlgebra
import GapTensorFiles
import Testing

@testable import GapModels

/// Going on from remembered keys and values, against running everything again.
@Suite struct DecoderPastTests {
  static let names = [
    "llama", "llama-bias", "llama-linear", "llama-llama3", "llama-tied", "mistral", "mistral-window", "qwen2",
    "qwen3", "phi3", "gemma", "gpt2", "gpt2-bare", "opt", "opt-projected",
  ]

  private func decoder(_ name: String) throws -> Decoder {
    let folder = ReferenceFiles.folder + name
    return try Decoder(
      DecoderConfiguration(ModelSettings(file: folder + "/config.json")),
      weights: ModelWeights(TensorFile(path: folder)))
  }

  private func finals(_ decoder: Decoder, _ tokens: [Int32], _ pool: WorkerPool) throws -> Block<Float> {
    var result: Block<Float>?
    try decoder.run(
      decoder.embed(tokens, on: pool), Sequences(lengths: [tokens.count]), through: decoder.blocks.count,
      on: pool
    ) { layer, states in if layer == decoder.blocks.count { result = try states.copied(on: pool) } }
    return try #require(result)
  }

  private func numbers(_ block: Block<Float>) -> [Float] {
    (0..<block.rows).flatMap { i in block.row(i) { row in row.indices.map { row[$0] } } }
  }

  /// Two beginnings of different lengths; the first has two continuations, one of which goes on once more.
  @Test(arguments: names)
  func piecesGiveTheStatesOfTheWhole(name: String) throws {
    let decoder = try decoder(name)
    let pool = WorkerPool(threads: 2)
    let (first, second): ([Int32], [Int32]) = ([3, 9, 4, 11, 6], [7, 5])
    let begun = try decoder.extend(
      decoder.embed(first + second, on: pool), lengths: [5, 2], pasts: [DecoderPast(), DecoderPast()], on: pool)
    let (left, right, other): ([Int32], [Int32], [Int32]) = ([8, 3, 10], [12], [4, 4, 9, 13])
    let next = try decoder.extend(
      decoder.embed(left + right + other, on: pool), lengths: [3, 1, 4],
      pasts: [begun.pasts[0], begun.pasts[0], begun.pasts[1]], on: pool)
    let more = try decoder.extend(
      decoder.embed([5, 6], on: pool), lengths: [2], pasts: [next.pasts[0]], on: pool)
    #expect(more.pasts[0].count == 10)

    let whole = try finals(decoder, first + left + [5, 6], pool)
    expectParity(numbers(begun.states.rows(0..<5)), numbers(whole.rows(0..<5)), "\(name) beginning")
    expectParity(numbers(next.states.rows(0..<3)), numbers(whole.rows(5..<8)), "\(name) continuation")
    expectParity(numbers(more.states), numbers(whole.rows(8..<10)), "\(name) further")
    let branch = try finals(decoder, first + right, pool)
    expectParity(numbers(next.states.rows(3..<4)), numbers(branch.rows(5..<6)), "\(name) branch")
    let apart = try finals(decoder, second + other, pool)
    expectParity(numbers(next.states.rows(4..<8)), numbers(apart.rows(2..<6)), "\(name) other")
  }

  /// Every token is the likeliest after all before it, found anew each time.
  @Test(arguments: ["llama", "gpt2", "opt-projected", "mistral-window"])
  func greedyTokensAreTheLikeliest(name: String) throws {
    let decoder = try decoder(name)
    let pool = WorkerPool(threads: 1)
    let beginnings: [[Int32]] = [[3, 9, 4], [7]]
    let begun = try decoder.extend(
      decoder.embed(beginnings.flatMap { $0 }, on: pool), lengths: beginnings.map(\.count),
      pasts: beginnings.map { _ in DecoderPast() }, on: pool)
    let generator = try GreedyGenerator(decoder: decoder, ends: [], limit: 8, pool: pool)
    let last = Block<Float>.zeros(2, begun.states.columns)
    for (s, row) in [2, 3].enumerated() {
      try last.rows(s..<s + 1).add(begun.states.rows(row..<row + 1), on: pool)
    }
    let found = try generator.continuations(last, begun.pasts)
    for (beginning, own) in zip(beginnings, found) {
      var tokens = beginning
      for _ in 0..<8 {
        let states = try finals(decoder, tokens, pool)
        let logits = try #require(try decoder.logits(states, on: pool))
        let row = numbers(logits.rows(logits.rows - 1..<logits.rows))
        tokens.append(Int32(try #require(row.indices.max { row[$0] < row[$1] })))
      }
      #expect(Array(tokens.dropFirst(beginning.count)) == own)
    }
    // An end is left out, and nothing follows it.
    let end = try #require(found[0].dropFirst(2).first)
    let ended = try GreedyGenerator(decoder: decoder, ends: [end], limit: 8, pool: pool)
      .continuations(last, begun.pasts)
    #expect(ended[0] == Array(found[0].prefix { $0 != end }))
    // Logarithms of probabilities are of one distribution: all tokens together have probability 1.
    let vocabulary = (0..<Int32(try #require(decoder.head).outputs)).map { $0 }
    let scores = try generator.logProbabilities(last, of: [vocabulary, vocabulary])
    for row in scores { #expect(abs(row.reduce(0) { $0 + exponential($1) } - 1) < 1e-6) }
  }
}
