import GapLayers
package import GapLinearAlgebra
package import GapModels
import GapTensorFiles

/// The numbers of the contrastive loss that are trained beside the projector: s and b, in this order.
package struct ContrastiveScale: Sendable {
  package let values: Buffer<Float>

  /// Where SigLIP's bias starts.
  private static let startingBias: Float = -10

  package init(temperature: Double) {
    values = Buffer([Float(logarithm(1 / temperature)), Self.startingBias])
  }

  /// Keeps s between 0 and ln 100, as CLIP does.
  package func clamp() { values[0] = min(max(values[0], 0), Float(logarithm(100))) }

  /// exp(−s).
  package var temperature: Double { exponential(-Double(values[0])) }
}

/// Losses of a batch, and their gradient down to the projector's parameters through the frozen decoder.
///
/// A sequence is BOS, visual tokens, prompt, targets. States at visual tokens do not depend on what follows, so that the
/// contrastive loss is read off the pass that predicts tokens; at readout `last` the image's prompt is a second
/// continuation of BOS and visual tokens in the same pass.
///
/// A batch that is larger than `microBatch` goes through in parts. The contrastive loss needs all vectors at once: they
/// are read first without keeping anything, and each part is then given the gradient of its vectors (Gao et al.,
/// *Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup*), which gives the gradient of the whole.
package struct AlignmentGradient {
  package let decoder: Decoder
  /// BOS, or nothing.
  package let beginning: [Int32]
  package let projector: TrainableProjector
  package let objective: AlignmentObjective
  package let scale: ContrastiveScale
  /// Readout vectors of all captions, [samples, C]; nil without a contrastive loss.
  package let texts: Block<Float>?
  package let samples: [TrainingSample]
  package let microBatch: Int
  package let pool: WorkerPool
  /// Features of some samples, [samples · rows, width].
  package let features: ([Int]) throws -> Block<Float>
  /// The checkpoint's path, for messages.
  package let path: String

  package init(
    decoder: Decoder, beginning: [Int32], projector: TrainableProjector, objective: AlignmentObjective,
    scale: ContrastiveScale, texts: Block<Float>?, samples: [TrainingSample], microBatch: Int, path: String,
    pool: WorkerPool, features: @escaping ([Int]) throws -> Block<Float>
  ) {
    precondition(texts != nil || !objective.kind.contrasts)
    self.decoder = decoder
    self.beginning = beginning
    self.projector = projector
    self.objective = objective
    self.scale = scale
    self.texts = texts
    self.samples = samples
    self.microBatch = microBatch
    self.path = path
    self.pool = pool
    self.features = features
  }

  /// Adds the gradient of a batch.
  ///
  /// - Parameters:
  ///   - batch: samples whose tokens are predicted.
  ///   - others: samples that only the contrastive loss sees.
  ///   - gradient: the projector's, added to.
  ///   - scaleGradient: that of s and b, added to.
  /// - Returns: the losses, without their weights.
  /// - Throws: `TensorFileError`, `ModelError`; what `features` throws.
  package func add(
    _ batch: [Int], others: [Int] = [], to gradient: Buffer<Float>, _ scaleGradient: Buffer<Float>
  ) throws -> StepLosses {
    let predicted = objective.kind.predictsTokens ? batch : []
    let supervised = predicted.reduce(0) { $0 + samples[$1].targets.count }
    var losses = StepLosses()
    let contrasted = objective.kind.contrasts ? batch + others : []
    // Each part: its samples, and whether their tokens are predicted.
    var parts: [(samples: [Int], predicts: Bool)] = []
    for range in Pieces(of: 0..<batch.count, size: microBatch).all {
      parts.append((Array(batch[range]), objective.kind.predictsTokens))
    }
    if objective.kind.contrasts {
      for range in Pieces(of: 0..<others.count, size: microBatch).all {
        parts.append((Array(others[range]), false))
      }
    }
    var contrast: Block<Double>?
    func compare(_ vectors: Block<Double>) throws {
      guard let texts else { return }
      let own = Block(
        Buffer<Double>(repeating: 0, count: contrasted.count * texts.columns), rows: contrasted.count,
        columns: texts.columns)
      for (place, sample) in contrasted.enumerated() {
        texts.row(sample) { text in
          own.writeRow(place) { row in for k in row.indices { row[k] = Double(text[k]) } }
        }
      }
      let result = try objective.loss.evaluate(
        image: vectors, text: own, scale: Double(scale.values[0]), bias: Double(scale.values[1]), on: pool)
      losses.contrastive = result.loss
      scaleGradient[0] += Float(objective.contrast * result.scaleGradient)
      scaleGradient[1] += Float(objective.contrast * result.biasGradient)
      contrast = result.imageGradient
    }
    if parts.count > 1, objective.kind.contrasts { try compare(vectors(of: contrasted)) }
    var first = 0
    var total = 0.0
    for part in parts {
      total += try add(part.samples, predicts: part.predicts, supervised: supervised, to: gradient) { vectors in
        if contrast == nil, let vectors { try compare(vectors) }
        return contrast?.rows(first..<first + part.samples.count)
      }
      first += part.samples.count
    }
    if objective.kind.predictsTokens { losses.ntp = total / Double(supervised) }
    return losses
  }

  // MARK: Sequences

  /// Where the parts of a batch's sequences lie.
  private struct Layout {
    let items: [ReadoutSequence]
    let sequences: Sequences
    /// Visual tokens of an image.
    let visual: Int
    let lead: Int

    /// Rows of a sequence's visual tokens.
    func visualRows(_ s: Int) -> Range<Int> {
      let start = sequences.starts[s] + lead
      return start..<start + visual
    }

    /// The rows of layer L that losses look at; nil while the pass ends before it.
    var tails: SequenceTails?

    /// Where a row of a sequence lies in a block of states: of all tokens, or of the tails.
    func place(_ row: Int, _ s: Int, in states: Block<Float>) -> Int {
      guard let tails, states.rows == tails.tokens else { return row }
      return tails.place(of: row, in: s)
    }

    func places(_ rows: Range<Int>, _ s: Int, in states: Block<Float>) -> Range<Int> {
      let first = place(rows.lowerBound, s, in: states)
      return first..<first + rows.count
    }

    /// The row that readout `last` takes.
    func lastRow(_ s: Int, prompt: Int) -> Int {
      prompt > 0 ? sequences.starts[s + 1] - 1 : visualRows(s).upperBound - 1
    }
  }

  private var promptOfLast: [Int32] {
    objective.kind.contrasts && objective.readout == .last ? objective.imagePrompt : []
  }

  private func layout(_ members: [Int], visual: Int, predicts: Bool) -> Layout {
    let second = promptOfLast
    var items: [ReadoutSequence] = []
    var branches: [Sequences.Branch?] = []
    for (place, sample) in members.enumerated() {
      // The last target is only predicted, never fed.
      let fed = predicts ? samples[sample].prompt + samples[sample].targets.dropLast() : []
      items.append(
        ReadoutSequence(
          leading: beginning, visual: place * visual..<(place + 1) * visual, trailing: fed + second))
      let shared = beginning.count + visual
      branches.append(second.isEmpty ? nil : Sequences.Branch(shared: shared, start: shared + fed.count))
    }
    return Layout(
      items: items, sequences: Sequences(lengths: items.map(\.length), branches: branches), visual: visual,
      lead: beginning.count)
  }

  /// The deepest layer that the readout needs; nil when it needs no decoder.
  private var contrastedLayer: Int? {
    guard objective.kind.contrasts else { return nil }
    switch objective.readout {
    case .input: return nil
    case .layer(let layer): return layer
    case .last: return decoder.blocks.count
    }
  }

  private var inputs: ReadoutPass { ReadoutPass(decoder: decoder, pool: pool) }

  // MARK: Forward alone

  /// Readout vectors of images, part after part, nothing kept.
  package func vectors(of members: [Int]) throws -> Block<Double> {
    var blocks: [Block<Double>] = []
    for range in Pieces(of: 0..<members.count, size: microBatch).all {
      let part = Array(members[range])
      let (visual, _) = try projector.forward(features(part), images: part.count, path: path, on: pool)
      let layout = layout(part, visual: visual.rows / part.count, predicts: false)
      guard let layer = contrastedLayer else {
        blocks.append(inputVectors(visual, part.count))
        continue
      }
      let rows = try inputs.inputs(layout.items, layout.sequences, visual)
      try decoder.run(rows, layout.sequences, through: layer, on: pool) { k, states in
        if k == layer { blocks.append(read(states, layout)) }
      }
    }
    let whole = Block(
      Buffer<Double>(repeating: 0, count: members.count * (blocks.first?.columns ?? 0)), rows: members.count,
      columns: blocks.first?.columns ?? 0)
    var next = 0
    for block in blocks {
      for i in 0..<block.rows {
        block.row(i) { row in whole.writeRow(next) { target in for k in row.indices { target[k] = row[k] } } }
        next += 1
      }
    }
    return whole
  }

  private func inputVectors(_ visual: Block<Float>, _ count: Int) -> Block<Double> {
    let each = visual.rows / count
    return Self.vectors(count, visual.columns) { s in visual.mean(of: s * each..<(s + 1) * each) }
  }

  private func read(_ states: Block<Float>, _ layout: Layout) -> Block<Double> {
    Self.vectors(layout.items.count, states.columns) { s in
      states.mean(of: layout.places(readRows(layout, s), s, in: states))
    }
  }

  /// The rows of a sequence that the readout is the mean of.
  private func readRows(_ layout: Layout, _ s: Int) -> Range<Int> {
    guard objective.readout == .last else { return layout.visualRows(s) }
    let row = layout.lastRow(s, prompt: promptOfLast.count)
    return row..<row + 1
  }

  /// The row of a sequence that the first target is predicted from: the prompt's last token, or the last visual one.
  private func firstPredicted(_ layout: Layout, _ s: Int, _ sample: Int) -> Int {
    layout.visualRows(s).upperBound + samples[sample].prompt.count - 1
  }

  /// The rows that losses look at after the last block.
  private func tails(_ layout: Layout, _ members: [Int], predicts: Bool) -> SequenceTails {
    let isRead = contrastedLayer == decoder.blocks.count
    let firsts = members.enumerated().map { s, sample in
      let looked =
        (predicts ? [firstPredicted(layout, s, sample)] : []) + (isRead ? [readRows(layout, s).lowerBound] : [])
      return (looked.min() ?? layout.sequences.starts[s]) - layout.sequences.starts[s]
    }
    return SequenceTails(of: layout.sequences, firsts: firsts)
  }

  private static func vectors(_ count: Int, _ width: Int, _ vector: (Int) -> [Float]) -> Block<Double> {
    let block = Block(Buffer<Double>(repeating: 0, count: count * width), rows: count, columns: width)
    for s in 0..<count {
      let numbers = vector(s)
      block.writeRow(s) { row in for k in row.indices { row[k] = Double(numbers[k]) } }
    }
    return block
  }

  // MARK: Forward and backward

  /// One part of a batch.
  ///
  /// - Parameter contrast: given the part's vectors, says what their gradient is; nil for none.
  /// - Returns: the sum of the losses of the predicted tokens.
  private func add(
    _ members: [Int], predicts: Bool, supervised: Int, to gradient: Buffer<Float>,
    contrast: (Block<Double>?) throws -> Block<Double>?
  ) throws -> Double {
    let (visual, saved) = try projector.forward(features(members), images: members.count, path: path, on: pool)
    let each = visual.rows / members.count
    var layout = layout(members, visual: each, predicts: predicts)
    let wanted = contrastedLayer
    let dVisual = Block<Float>.zeros(visual.rows, visual.columns)
    var total = 0.0
    if predicts || wanted != nil {
      let last = predicts ? decoder.blocks.count : wanted ?? 0
      if last == decoder.blocks.count { layout.tails = tails(layout, members, predicts: predicts) }
      let rows = try inputs.inputs(layout.items, layout.sequences, visual)
      var final: Block<Float>?
      var vectors: Block<Double>?
      let kept = try decoder.runSaving(
        rows, layout.sequences, through: last, tails: layout.tails, on: pool
      ) { k, states in
        if k == wanted { vectors = read(states, layout) }
        if k == last { final = states }
      }
      let slope = try objective.kind.contrasts ? contrast(vectors ?? inputVectors(visual, members.count)) : nil
      let dRows = try decoder.inputGradient(
        kept, layout.sequences, through: last, at: Set([last] + (wanted.map { [$0] } ?? [])),
        wanted: members.indices.map(layout.visualRows), on: pool
      ) { k, dStates in
        if k == last, predicts, let final {
          total += try predict(final, layout, members, supervised: supervised, gradient: dStates)
        }
        if k == wanted, let slope { spread(slope, to: dStates, layout) }
      }
      for s in members.indices {
        try dVisual.rows(s * each..<(s + 1) * each).add(dRows.rows(layout.visualRows(s)), on: pool)
      }
      if wanted == nil, let slope { spreadToInputs(slope, to: dVisual, each) }
    } else if objective.kind.contrasts, let slope = try contrast(inputVectors(visual, members.count)) {
      spreadToInputs(slope, to: dVisual, each)
    }
    try projector.addGradient(dVisual, saved, to: gradient, on: pool)
    return total
  }

  /// Next-token losses of a part, and their gradient at the final states.
  private func predict(
    _ final: Block<Float>, _ layout: Layout, _ members: [Int], supervised: Int, gradient: Block<Float>
  ) throws -> Double {
    guard let head = decoder.head else {
      throw ModelError.tensorMissing(
        path: path, name: "lm_head.weight", shape: "(vocabulary, \(final.columns))", candidates: [])
    }
    var places: [Int] = []
    var targets: [Int32] = []
    for (s, sample) in members.enumerated() {
      let first = firstPredicted(layout, s, sample)
      places += layout.places(first..<first + samples[sample].targets.count, s, in: final)
      targets += samples[sample].targets
    }
    let states = Block<Float>.zeros(places.count, final.columns)
    let slopes = Block<Float>.zeros(places.count, final.columns)
    for (i, place) in places.enumerated() {
      final.row(place) { row in states.writeRow(i) { ActivationKernels.add(row, to: &$0) } }
    }
    let losses = try NextTokenLoss(head: head).losses(
      states, targets: targets, scale: Float(objective.prediction / Double(supervised)), gradient: slopes,
      on: pool)
    for (i, place) in places.enumerated() {
      slopes.row(i) { row in gradient.writeRow(place) { ActivationKernels.add(row, to: &$0) } }
    }
    return losses.reduce(0, +)
  }

  /// Hands the gradient of vectors to the states that they are made of.
  private func spread(_ slope: Block<Double>, to dStates: Block<Float>, _ layout: Layout) {
    for s in layout.items.indices {
      let rows = readRows(layout, s)
      Self.add(
        slope, s, objective.contrast / Double(rows.count), to: dStates,
        rows: layout.places(rows, s, in: dStates))
    }
  }

  private func spreadToInputs(_ slope: Block<Double>, to dVisual: Block<Float>, _ each: Int) {
    for s in 0..<slope.rows {
      Self.add(slope, s, objective.contrast / Double(each), to: dVisual, rows: s * each..<(s + 1) * each)
    }
  }

  private static func add(
    _ slope: Block<Double>, _ s: Int, _ factor: Double, to target: Block<Float>, rows: Range<Int>
  ) {
    slope.row(s) { slope in
      for i in rows {
        target.writeRow(i) { row in for k in row.indices { row[k] += Float(factor * slope[k]) } }
      }
    }
  }
}
