import Foundation
import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import Testing

@Suite struct ReadoutVectorsTests {
  /// A checkpoint, and the directory of its expected numbers.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let expected: String
    var testDescription: String { name }

    init(_ name: String, _ expected: String? = nil) {
      self.name = name
      self.expected = expected ?? name
    }
  }

  static let cases = [
    Case("llava-clip-llama"), Case("llava-clip-llama-4.40", "llava-clip-llama"),
    Case("llava-clip-llama-4.52", "llava-clip-llama"), Case("llava-siglip-qwen2"), Case("paligemma"),
  ]

  private struct Scalars: Decodable {
    let bos_id: [Int32]
    let prompt_ids: [Int32]
    let caption_ids: [[Int32]]
    let prompted_caption_ids: [[Int32]]
  }

  @Test(arguments: cases)
  func everyReadoutAgreesWithTheReference(_ test: Case) throws {
    let model = try VisionLanguageModel(ModelParts(checkpoint: ReferenceFiles.folder + test.name))
    let folder = ReferenceFiles.folder + test.expected + "/"
    let expected = try TensorFile(path: folder + "expected.safetensors")
    let scalars = try JSONDecoder().decode(
      Scalars.self, from: Data(contentsOf: URL(filePath: folder + "expected.json")))
    let pool = WorkerPool(threads: 2)
    let shape = try expected.tensor(named: "pixels").shape
    let pixels = Block(
      Buffer(try expected.numbers("pixels")), rows: shape[0], columns: shape[1] * shape[2] * shape[3])
    let features = try model.features(pixels, height: shape[2], width: shape[3], on: pool)
    expectParity(features.numbers, try expected.numbers("features"), "\(test.name) features")
    let visual = try model.visualTokens(features, images: shape[0], on: pool)
    expectParity(visual.numbers, try expected.numbers("visual_tokens"), "\(test.name) visual_tokens")

    let decoder = try model.requiredDecoder()
    let layers = (0...decoder.blocks.count).map { Readout.layer($0) }
    for (prompt, key) in [(true, "last"), (false, "last_empty")] {
      let tokens = ReadoutTokens(
        beginning: scalars.bos_id.first, imagePrompt: prompt ? scalars.prompt_ids : [],
        captions: scalars.caption_ids, promptedCaptions: prompt ? scalars.prompted_caption_ids : nil)
      let vectors = ReadoutVectors(pass: ReadoutPass(decoder: decoder, pool: pool), tokens: tokens)
      let readouts = [Readout.input, .last] + layers
      let names = ["input", key] + layers.indices.map { "layer.\($0)" }
      let images = try vectors.images(visual, perImage: visual.rows / shape[0], readouts)
      let captions = try vectors.captions(0..<shape[0], readouts)
      for (place, name) in names.enumerated() {
        expectParity(
          images[place].flatMap { $0 }, try expected.numbers(name + ".image"), "\(test.name) \(name).image")
        expectParity(
          captions[place].flatMap { $0 }, try expected.numbers(name + ".text"), "\(test.name) \(name).text")
      }
    }
  }

  @Test func readoutsAreNamedAsTheyAreWritten() {
    for readout in [Readout.input, .last, .layer(0), .layer(12)] { #expect(Readout("\(readout)") == readout) }
    for wrong in ["", "layer", "layer:", "layer:-1", "layer:x", "Input"] { #expect(Readout(wrong) == nil) }
  }
}
