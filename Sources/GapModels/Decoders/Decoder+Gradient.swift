package import GapLayers
package import GapLinearAlgebra

extension Decoder {
  /// What the gradient needs of a pass.
  package struct Saved: Sendable {
    let blocks: [BlockSaved]
    /// What entered the final norm, [tokens, C]; nil where the pass ended before it.
    let beforeNorm: Block<Float>?
    /// What went through the last block; nil for all rows.
    let tails: SequenceTails?

    fileprivate var isStaged: Bool {
      blocks.allSatisfy { if case .stages = $0 { true } else { false } }
    }
  }

  /// Of one block, worked out in stages or layer by layer.
  package enum BlockSaved: Sendable {
    case stages(BlockStages, BlockStages.Saved)
    case layers(TransformerBlock.Saved)
  }

  /// As `run`, keeping what the gradient needs.
  ///
  /// - Parameter tails: the rows of layer L that are wanted: `visit` gets these alone. Not looked at where `last` is below
  ///   L; nil for all rows.
  package func runSaving(
    _ inputs: Block<Float>, _ sequences: Sequences, through last: Int, tails: SequenceTails? = nil,
    on pool: WorkerPool,
    visit: (_ layer: Int, _ states: Block<Float>) throws -> Void
  ) throws -> Saved {
    precondition(last >= 0 && last <= blocks.count)
    var states = try entering(inputs, sequences, on: pool)
    var saved: [BlockSaved] = []
    // What the next block in stages begins with.
    var opened: Attention.Saved?
    let turning = turning(sequences)
    for (k, block) in blocks.enumerated() {
      try visit(k, states)
      if k == last { return Saved(blocks: saved, beforeNorm: nil, tails: nil) }
      let asked = k == blocks.count - 1 ? tails : nil
      if let stages = BlockStages(block) {
        let next = k + 1 < min(last, blocks.count) ? BlockStages(blocks[k + 1]) : nil
        let nextAsked = k + 1 == blocks.count - 1 ? tails : nil
        let pass = try stages.forwardSaving(
          states, opened: opened, sequences, turning, tails: asked, then: next.map { ($0, nextAsked) }, on: pool
        )
        (states, opened) = (pass.output, pass.opened)
        saved.append(.stages(stages, pass.saved))
      } else {
        saved.append(.layers(try block.forwardSaving(states, sequences, on: pool)))
        states = asked?.gathered(states) ?? states
      }
    }
    let beforeNorm = finalNorm == nil ? nil : try states.copied(on: pool)
    try visit(blocks.count, leaving(states, on: pool))
    return Saved(blocks: saved, beforeNorm: beforeNorm, tails: tails)
  }

  /// The gradient of the inputs.
  ///
  /// - Parameters:
  ///   - last: the layer that the pass ended with.
  ///   - layers: those whose hidden state has a gradient of its own.
  ///   - wanted: the rows whose gradient is wanted, in order; nil for all. What comes before the first wanted row of a sequence holds
  ///     anything then, at every layer below the last, and so do all others at layer 0.
  ///   - add: called for these, from the last to the first, with the gradient of that hidden state so far, [tokens, C] (of
  ///     layer L, of the tails that the pass was asked for); adds to it what depends on the state itself.
  /// - Returns: [tokens, input width].
  /// - Throws: `TensorFileError`; what `add` throws.
  package func inputGradient(
    _ saved: Saved, _ sequences: Sequences, through last: Int, at layers: Set<Int>, wanted: [Range<Int>]? = nil,
    on pool: WorkerPool, add: (_ layer: Int, _ gradient: Block<Float>) throws -> Void
  ) throws -> Block<Float> {
    let isWhole = last == blocks.count
    let width = isWhole ? outward?.outputs ?? configuration.width : configuration.width
    var gradient = Block<Float>.zeros(saved.tails?.tokens ?? sequences.tokens, width)
    if layers.contains(last) { try add(last, gradient) }
    if isWhole {
      if let outward { gradient = try outward.inputGradient(gradient, on: pool) }
      if let finalNorm, let at = saved.beforeNorm {
        try finalNorm.applyGradient(at: at, to: gradient, on: pool)
      }
    }
    let turning = turning(sequences, isBack: true)
    let reached = saved.isStaged ? wanted.map { Self.reached($0, sequences) } : nil
    // What the block before, in stages, goes on with.
    var mixed: ProductRows?
    for k in (0..<last).reversed() {
      let tails = k == blocks.count - 1 ? saved.tails : nil
      switch saved.blocks[k] {
      case .stages(let stages, let kept):
        var earlier: (BlockStages, BlockStages.Saved)?
        if k > 0, !layers.contains(k), case .stages(let stages, let kept) = saved.blocks[k - 1] {
          earlier = (stages, kept)
        }
        let back = try stages.inputGradient(
          gradient, mixed: mixed, kept, sequences, turning, tails: tails, reached: reached,
          wanted: k == 0 ? wanted : nil, then: earlier, on: pool)
        (gradient, mixed) = (back.input, back.mixed)
      case .layers(let kept):
        gradient = tails?.scattered(gradient) ?? gradient
        try blocks[k].applyGradient(to: gradient, kept, sequences, on: pool)
      }
      if layers.contains(k) { try add(k, gradient) }
    }
    return try inward?.inputGradient(gradient, on: pool) ?? gradient
  }

  /// The rows whose gradients lead to wanted ones.
  ///
  /// In each sequence, the first wanted row and all after it, since a token sees what is before it alone; all rows, where
  /// nothing is wanted.
  private static func reached(_ wanted: [Range<Int>], _ sequences: Sequences) -> SequenceTails {
    SequenceTails(
      of: sequences,
      firsts: (0..<sequences.count).map { s in
        let rows = sequences.rows(of: s)
        let first = wanted.first { $0.overlaps(rows) }?.lowerBound ?? rows.lowerBound
        return max(first, rows.lowerBound) - rows.lowerBound
      })
  }
}
