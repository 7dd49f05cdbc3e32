import GapLayers
import GapLinearAlgebra
import Testing

/// Every layer against a twin in Double: its output, and its gradient by central differences with a random cotangent.
@Suite struct LayerGradientTests {
  static let sequences = Sequences(
    lengths: [5, 1, 7], branches: [nil, nil, Sequences.Branch(shared: 2, start: 5)])
  let pool = WorkerPool(threads: 2)

  static let functions: [ActivationKernels.Function] = [.relu, .silu, .gelu, .geluTanh, .quickGelu]

  @Test(arguments: [true, false]) func linear(bias: Bool) throws {
    var made = try MadeLayers(seed: 1)
    let layer = try made.linear(8, 12, bias: bias)
    let (x, c) = (made.rows(5), made.rows(5, 12))
    expectClose(try layer.forward(Block(x), on: pool).numbers, try Naive.linear(x, layer), 1e-6, "output")
    let slope = try Naive.gradient(at: x, c) { try Naive.linear($0, layer) }
    expectClose(try layer.inputGradient(Block(c), on: pool).numbers, slope, 1e-6, "gradient")
    let sum = Block(x)
    try layer.addInputGradient(Block(c), to: sum, on: pool)
    let expected = x.indices.map { i in x[i].indices.map { x[i][$0] + slope[i][$0] } }
    expectClose(sum.numbers, expected, 1e-6, "added gradient")
  }

  @Test func norms() throws {
    var made = try MadeLayers(seed: 2)
    for norm in [made.squareNorm(), made.squareNorm(offset: 1), made.layerNorm()] {
      let (x, c) = (made.rows(4), made.rows(4))
      expectClose(
        try norm.forward(Block(x), on: pool).numbers, x.map { Naive.norm($0, norm) }, 1e-6, "\(norm) output")
      let found = Block(c)
      try norm.applyGradient(at: Block(x), to: found, on: pool)
      let slope = Naive.gradient(at: x, c) { $0.map { Naive.norm($0, norm) } }
      expectClose(found.numbers, slope, 1e-5, "\(norm) gradient")
    }
  }

  @Test(arguments: functions, [true, false])
  func feedForward(function: ActivationKernels.Function, gated: Bool) throws {
    var made = try MadeLayers(seed: 3)
    let layer = try made.feedForward(function, gated: gated)
    let (x, c) = (made.rows(5), made.rows(5))
    let (y, saved) = try layer.forwardSaving(Block(x), on: pool)
    let expected = try Naive.feedForward(x, layer)
    expectClose(y.numbers, expected, 2e-6, "output kept")
    expectClose(try layer.forward(Block(x), on: pool).numbers, expected, 2e-6, "output")
    let slope = try Naive.gradient(at: x, c) { try Naive.feedForward($0, layer) }
    expectClose(try layer.inputGradient(Block(c), saved, on: pool).numbers, slope, 5e-6, "gradient")
  }

  /// Shared keys, windows, norms of heads, rotated and not, with a second continuation.
  @Test(arguments: [Attention.Reach.all, .before(window: nil), .before(window: 3)], [true, false])
  func attention(reach: Attention.Reach, plain: Bool) throws {
    var made = try MadeLayers(seed: 4)
    let layer = try made.attention(keyHeads: plain ? 4 : 2, reach: reach, rotary: !plain, norms: !plain)
    let sequences = reach == .all ? Sequences(lengths: [5, 1, 7]) : Self.sequences
    let (x, c) = (made.rows(13), made.rows(13))
    let (y, saved) = try layer.forwardSaving(Block(x), sequences, on: pool)
    let expected = try Naive.attention(x, layer, sequences)
    expectClose(y.numbers, expected, 2e-6, "output kept")
    expectClose(try layer.forward(Block(x), sequences, on: pool).numbers, expected, 2e-6, "output")
    let slope = try Naive.gradient(at: x, c) { try Naive.attention($0, layer, sequences) }
    expectClose(try layer.inputGradient(Block(c), saved, sequences, on: pool).numbers, slope, 5e-6, "gradient")
  }

  /// Two blocks, one after the other: norms before and after, and scaled branches.
  @Test(arguments: [false, true], [false, true])
  func chain(postNorm: Bool, scaled: Bool) throws {
    var made = try MadeLayers(seed: 5)
    var blocks: [TransformerBlock] = []
    for _ in 0..<2 {
      blocks.append(
        TransformerBlock(
          attentionNorm: made.layerNorm(), attention: try made.attention(reach: .before(window: nil)),
          attentionScale: scaled ? made.numbers(8) : nil, feedForwardNorm: made.squareNorm(),
          feedForward: try made.feedForward(.silu, gated: true),
          feedForwardScale: scaled ? made.numbers(8) : nil,
          isPostNorm: postNorm))
    }
    let (x, c) = (made.rows(13), made.rows(13))
    let states = Block(x)
    let saved = try blocks.map { try $0.forwardSaving(states, Self.sequences, on: pool) }
    let plain = Block(x)
    for block in blocks { try block.forward(plain, Self.sequences, on: pool) }
    func naive(_ x: Naive.Rows) throws -> Naive.Rows {
      try blocks.reduce(x) { try Naive.block($0, $1, Self.sequences) }
    }
    expectClose(states.numbers, try naive(x), 5e-6, "output kept")
    expectClose(plain.numbers, try naive(x), 5e-6, "output")
    let gradient = Block(c)
    for (block, kept) in zip(blocks, saved).reversed() {
      try block.applyGradient(to: gradient, kept, Self.sequences, on: pool)
    }
    expectClose(gradient.numbers, try Naive.gradient(at: x, c, naive), 2e-5, "gradient")
  }

  /// Of a block: as Qwen3's or, with a gate alone, Llama's, or else as GPT-2's; heads from 32 numbers on have bf16 products.
  struct Kind: Sendable {
    let gated: Bool
    let headWidth: Int
    var norms = false
    var bias = true
  }

  private static let kinds = [
    Kind(gated: true, headWidth: 4, norms: true), Kind(gated: false, headWidth: 4),
    Kind(gated: true, headWidth: 32, norms: true), Kind(gated: true, headWidth: 32, bias: false),
    Kind(gated: false, headWidth: 32),
  ]

  /// A block with packed weights, taken through in stages: in single precision as exact as layer by layer; in bf16, whose
  /// factors are rounded to 8 bits (with wide heads, those within heads too), within a few parts in a hundred of the
  /// largest number after seven layers.
  @Test(arguments: kinds, [ProductPrecision.single, .bfloat16])
  func stages(_ kind: Kind, precision: ProductPrecision) throws {
    let gated = kind.gated
    guard precision == .single || ProductPrecision.hasFastBFloat16 else { return }
    var made = try MadeLayers(seed: 7)
    let block = TransformerBlock(
      attentionNorm: gated ? made.squareNorm() : made.layerNorm(),
      attention: try made.attention(
        headWidth: kind.headWidth, reach: .before(window: nil), rotary: gated, norms: kind.norms,
        bias: kind.bias),
      feedForwardNorm: made.squareNorm(),
      feedForward: try made.feedForward(gated ? .silu : .gelu, gated: gated))
    #expect(BlockStages(block) == nil)
    let stages = try #require(BlockStages(block.packed(precision)))
    // Rows beyond a piece, and one piece whose rows are no round number.
    let sequences = Sequences(
      lengths: [5, 1, 130], branches: [nil, nil, Sequences.Branch(shared: 2, start: 50)])
    let (x, c) = (made.rows(136), made.rows(136))
    let expected = try Naive.block(x, block, sequences)
    let rotary = block.attention.rotary
    let there = rotary.map { Turning($0, sequences, isBack: false) }
    let back = rotary.map { Turning($0, sequences, isBack: true) }
    let isExact = precision == .single
    let entered = Block(x)
    let (y, saved, none) = try stages.forwardSaving(entered, sequences, there, on: pool)
    #expect(none == nil)
    expectClose(y.numbers, expected, isExact ? 5e-6 : 3e-2, "output kept")
    #expect(entered.numbers == Block(x).numbers)
    let plain = Block(x)
    try stages.forward(plain, sequences, there, on: pool)
    #expect(plain.numbers == y.numbers)
    let gradient = try stages.inputGradient(Block(c), saved, sequences, back, on: pool).input
    // The twin in Double would need thousands of passes: layer by layer is checked against it in `chain`.
    let states = Block(x)
    let kept = try block.forwardSaving(states, sequences, on: pool)
    let slope = Block(c)
    try block.applyGradient(to: slope, kept, sequences, on: pool)
    expectClose(gradient.numbers, slope.numbers, isExact ? 5e-6 : 3e-2, "gradient")
    let alone = try stages.inputGradient(Block(c), saved, sequences, back, on: WorkerPool(threads: 1)).input
    #expect(alone.numbers == gradient.numbers)
    try expectTwoInOneGo(stages, sequences, x, c, there, back)
    try expectReached(stages, x, c, rotary, isExact ? 5e-6 : 1e-2)
    // In each piece the tails are many or few, in many parts or few.
    for firsts in [[3, 0, 37], [4, 0, 115]] {
      let tails = SequenceTails(of: sequences, firsts: firsts)
      try expectTails(tails, stages, sequences, x, c, there, back, isExact ? 5e-6 : 3e-2)
    }
  }

  /// A block's stage 3 and the next one's stage 1 in one go give what they give one after the other, to the bit; so does
  /// the gradient.
  private func expectTwoInOneGo(
    _ stages: BlockStages, _ sequences: Sequences, _ x: Naive.Rows, _ c: Naive.Rows, _ there: Turning?,
    _ back: Turning?
  ) throws {
    let first = try stages.forwardSaving(Block(x), sequences, there, on: pool)
    let second = try stages.forwardSaving(first.output, sequences, there, on: pool)
    let slope = try stages.inputGradient(Block(c), second.saved, sequences, back, on: pool).input
    let expected = try stages.inputGradient(slope, first.saved, sequences, back, on: pool).input
    let begun = try stages.forwardSaving(Block(x), sequences, there, then: (stages, nil), on: pool)
    let done = try stages.forwardSaving(begun.output, opened: begun.opened, sequences, there, on: pool)
    #expect(begun.opened != nil && done.output.numbers == second.output.numbers)
    let half = try stages.inputGradient(
      Block(c), done.saved, sequences, back, then: (stages, begun.saved), on: pool)
    let whole = try stages.inputGradient(half.input, mixed: half.mixed, begun.saved, sequences, back, on: pool)
    #expect(half.mixed != nil && whole.input.numbers == expected.numbers)
  }

  /// Gradients of the last rows of each sequence are what they are among all, whatever the gradient of the others is.
  private func expectReached(
    _ stages: BlockStages, _ x: Naive.Rows, _ c: Naive.Rows, _ rotary: RotaryEmbedding?,
    _ tolerance: Double
  ) throws {
    // They alone are taken or, where they make too many pieces, all rows; a second continuation sees the beginning.
    for (lengths, firsts) in [([70, 66], [3, 0]), ([96, 40], [94, 17]), ([130, 5, 1], [20, 2, 0])] {
      let branch = Sequences.Branch(shared: firsts[0] + 1, start: (firsts[0] + lengths[0] + 1) / 2)
      let sequences = Sequences(lengths: lengths, branches: [branch] + lengths.dropFirst().map { _ in nil })
      let reached = SequenceTails(of: sequences, firsts: firsts)
      let there = rotary.map { Turning($0, sequences, isBack: false) }
      let back = rotary.map { Turning($0, sequences, isBack: true) }
      let tails = SequenceTails(of: sequences, firsts: firsts.indices.map { (firsts[$0] + lengths[$0]) / 2 })
      let begun = try stages.forwardSaving(Block(x), sequences, there, then: (stages, nil), on: pool)
      let done = try stages.forwardSaving(begun.output, opened: begun.opened, sequences, there, on: pool)
      let ofTails = try stages.forwardSaving(
        begun.output, opened: begun.opened, sequences, there, tails: tails, on: pool)
      func gradient(
        _ c: Block<Float>, _ saved: BlockStages.Saved, tails: SequenceTails?, _ reached: SequenceTails?,
        wanted: [Range<Int>]? = nil
      ) throws -> Block<Float> {
        let half = try stages.inputGradient(
          c, saved, sequences, back, tails: tails, reached: reached, then: (stages, begun.saved), on: pool)
        return try stages.inputGradient(
          half.input, mixed: half.mixed, begun.saved, sequences, back, reached: reached, wanted: wanted,
          on: pool
        ).input
      }
      let all = reached.all
      let broken = c.indices.map { i in all.contains { $0.contains(i) } ? c[i] : c[i].map { _ in Double.nan } }
      // Of a first block, the first half of the rows reached is wanted.
      let halves = all.map { $0.lowerBound..<($0.lowerBound + $0.upperBound + 1) / 2 }
      let among = try gradient(Block(c), done.saved, tails: nil, nil)
      let amongTails = try gradient(tails.gathered(Block(c)), ofTails.saved, tails: tails, nil)
      for (wanted, rows) in [(nil, all), (halves, halves)] {
        try spoilMemory(stages, sequences, x, there, back)
        let found = try gradient(Block(broken), done.saved, tails: nil, reached, wanted: wanted)
        try spoilMemory(stages, sequences, x, there, back)
        let foundOfTails = try gradient(
          tails.gathered(Block(c)), ofTails.saved, tails: tails, reached, wanted: wanted)
        for rows in rows {
          // Sums in another order, and what rounds to the other side.
          expectClose(found.rows(rows).numbers, among.rows(rows).numbers, tolerance, "reached rows")
          expectClose(
            foundOfTails.rows(rows).numbers, amongTails.rows(rows).numbers, tolerance, "reached rows, of tails")
        }
      }
    }
  }

  /// Memory that this gives back is taken by what follows: what that leaves unwritten spoils a result.
  private func spoilMemory(
    _ stages: BlockStages, _ sequences: Sequences, _ x: Naive.Rows, _ there: Turning?, _ back: Turning?
  ) throws {
    let broken = Block(x.map { $0.map { _ in Double.nan } })
    let spoiled = try stages.forwardSaving(broken, sequences, there, on: pool)
    _ = try stages.inputGradient(spoiled.output, spoiled.saved, sequences, back, on: pool)
  }

  /// The last rows of each sequence alone give what they give among all, and the gradient of a loss on them alone.
  private func expectTails(
    _ tails: SequenceTails, _ stages: BlockStages, _ sequences: Sequences, _ x: Naive.Rows, _ c: Naive.Rows,
    _ there: Turning?, _ back: Turning?, _ tolerance: Double
  ) throws {
    func spoilMemory() throws { try self.spoilMemory(stages, sequences, x, there, back) }
    let (whole, kept, _) = try stages.forwardSaving(Block(x), sequences, there, on: pool)
    try spoilMemory()
    let (y, saved, _) = try stages.forwardSaving(Block(x), sequences, there, tails: tails, on: pool)
    expectClose(y.numbers, tails.gathered(whole).numbers, tolerance, "tails' output")
    let ofTails = tails.gathered(Block(c))
    let expected = try stages.inputGradient(tails.scattered(ofTails), kept, sequences, back, on: pool).input
    try spoilMemory()
    let found = try stages.inputGradient(ofTails, saved, sequences, back, tails: tails, on: pool).input
    expectClose(found.numbers, expected.numbers, tolerance, "tails' gradient")
    // The block before may have made the tails' queries; and of some rows alone, the gradient is the same.
    let before = try stages.forwardSaving(Block(x), sequences, there, on: pool).output
    let (expectedY, _, _) = try stages.forwardSaving(before, sequences, there, tails: tails, on: pool)
    try spoilMemory()
    let begun = try stages.forwardSaving(Block(x), sequences, there, then: (stages, tails), on: pool)
    let done = try stages.forwardSaving(
      begun.output, opened: begun.opened, sequences, there, tails: tails, on: pool)
    #expect(done.output.numbers == expectedY.numbers)
    for wanted in [[1..<50, 60..<135], [1..<4, 20..<135]] {
      let some = try stages.inputGradient(
        tails.gathered(Block(c)), saved, sequences, back, tails: tails, wanted: wanted, on: pool
      ).input
      for rows in wanted {
        expectClose(some.rows(rows).numbers, found.rows(rows).numbers, tolerance, "wanted rows' gradient")
      }
    }
  }

  /// Packed layers alone, adding and not, with a number of rows that fills no piece.
  @Test(arguments: [ProductPrecision.single, .bfloat16], [3, 96, 130])
  func packed(precision: ProductPrecision, rows: Int) throws {
    guard precision == .single || ProductPrecision.hasFastBFloat16 else { return }
    var made = try MadeLayers(seed: 8)
    let layer = try made.linear(8, 12, bias: true)
    let packed = layer.packed(precision)
    let tolerance = precision == .single ? 1e-6 : 1e-2
    let (x, c) = (made.rows(rows), made.rows(rows, 12))
    expectClose(try packed.forward(Block(x), on: pool).numbers, try Naive.linear(x, layer), tolerance, "output")
    let slope = try layer.inputGradient(Block(c), on: pool).numbers
    expectClose(try packed.inputGradient(Block(c), on: pool).numbers, slope, tolerance, "gradient")
    let sum = Block(x)
    try packed.addInputGradient(Block(c), to: sum, on: pool)
    let expected = x.indices.map { i in x[i].indices.map { x[i][$0] + slope[i][$0] } }
    expectClose(sum.numbers, expected, tolerance, "added gradient")
  }

  /// Adapters on every layer of attention and of the position-wise part: gradients of the input, of A and of B.
  @Test func adapters() throws {
    var made = try MadeLayers(seed: 6)
    var attention = try made.attention(keyHeads: 2, reach: .before(window: nil), rotary: true, norms: true)
    var feedForward = try made.feedForward(.silu, gated: true)
    var all: [LowRankAdapter] = []
    func adapted(_ layer: AdaptableLinear) -> AdaptableLinear {
      let (inputs, outputs) = (layer.inputs, layer.outputs)
      let adapter = LowRankAdapter(
        down: Block(Buffer(made.numbers(3 * inputs, 0.5)), rows: 3, columns: inputs),
        up: Block(Buffer(made.numbers(outputs * 3, 0.5)), rows: outputs, columns: 3),
        downGradient: .zeros(3, inputs), upGradient: .zeros(outputs, 3), scale: 1.5)
      all.append(adapter)
      return AdaptableLinear(layer.frozen, adapter: adapter)
    }
    attention.query = adapted(attention.query)
    attention.key = adapted(attention.key)
    attention.value = adapted(attention.value)
    attention.output = adapted(attention.output)
    feedForward.up = adapted(feedForward.up)
    feedForward.gate = feedForward.gate.map(adapted)
    feedForward.down = adapted(feedForward.down)
    let block = TransformerBlock(
      attentionNorm: made.layerNorm(), attention: attention, feedForwardNorm: made.squareNorm(),
      feedForward: feedForward)
    let (x, c) = (made.rows(13), made.rows(13))
    func naive(_ x: Naive.Rows) throws -> Naive.Rows { try Naive.block(x, block, Self.sequences) }
    let states = Block(x)
    let saved = try block.forwardSaving(states, Self.sequences, on: pool)
    expectClose(states.numbers, try naive(x), 5e-6, "output")
    let gradient = Block(c)
    try block.applyGradient(to: gradient, saved, Self.sequences, on: pool)
    expectClose(gradient.numbers, try Naive.gradient(at: x, c, naive), 2e-5, "gradient")
    // The twin reads A and B from where they lie: a step there is a step of single precision, taken exactly.
    func value() throws -> Double {
      zip(try naive(x), c).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    for (place, adapter) in all.enumerated() {
      for (values, found) in [(adapter.down, adapter.downGradient), (adapter.up, adapter.upGradient)] {
        var slopes: [Double] = []
        for i in 0..<values.buffer.count {
          let own = values.buffer[i]
          let (above, below) = (own + 0x1p-10, own - 0x1p-10)
          values.buffer[i] = above
          let high = try value()
          values.buffer[i] = below
          slopes.append((high - (try value())) / Double(above - below))
          values.buffer[i] = own
          if i > 20 { break }
        }
        let numbers = found.numbers.flatMap { $0 }.prefix(slopes.count)
        let size = slopes.reduce(0) { max($0, abs($1)) }
        let worst = zip(numbers, slopes).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
        #expect(size > 0 && worst < 1e-4 * size, "adapter \(place): off by \(worst / size)")
      }
    }
  }
}
