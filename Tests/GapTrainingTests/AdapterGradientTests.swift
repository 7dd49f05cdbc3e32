import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import GapTraining
import Testing

/// Low-rank adapters by name, value and gradient, against PEFT.
@Suite struct AdapterGradientTests {
  @Test(arguments: ["llama", "qwen3", "phi3", "gpt2", "opt-projected"])
  func gradientsAgreeWithPEFT(name: String) throws {
    let expected = try TensorFile(path: ReferenceFiles.training + "adapters.safetensors")
    func numbers(_ key: String) throws -> [Float] { try expected.numbers(name + "." + key) }
    let decoder = try ReferenceFiles.decoder(name)
    let pool = WorkerPool(threads: 2)
    var generator = SeededGenerator(seed: 0)
    let adapters = DecoderAdapters(decoder, rank: 2, alpha: 3, generator: &generator)
    let known = Set(expected.tensors.map(\.name).filter { $0.hasPrefix(name + ".value.") })
    #expect(Set(adapters.parameters.map { name + ".value." + $0.name }) == known)
    for parameter in adapters.parameters {
      let stored = try expected.tensor(named: name + ".value." + parameter.name)
      #expect(stored.shape == parameter.shape)
      let values: [Float] = try stored.elements()
      adapters.values.write(parameter.range) { row in for k in row.indices { row[k] = values[k] } }
    }
    let adapted = adapters.applied(to: decoder)

    let lengths = try expected.tensor(named: name + ".lengths").integers().map { Int($0) }
    let ids = try expected.tensor(named: name + ".ids").integers().map { Int32($0) }
    let longest = ids.count / lengths.count
    let own = lengths.indices.map { Array(ids[$0 * longest..<$0 * longest + lengths[$0]]) }
    let sequences = Sequences(lengths: lengths.map { $0 - 1 })
    let inputs = try adapted.embed(own.flatMap { $0.dropLast() }, on: pool)
    let last = adapted.blocks.count
    var final: Block<Float>?
    let kept = try adapted.runSaving(inputs, sequences, through: last, on: pool) { layer, states in
      if layer == last { final = states }
    }
    let states = try #require(final)
    let targets = own.flatMap { $0.dropFirst() }
    var total = 0.0
    _ = try adapted.inputGradient(kept, sequences, through: last, at: [last], on: pool) { _, slopes in
      total = try NextTokenLoss(head: try #require(adapted.head)).losses(
        states, targets: targets, scale: 1 / Float(targets.count), gradient: slopes, on: pool
      ).reduce(0, +)
    }
    expectClose([Float(total) / Float(targets.count)], try numbers("loss"), relative: 1e-5, "\(name) loss")
    for parameter in adapters.parameters {
      expectClose(
        adapters.gradient.read(parameter.range) { row in row.indices.map { row[$0] } },
        try numbers("gradient." + parameter.name), relative: 5e-5, "\(name) \(parameter.name)")
    }
  }

  /// What PEFT begins with: nothing is added, and A is spread over ±1/√inputs.
  @Test func newAdaptersChangeNothing() throws {
    let decoder = try ReferenceFiles.decoder("llama")
    let pool = WorkerPool(threads: 1)
    var generator = SeededGenerator(seed: 5)
    let adapters = DecoderAdapters(decoder, rank: 4, alpha: 8, generator: &generator)
    let tokens: [Int32] = [1, 5, 7, 9]
    func states(_ decoder: Decoder) throws -> [Float] {
      var result: [Float] = []
      try decoder.run(
        decoder.embed(tokens, on: pool), Sequences(lengths: [tokens.count]), through: decoder.blocks.count,
        on: pool
      ) { layer, states in if layer == decoder.blocks.count { result = states.numbers } }
      return result
    }
    #expect(try states(adapters.applied(to: decoder)) == states(decoder))
    for parameter in adapters.parameters where parameter.name.hasSuffix("lora_A.weight") {
      let bound = 1 / Float(parameter.shape[1]).squareRoot()
      let values = adapters.values.read(parameter.range) { row in row.indices.map { row[$0] } }
      let largest = values.map(abs).max() ?? 0
      #expect(largest <= bound && largest > 0.8 * bound)
    }
  }
}
