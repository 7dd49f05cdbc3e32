import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import GapTraining
import Testing

/// Gradients of a projector's parameters through every family of decoder, by name, against PyTorch.
@Suite struct ProjectorGradientTests {
  static let names = [
    "llama", "llama-bias", "llama-linear", "llama-llama3", "llama-tied", "mistral", "mistral-window", "qwen2",
    "qwen3", "phi3", "gemma", "gpt2", "gpt2-bare", "opt", "opt-projected",
  ]

  /// Cross-entropy of the tokens after the image, and a random functional of hidden state 1 at the image's tokens.
  @Test(arguments: names)
  func gradientsAgreeWithPyTorch(name: String) throws {
    try expectGradients(name, ReferenceFiles.decoder(name), relative: 2e-5)
    try expectGradients(name, ReferenceFiles.decoder(name).packed(.single), relative: 2e-5)
  }

  /// Factors of 8 bits, through four layers there and back: a few parts in a hundred of the largest number.
  @Test(.enabled(if: ProductPrecision.hasFastBFloat16), arguments: names)
  func gradientsInBFloat16StayNearPyTorchs(name: String) throws {
    try expectGradients(name, ReferenceFiles.decoder(name).packed(.bfloat16), relative: 5e-2)
  }

  private func expectGradients(_ name: String, _ decoder: Decoder, relative: Float) throws {
    let expected = try TensorFile(path: ReferenceFiles.training + "gradients.safetensors")
    func numbers(_ key: String) throws -> [Float] { try expected.numbers(name + "." + key) }
    let folder = ReferenceFiles.checkpoints + name
    let pool = WorkerPool(threads: 2)
    let lengths = try expected.tensor(named: name + ".lengths").integers().map { Int($0) }
    let ids = try expected.tensor(named: name + ".ids").integers().map { Int32($0) }
    let longest = ids.count / lengths.count
    let own = lengths.indices.map { Array(ids[$0 * longest..<$0 * longest + lengths[$0]]) }
    let features = try Block(numbers("features"), rows: expected.tensor(named: name + ".features").shape[0])
    let visual = features.rows / lengths.count

    var generator = SeededGenerator(seed: 0)
    let shape = try expected.tensor(named: name + ".linear_1.weight").shape
    let start = TrainableProjector.new(
      depth: 2, inputs: shape[1], hidden: shape[0], outputs: decoder.inputWidth, outputScale: 1,
      generator: &generator)
    #expect(start.parameters.count == 4)
    for parameter in start.parameters {
      let stored = try numbers(String(parameter.name.dropFirst("multi_modal_projector.".count)))
      start.values.write(parameter.range) { row in for k in row.indices { row[k] = stored[k] } }
    }

    let (tokens, saved) = try start.forward(features, images: lengths.count, path: folder, on: pool)
    let items = own.indices.map { s in
      ReadoutSequence(
        leading: [own[s][0]], visual: s * visual..<(s + 1) * visual,
        trailing: Array(own[s].dropFirst().dropLast()))
    }
    let sequences = Sequences(lengths: items.map(\.length))
    let rows = try ReadoutPass(decoder: decoder, pool: pool).inputs(items, sequences, tokens)
    let last = decoder.blocks.count
    var final: Block<Float>?
    let kept = try decoder.runSaving(rows, sequences, through: last, on: pool) { layer, states in
      if layer == last { final = states }
    }
    let states = try #require(final)
    let loss = NextTokenLoss(head: try #require(decoder.head))
    let supervised = lengths.reduce(0) { $0 + $1 - 1 }
    var total = 0.0
    let cotangent = try numbers("cotangent")
    let width = cotangent.count / lengths.count
    let gradient = try decoder.inputGradient(kept, sequences, through: last, at: [last, 1], on: pool) {
      layer, slopes in
      for s in own.indices {
        let range = sequences.rows(of: s)
        if layer == last {
          let supervisedRows = range.lowerBound + visual..<range.upperBound
          total += try loss.losses(
            states.rows(supervisedRows), targets: Array(own[s].dropFirst()), scale: 1 / Float(supervised),
            gradient: slopes.rows(supervisedRows), on: pool
          ).reduce(0, +)
        } else if layer == 1 {
          for i in range.lowerBound + 1..<range.lowerBound + 1 + visual {
            slopes.writeRow(i) { row in
              for k in row.indices { row[k] += cotangent[s * width + k] / Float(visual) }
            }
          }
        }
      }
    }
    expectClose([Float(total) / Float(supervised)], try numbers("loss"), relative: relative / 2, "\(name) loss")
    let dTokens = Block<Float>.zeros(tokens.rows, tokens.columns)
    for s in own.indices {
      let first = sequences.starts[s] + 1
      try dTokens.rows(s * visual..<(s + 1) * visual).add(gradient.rows(first..<first + visual), on: pool)
    }
    expectClose(dTokens.numbers, try numbers("tokens.gradient"), relative: relative, "\(name) tokens")
    let found = Buffer<Float>(repeating: 0, count: start.count)
    try start.addGradient(dTokens, saved, to: found, on: pool)
    for parameter in start.parameters {
      let key = String(parameter.name.dropFirst("multi_modal_projector.".count))
      expectClose(
        found.read(parameter.range) { row in row.indices.map { row[$0] } }, try numbers(key + ".gradient"),
        relative: relative, "\(name) \(key)")
    }
  }
}
