import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

/// The rows that a decoder is fed for tokens: its input embedding table, which stays where it is stored.
package struct TokenEmbeddings: Sendable {
  /// [rows, width].
  package let table: Tensor
  /// What every row is multiplied by: √C for Gemma, 1 for others.
  package let scale: Float

  package init(table: Tensor, scale: Float = 1) {
    self.table = table
    self.scale = scale
  }

  /// Families whose blocks are not read, but of which it is known how they feed tokens; Gemma's later ones scale them.
  static let families = [
    "gemma2", "gemma3", "gemma3_text", "internlm2", "mixtral", "phi", "qwen2_5_vl", "qwen2_5_vl_text",
    "qwen2_moe", "qwen2_vl", "qwen2_vl_text", "qwen3_moe", "qwen3_vl", "qwen3_vl_text", "stablelm",
  ]

  /// Finds the table of a decoder, also of one whose blocks are not read.
  ///
  /// - Parameter settings: the decoder's own settings.
  /// - Throws: `ModelError.unknownFamily` where it is not known whether rows are scaled; others when there is no table,
  ///   or several.
  package init(_ settings: ModelSettings, weights: ModelWeights) throws {
    let type = try settings.text("model_type") ?? "nothing"
    guard DecoderFamily(rawValue: type) != nil || Self.families.contains(type) else {
      throw ModelError.unknownFamily(
        path: settings.path, found: type, known: DecoderFamily.allCases.map(\.rawValue) + Self.families,
        hint: "of the latter only the readout input can be had")
    }
    let width = try settings.size("hidden_size", "n_embd", "dim")
    let endings = ["embed_tokens.weight", "wte.weight", "tok_embeddings.weight", "word_embeddings.weight"]
    let ending = endings.first { !weights.names(endingWith: $0).isEmpty } ?? endings[0]
    self.init(
      table: try weights.only(endingWith: ending, shape: "(vocabulary, \(width))") {
        $0.count == 2 && $0[1] == width
      },
      scale: type.hasPrefix("gemma") ? Float(width).squareRoot() : 1)
  }

  /// Numbers in a row.
  package var width: Int { table.shape[1] }
  /// Rows of the table.
  package var count: Int { table.shape[0] }

  /// Rows of tokens.
  ///
  /// - Returns: [tokens, width].
  /// - Throws: `ModelError.tokenOutside`; `TensorFileError` when rows cannot be read.
  package func rows(of tokens: [Int32], on pool: WorkerPool) throws -> Block<Float> {
    let rows = Block<Float>.zeros(tokens.count, width)
    let (table, scale) = (table, scale)
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
}
