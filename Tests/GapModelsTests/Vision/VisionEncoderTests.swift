import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import Testing

@Suite struct VisionEncoderTests {
  /// Every hidden state of two images, and the last one after the final norm where the family applies it.
  @Test(arguments: ["clip-gelu", "clip-quick-gelu", "siglip", "dinov2", "dinov2-swiglu"])
  func statesAgreeWithTheReference(name: String) throws {
    let folder = ReferenceFiles.folder + name
    let expected = try TensorFile(path: folder + "/expected.safetensors")
    let configuration = try VisionConfiguration(ModelSettings(file: folder + "/config.json"))
    let encoder = try VisionEncoder(configuration, weights: ModelWeights(try TensorFile(path: folder)))
    let pool = WorkerPool(threads: 2)
    let shape = try expected.tensor(named: "pixels").shape
    let pixels = Block(
      Buffer(try expected.numbers("pixels")), rows: shape[0], columns: shape[1] * shape[2] * shape[3])
    let hidden = try expected.tensor(named: "hidden")
    var layers = 0
    try encoder.run(pixels, height: shape[2], width: shape[3], through: configuration.layers, on: pool) {
      layer, states in
      layers += 1
      expectParity(states.numbers, try hidden.slice(layer).elements(), "\(name) layer \(layer)")
      guard layer == configuration.layers else { return }
      let last = try expected.numbers("last")
      let normalised = try encoder.finalNorm.forward(states, on: pool).numbers
      expectParity(configuration.family == .clip ? states.numbers : normalised, last, "\(name) last")
    }
    #expect(layers == hidden.shape[0])
  }
}
