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
  package internal(set) var blocks: [TransformerBlock]
  package let finalNorm: Normalization?
  /// From embedding width to C and back, where they differ.
  package internal(set) var inward: FrozenLinear?
  package internal(set) var outward: FrozenLinear?
  /// Logits from final states; nil when no head is stored.
  package internal(set) var head: FrozenLinear?
  /// What the names of its tensors begin with.
  package let prefix: String

  /// The same decoder with weights packed when they are first used: for many passes, at the cost of memory.
  package func packed(_ precision: ProductPrecision) -> Decoder {
    var decoder = self
    decoder.blocks = blocks.map { $0.packed(precision) }
    decoder.inward = inward?.packed(precision)
    decoder.outward = outward?.packed(precision)
    decoder.head = head?.packed(precision)
    return decoder
  }

  /// What tokens are fed as.
  package var tokenEmbeddings: TokenEmbeddings {
    TokenEmbeddings(
      table: embeddings, scale: configuration.family == .gemma ? Float(configuration.width).squareRoot() : 1)
  }

  /// Numbers in a row that `embed` gives: what is fed as `inputs_embeds`.
  package var inputWidth: Int { configuration.embeddingWidth }

  /// Rows of the tokens, as the family feeds them to its first block, before positions.
  ///
  /// - Returns: [tokens, inputWidth]. Gemma's rows are multiplied by √C.
  /// - Throws: `ModelError.tokenOutside`; `TensorFileError` when rows cannot be read.
  package func embed(_ tokens: [Int32], on pool: WorkerPool) throws -> Block<Float> {
    try tokenEmbeddings.rows(of: tokens, on: pool)
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
    precondition(last >= 0 && last <= blocks.count)
    let states = try entering(inputs, sequences, on: pool)
    let turning = turning(sequences)
    for (k, block) in blocks.enumerated() {
      try visit(k, states)
      if k == last { return }
      if let stages = BlockStages(block) {
        try stages.forward(states, sequences, turning, on: pool)
      } else {
        try block.forward(states, sequences, on: pool)
      }
    }
    try visit(blocks.count, leaving(states, on: pool))
  }

  /// The rotary embedding for these sequences, one way or the other; every block of a decoder has the same.
  func turning(_ sequences: Sequences, isBack: Bool = false) -> Turning? {
    blocks.first?.attention.rotary.map { Turning($0, sequences, isBack: isBack) }
  }

  /// What enters the first block, hidden state 0: inputs in the decoder's width, with learned positions.
  ///
  /// - Returns: [tokens, C], in memory of its own.
  package func entering(_ inputs: Block<Float>, _ sequences: Sequences, on pool: WorkerPool) throws -> Block<
    Float
  > {
    precondition(inputs.rows == sequences.tokens && inputs.columns == inputWidth)
    let states = try inward?.forward(inputs, on: pool) ?? inputs.copied(on: pool)
    try addPositions(to: states, sequences, on: pool)
    return states
  }

  /// Hidden state L from what leaves the last block, which it overwrites.
  ///
  /// - Returns: [tokens, C], or of OPT-350m, in the width of its embeddings.
  package func leaving(_ states: Block<Float>, on pool: WorkerPool) throws -> Block<Float> {
    if let finalNorm { try states.forEachRow(on: pool) { _, row in finalNorm.apply(to: &row) } }
    return try outward?.forward(states, on: pool) ?? states
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
    let count = sequences.positions
    guard count + offset <= table.shape[0] else {
      throw ModelError.sequenceTooLong(path: table.path, tokens: count, limit: table.shape[0] - offset)
    }
    let rows = Block<Float>.zeros(count, states.columns)
    try rows.buffer.write(0..<rows.extent) { try table.read(rows: offset..<offset + count, into: &$0) }
    try pool.forEach(sequences.count) { _, sequence in
      let own = sequences.rows(of: sequence)
      for i in own {
        rows.row(sequences.position(of: i - own.lowerBound, in: sequence)) { position in
          states.writeRow(i) { ActivationKernels.add(position, to: &$0) }
        }
      }
    }
  }
}
