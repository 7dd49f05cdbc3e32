import Foundation
import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import Testing

@Suite struct ProjectorTests {
  static let names = [
    "llava-1", "llava-1.5", "llava-hf", "internvl", "internvl-hf", "qwen2-vl", "qwen2.5-vl", "idefics3",
    "smolvlm",
    "nanovlm", "gemma3", "paligemma", "prismatic-linear", "prismatic-gelu-mlp", "prismatic-fused-gelu-mlp",
    "tinyllava-linear", "tinyllava-mlp2x", "tinyllava-mlp3x", "pixtral", "mistral3", "gguf-mlp", "gguf-pixtral",
    "gguf-internvl", "gguf-idefics3", "gguf-gemma3",
  ]

  @Test func everyFixtureIsTried() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: ReferenceFiles.folder + "projectors")
    #expect(Set(folders) == Set(Self.names))
  }

  /// From the features of two images to their tokens, the features' width known and not known.
  @Test(arguments: names)
  func tokensAgreeWithTheReference(name: String) throws {
    let folder = ReferenceFiles.folder + "projectors/" + name + "/"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    let own = try #require(files.first { !["expected.safetensors", "config.json"].contains($0) })
    let settings = files.contains("config.json") ? try ModelSettings(file: folder + "config.json") : nil
    let expected = try TensorFile(path: folder + "expected.safetensors")
    let shape = try expected.tensor(named: "features").shape
    let features = Block(
      Buffer(try expected.numbers("features")), rows: shape[0] * shape[1], columns: shape[2])
    let pool = WorkerPool(threads: 2)
    for width in [shape[2], nil] {
      let weights = ModelWeights(try TensorFile(path: folder + own))
      let projector = try Projector(weights, settings: settings, featureWidth: width)
      #expect(projector.inputs == shape[2])
      #expect(try projector.tokens(of: shape[1], path: own) == expected.tensor(named: "tokens").shape[1])
      let tokens = try projector.forward(features, images: shape[0], path: own, on: pool)
      expectParity(tokens.numbers, try expected.numbers("tokens"), name)
      #expect(weights.unused.isEmpty, "\(weights.unused.map(\.name))")
    }
  }

  @Test func noRuleAndTwoRulesAreFaults() throws {
    let decoder = ModelWeights(try TensorFile(path: ReferenceFiles.folder + "llama"))
    #expect(throws: ModelError.self) { try Projector(decoder) }
  }
}
