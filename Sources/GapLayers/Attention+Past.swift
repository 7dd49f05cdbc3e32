package import GapLinearAlgebra

/// Keys and values of some tokens of one sequence, as attention compares and mixes them: [tokens, key heads · head width].
package struct KeyValues: Sendable {
  package let keys: Block<Float>
  package let values: Block<Float>

  package init(keys: Block<Float>, values: Block<Float>) {
    self.keys = keys
    self.values = values
  }
}

extension Attention {
  /// Attention of tokens that follow others whose keys and values are known.
  ///
  /// - Parameters:
  ///   - x: [tokens, width], normalised rows of the tokens that follow.
  ///   - sequences: these tokens; their positions go on from the past.
  ///   - past: for each sequence, what precedes, in order.
  /// - Returns: [tokens, width], before the residual is added, and each sequence's new keys and values.
  package func forward(
    _ x: Block<Float>, _ sequences: Sequences, past: [[KeyValues]], on pool: WorkerPool
  ) throws -> (Block<Float>, [KeyValues]) {
    let parts = try prepared(x, sequences, on: pool)
    let mixed = Block<Float>.zeros(x.rows, heads * headWidth)
    try pool.forEach(sequences.count * keyHeads) { _, piece in
      let (sequence, keyHead) = piece.quotientAndRemainder(dividingBy: keyHeads)
      let rows = sequences.rows(of: sequence)
      let kept = keyHead * headWidth..<(keyHead + 1) * headWidth
      let own = KeyValues(keys: parts.key.block.rows(rows), values: parts.value.block.rows(rows))
      let (k, v) = Self.gathered(past[sequence] + [own], kept)
      let before = k.rows - rows.count
      let weights = Block<Float>.zeros(rows.count, k.rows)
      for head in keyHead * (heads / keyHeads)..<(keyHead + 1) * (heads / keyHeads) {
        let columns = head * headWidth..<(head + 1) * headWidth
        Products.inner(parts.query.block.rows(rows).columns(columns), k, into: weights)
        for i in 0..<rows.count {
          let end = before + i + 1
          var first = 0
          if case .before(let window?) = reach { first = max(0, end - window) }
          weights.writeRow(i) { row in
            for j in 0..<first { row[j] = 0 }
            for j in end..<row.count { row[j] = 0 }
          }
          weights.columns(first..<end).writeRow(i) { ActivationKernels.softmax(&$0, scale: scale) }
        }
        Products.product(weights, v, into: mixed.rows(rows).columns(columns))
      }
    }
    let fresh = (0..<sequences.count).map { s in
      KeyValues(
        keys: parts.key.block.rows(sequences.rows(of: s)), values: parts.value.block.rows(sequences.rows(of: s))
      )
    }
    return (try output.forward(mixed, on: pool), fresh)
  }

  /// One key head's keys and values of all parts, one below the other.
  private static func gathered(_ parts: [KeyValues], _ columns: Range<Int>) -> (Block<Float>, Block<Float>) {
    let count = parts.reduce(0) { $0 + $1.keys.rows }
    let (k, v) = (Block<Float>.zeros(count, columns.count), Block<Float>.zeros(count, columns.count))
    var next = 0
    for part in parts {
      for i in 0..<part.keys.rows {
        part.keys.columns(columns).row(i) { row in k.writeRow(next) { ActivationKernels.add(row, to: &$0) } }
        part.values.columns(columns).row(i) { row in v.writeRow(next) { ActivationKernels.add(row, to: &$0) } }
        next += 1
      }
    }
    return (k, v)
  }
}

extension TransformerBlock {
  /// As `forward`, for tokens that follow others; returns each sequence's new keys and values.
  package func forward(
    _ x: Block<Float>, _ sequences: Sequences, past: [[KeyValues]], on pool: WorkerPool
  ) throws -> [KeyValues] {
    let (attended, fresh) = try attention.forward(
      isPostNorm ? x : attentionNorm.forward(x, on: pool), sequences, past: past, on: pool)
    try Self.add(attended, attentionScale, to: x, on: pool)
    try feed(x, on: pool)
    return fresh
  }
}
