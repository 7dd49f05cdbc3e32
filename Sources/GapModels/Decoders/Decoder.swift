package import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

/// A decoder-only language model with frozen weights, which stay where they are stored.
///
/// One configurable implementation for all families of `DecoderFamily`. Sequences of different lengths go through
/// together, packed; no padding exists.
///
/// - Source: checked against Hugging Face transformers, hidden state by hidden state
///   (`Fixtures/generators/checkpoints.py`).
package struct Decoder: Sendable {
  package let configuration: DecoderConfiguration
  /// [rows, embedding width].
  package let embeddings: Tensor
  /// Learned positions, [positions + offset, C], and how many rows precede position 0.
  package let positions: (table: Tensor, offset: Int)?
  package let blocks: [TransformerBlock]
  package let finalNorm: Normalization?
  /// From embedding width to C and back, where they differ.
  package let inward: FrozenLinear?
  package let outward: FrozenLinear?
  /// Logits from final states; nil when no head is stored.
  package let head: FrozenLinear?
  /// What the names of its tensors begin with.
  package let prefix: String

  /// Numbers in a row that `embed` gives: what is fed as `inputs_embeds`.
  package var inputWidth: Int { configuration.embeddingWidth }

  /// Rows of the tokens, as the family feeds them to its first block, before positions.
  ///
  /// - Returns: [tokens, inputWidth]. Gemma's rows are multiplied by √C.
  /// - Throws: `ModelError.tokenOutside`; `TensorFileError` when rows cannot be read.
  package func embed(_ tokens: [Int32], on pool: WorkerPool) throws -> Block<Float> {
    let rows = Block<Float>.zeros(tokens.count, inputWidth)
    let table = embeddings
    let scale = configuration.family == .gemma ? Float(configuration.width).squareRoot() : 1
    let pieces = Pieces(of: 0..<tokens.count, size: 64)
    try pool.forEach(pieces.count) { _, piece in
      for i in pieces[piece] {
        let token = Int(tokens[i])
        guard token >= 0, token < table.shape[0] else {
          throw ModelError.tokenOutside(path: table.path, token: token, rows: table.shape[0])
        }
        try rows.writeRow(i) { row in
          try table.read(rows: token..<token + 1, into: &row)
          if scale != 1 { for k in row.indices { row[k] *= scale } }
        }
      }
    }
    return rows
  }

  /// Runs packed sequences of input rows through the blocks.
  ///
  /// - Parameters:
  ///   - inputs: [tokens, inputWidth], such as `embed` gives or projected image tokens.
  ///   - last: the last layer that is wanted, 0…L.
  ///   - visit: gets layer k and its state [tokens, C] for k = 0…last, as Hugging Face counts `hidden_states`: 0 is what
  ///     enters the first block, L is after the final norm (of OPT-350m, in the width of its embeddings). The rows are
  ///     overwritten afterwards.
  /// - Throws: `ModelError.sequenceTooLong`; `TensorFileError`; what `visit` throws.
  package func run(
    _ inputs: Block<Float>, _ sequences: Sequences, through last: Int, on pool: WorkerPool,
    visit: (_ layer: Int, _ states: Block<Float>) throws -> Void
  ) throws {
    precondition(inputs.rows == sequences.tokens && inputs.columns == inputWidth)
    precondition(last >= 0 && last <= blocks.count)
    let states = try inward?.forward(inputs, on: pool) ?? inputs.copied(on: pool)
    try addPositions(to: states, sequences, on: pool)
    for (k, block) in blocks.enumerated() {
      try visit(k, states)
      if k == last { return }
      try block.forward(states, sequences, on: pool)
    }
    if let finalNorm { try states.forEachRow(on: pool) { _, row in finalNorm.apply(to: &row) } }
    try visit(blocks.count, outward?.forward(states, on: pool) ?? states)
  }

  /// Scores of every token of the vocabulary from final states.
  ///
  /// - Parameter states: the state of layer L, as `run` gives it.
  /// - Returns: [tokens, vocabulary]; nil when the checkpoint has no head.
  package func logits(_ states: Block<Float>, on pool: WorkerPool) throws -> Block<Float>? {
    try head?.forward(states, on: pool)
  }

  private func addPositions(to states: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws {
    guard let (table, offset) = positions else { return }
    guard sequences.longest + offset <= table.shape[0] else {
      throw ModelError.sequenceTooLong(
        path: table.path, tokens: sequences.longest, limit: table.shape[0] - offset)
    }
    let rows = Block<Float>.zeros(sequences.longest, states.columns)
    try rows.buffer.write(0..<rows.extent) {
      try table.read(rows: offset..<offset + sequences.longest, into: &$0)
    }
    for sequence in 0..<sequences.count {
      let range = sequences.rows(of: sequence)
      try states.rows(range).add(rows.rows(0..<range.count), on: pool)
    }
  }
}
