import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import Testing

@Suite struct DecoderTests {
  private static func decoder(_ name: String, config: String = "config.json") throws -> Decoder {
    let folder = ReferenceFiles.folder + name
    let settings = try ModelSettings(file: folder + "/" + config)
    return try Decoder(
      DecoderConfiguration(settings), weights: ModelWeights(try TensorFile(path: folder)))
  }

  static let names = [
    "llama", "llama-bias", "llama-linear", "llama-llama3", "llama-tied", "mistral", "mistral-window", "qwen2",
    "qwen3", "phi3", "gemma", "gpt2", "gpt2-bare", "opt", "opt-projected",
  ]

  /// Every hidden state and the logits of three sequences of different lengths, which go through together.
  @Test(arguments: names)
  func statesAndLogitsAgreeWithTheReference(name: String) throws {
    let expected = try TensorFile(path: ReferenceFiles.folder + name + "/expected.safetensors")
    let decoder = try Self.decoder(name)
    let pool = WorkerPool(threads: 2)
    let tokens = try (0..<3).map { try expected.tokens("ids.\($0)") }
    let sequences = Sequences(lengths: tokens.map(\.count))
    let c = decoder.configuration.width
    var layers = 0
    try decoder.run(
      decoder.embed(tokens.flatMap { $0 }, on: pool), sequences, through: decoder.blocks.count, on: pool
    ) { layer, states in
      layers += 1
      for s in 0..<3 {
        let own = states.rows(sequences.rows(of: s)).numbers
        // OPT-350m's last state has another width than those before it.
        if layer == decoder.blocks.count, expected.contains("last.\(s)") {
          expectParity(own, try expected.numbers("last.\(s)"), "\(name) last.\(s)")
          continue
        }
        let all = try expected.tensor(named: "hidden.\(s)")
        #expect(all.shape[0] > layer && Array(all.shape.dropFirst()) == [tokens[s].count, c])
        expectParity(own, try all.slice(layer).elements(), "\(name) hidden.\(s) layer \(layer)")
      }
      guard layer == decoder.blocks.count else { return }
      let logits = try #require(try decoder.logits(states, on: pool))
      for s in 0..<3 {
        expectParity(
          logits.rows(sequences.rows(of: s)).numbers, try expected.numbers("logits.\(s)"), "\(name) logits.\(s)"
        )
      }
    }
    #expect(layers == decoder.blocks.count + 1)
  }

  /// The same settings as the fourth version of transformers wrote them.
  @Test(arguments: names)
  func bothStylesOfSettingsAreRead(name: String) throws {
    let old = try ModelSettings(file: ReferenceFiles.folder + name + "/config.4.json")
    let new = try ModelSettings(file: ReferenceFiles.folder + name + "/config.json")
    #expect(try DecoderConfiguration(old) == DecoderConfiguration(new))
  }
}
