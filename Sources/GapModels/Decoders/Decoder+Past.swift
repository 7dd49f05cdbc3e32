import GapLayers
package import GapLinearAlgebra

/// What a decoder remembers of the tokens of one sequence: keys and values of every layer, part after part.
///
/// Parts are shared: several continuations of one beginning hold the same one.
package struct DecoderPast: Sendable {
  /// Part after part, layer by layer.
  fileprivate var parts: [[KeyValues]] = []
  /// Tokens that it remembers.
  package private(set) var count = 0

  /// Nothing.
  package init() {}

  /// What it is after more tokens.
  fileprivate func appending(_ layers: [KeyValues], _ tokens: Int) -> DecoderPast {
    var result = self
    result.parts.append(layers)
    result.count += tokens
    return result
  }
}

extension Decoder {
  /// Runs tokens that follow others, without running those again.
  ///
  /// - Parameters:
  ///   - inputs: [tokens, inputWidth], rows of the tokens that follow, sequence after sequence.
  ///   - lengths: tokens of each sequence, at least one.
  ///   - pasts: what precedes each sequence.
  /// - Returns: the states of layer L, [tokens, C], and what each sequence remembers now.
  /// - Throws: `ModelError.sequenceTooLong`; `TensorFileError`.
  package func extend(
    _ inputs: Block<Float>, lengths: [Int], pasts: [DecoderPast], on pool: WorkerPool
  ) throws -> (states: Block<Float>, pasts: [DecoderPast]) {
    precondition(pasts.count == lengths.count)
    let sequences = Sequences(lengths: lengths, offsets: pasts.map(\.count))
    let states = try entering(inputs, sequences, on: pool)
    var fresh = lengths.map { _ in [KeyValues]() }
    for (k, block) in blocks.enumerated() {
      let layer = try block.forward(states, sequences, past: pasts.map { $0.parts.map { $0[k] } }, on: pool)
      for s in lengths.indices { fresh[s].append(layer[s]) }
    }
    let after = lengths.indices.map { pasts[$0].appending(fresh[$0], lengths[$0]) }
    return (try leaving(states, on: pool), after)
  }
}
