import GapLayers
package import GapLinearAlgebra
import GapTensorFiles

/// Goes on with token sequences by the most likely token, one after the other, with a key-value cache.
package struct GreedyGenerator {
  package let decoder: Decoder
  /// Tokens that end a sequence.
  package let ends: Set<Int32>
  /// The most tokens of a continuation.
  package let limit: Int
  private let head: FrozenLinear
  private let pool: WorkerPool

  /// Logits that are there at once.
  private static let logits = 1 << 24

  /// - Throws: `ModelError.tensorMissing` when the checkpoint has no head.
  package init(decoder: Decoder, ends: Set<Int32>, limit: Int, pool: WorkerPool) throws {
    guard let head = decoder.head else {
      throw ModelError.tensorMissing(
        path: decoder.embeddings.path, name: "lm_head.weight",
        shape: "(vocabulary, \(decoder.inputWidth))", candidates: [])
    }
    self.decoder = decoder
    self.head = head
    self.ends = ends
    self.limit = limit
    self.pool = pool
  }

  /// - Parameters:
  ///   - states: final states of the last token of each sequence, [sequences, C].
  ///   - pasts: what each sequence remembers.
  ///   - isEnd: told the tokens of a continuation so far; says whether it ends there.
  /// - Returns: for each sequence its continuation, without the ending token.
  package func continuations(
    _ states: Block<Float>, _ pasts: [DecoderPast], isEnd: ([Int32]) -> Bool = { _ in false }
  ) throws -> [[Int32]] {
    var results = pasts.map { _ in [Int32]() }
    var (open, states, pasts) = (Array(pasts.indices), states, pasts)
    for _ in 0..<limit {
      let next = try mostLikely(states)
      var kept: [Int] = []
      for (place, sequence) in open.enumerated() where !ends.contains(next[place]) {
        results[sequence].append(next[place])
        if !isEnd(results[sequence]) { kept.append(place) }
      }
      if kept.isEmpty { break }
      let tokens = kept.map { next[$0] }
      let (after, longer) = try decoder.extend(
        decoder.embed(tokens, on: pool), lengths: tokens.map { _ in 1 }, pasts: kept.map { pasts[$0] }, on: pool
      )
      (states, pasts) = (after, longer)
      open = kept.map { open[$0] }
    }
    return results
  }

  /// The token with the largest logit for each state; of equal ones, the first.
  package func mostLikely(_ states: Block<Float>) throws -> [Int32] {
    var tokens: [Int32] = []
    for rows in Pieces(of: 0..<states.rows, size: max(1, Self.logits / head.outputs)).all {
      let logits = try head.forward(states.rows(rows), on: pool)
      tokens += try pool.map(rows.count) { _, i in
        logits.row(i) { row in
          var best = 0
          for k in 1..<row.count where row[k] > row[best] { best = k }
          return Int32(best)
        }
      }
    }
    return tokens
  }

  /// Logarithms of the probabilities of some tokens after each state.
  package func logProbabilities(_ states: Block<Float>, of tokens: [[Int32]]) throws -> [[Double]] {
    precondition(tokens.count == states.rows)
    var results: [[Double]] = []
    for rows in Pieces(of: 0..<states.rows, size: max(1, Self.logits / head.outputs)).all {
      let logits = try head.forward(states.rows(rows), on: pool)
      results += try pool.map(rows.count) { _, i in
        logits.row(i) { row in
          var largest = -Float.infinity
          for k in row.indices { largest = max(largest, row[k]) }
          var sum = 0.0
          for k in row.indices { sum += exponential(Double(row[k] - largest)) }
          let offset = Double(largest) + logarithm(sum)
          return tokens[rows.lowerBound + i].map { Double(row[Int($0)]) - offset }
        }
      }
    }
    return results
  }
}
