package import GapLayers
package import GapLinearAlgebra

/// One sequence that goes through the decoder to be read: tokens, visual tokens, tokens.
package struct ReadoutSequence: Sendable {
  package let leading: [Int32]
  /// Rows of the visual tokens that are passed along; empty for a caption.
  package let visual: Range<Int>
  package let trailing: [Int32]

  package init(leading: [Int32], visual: Range<Int> = 0..<0, trailing: [Int32] = []) {
    self.leading = leading
    self.visual = visual
    self.trailing = trailing
  }

  package var length: Int { leading.count + visual.count + trailing.count }
}

/// Runs sequences through a decoder in batches and hands over each one's states, layer by layer.
package struct ReadoutPass {
  package let decoder: Decoder
  package let pool: WorkerPool

  /// Tokens that go through together: enough to keep products large, few enough to bound memory.
  package static let batchTokens = 2048

  package init(decoder: Decoder, pool: WorkerPool) {
    self.decoder = decoder
    self.pool = pool
  }

  /// - Parameters:
  ///   - sequences: what goes through; an empty sequence is a programmer error.
  ///   - visual: [visual tokens, input width], which the sequences' ranges speak of.
  ///   - last: the last layer that is wanted, 0…L.
  ///   - progress: told the share that is done, 0…1, layer by layer.
  ///   - visit: gets layer, index of the sequence and its states [length, C], valid during the call.
  package func run(
    _ sequences: [ReadoutSequence], visual: Block<Float>?, through last: Int,
    progress: (Double) -> Void = { _ in },
    visit: (_ layer: Int, _ sequence: Int, _ states: Block<Float>) throws -> Void
  ) throws {
    let ranges = batches(sequences)
    for (place, range) in ranges.enumerated() {
      let batch = Array(sequences[range])
      let packed = Sequences(lengths: batch.map(\.length))
      try decoder.run(inputs(batch, packed, visual), packed, through: last, on: pool) { layer, states in
        for s in batch.indices { try visit(layer, range.lowerBound + s, states.rows(packed.rows(of: s))) }
        progress((Double(place) + Double(layer) / Double(max(last, 1))) / Double(ranges.count))
      }
    }
  }

  /// Neighbouring sequences that go through together.
  package func batches(_ sequences: [ReadoutSequence]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var tokens = 0
    for (place, sequence) in sequences.enumerated() {
      tokens += sequence.length
      if let last = ranges.last, tokens <= Self.batchTokens {
        ranges[ranges.count - 1] = last.lowerBound..<place + 1
      } else {
        ranges.append(place..<place + 1)
        tokens = sequence.length
      }
    }
    return ranges
  }

  /// What a batch of sequences is fed, [tokens, input width].
  package func inputs(
    _ batch: [ReadoutSequence], _ packed: Sequences, _ visual: Block<Float>?
  ) throws -> Block<Float> {
    let inputs = Block<Float>.zeros(packed.tokens, decoder.inputWidth)
    for (s, sequence) in batch.enumerated() {
      let rows = inputs.rows(packed.rows(of: s))
      let between = sequence.leading.count..<sequence.leading.count + sequence.visual.count
      try rows.rows(0..<between.lowerBound).add(decoder.embed(sequence.leading, on: pool), on: pool)
      if let visual { try rows.rows(between).add(visual.rows(sequence.visual), on: pool) }
      try rows.rows(between.upperBound..<rows.rows).add(decoder.embed(sequence.trailing, on: pool), on: pool)
    }
    return inputs
  }
}

extension Block<Float> {
  /// The mean of the rows `range`, [columns]: summed in Double.
  package func mean(of range: Range<Int>) -> [Float] {
    var sums = [Double](repeating: 0, count: columns)
    for i in range { row(i) { row in for k in row.indices { sums[k] += Double(row[k]) } } }
    return sums.map { Float($0 / Double(range.count)) }
  }
}
