import Foundation
import GapLayers
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import GapTraining
import Testing

/// A loss may be weighted as one likes: nothing on the way back is lost to a small weight, nor to a large one.
///
/// bf16 has the exponents of single precision, so that no loss is scaled up before it goes back; this is the proof. A
/// power of two as the weight must come out of every product and sum again, to the last bit.
@Suite struct LossScaleTests {
  @Test(arguments: [ProductPrecision.single, .bfloat16], [-60, 60])
  func aPowerOfTwoGoesThroughExactly(precision: ProductPrecision, exponent: Int) throws {
    guard precision == .single || ProductPrecision.hasFastBFloat16 else { return }
    let plain = try Self.gradient(precision, weight: 1)
    let factor = Float(sign: .plus, exponent: exponent, significand: 1)
    let weighted = try Self.gradient(precision, weight: Double(factor))
    // Below this the smallest partial sums of the weighted gradient leave the range of normal numbers.
    let clear = plain.filter { abs($0) > 1e-9 }
    #expect(clear.count > plain.count / 2)
    for (a, b) in zip(plain, weighted) where abs(a) > 1e-9 { #expect(a * factor == b) }
  }

  private static func gradient(_ precision: ProductPrecision, weight: Double) throws -> [Float] {
    let folder = ReferenceFiles.checkpoints + "llava-clip-llama"
    let pool = WorkerPool(threads: 2)
    let checkpoint = try Checkpoint(ModelParts(checkpoint: folder)).packed { _ in precision }
    let file = try TensorFile(path: folder + "/expected.safetensors")
    let shape = try file.tensor(named: "features").shape
    let features = Block(try file.numbers("features"), rows: shape[0] * shape[1])
    let targets = checkpoint.tokenizer.encode("a red circle\n", addingSpecialTokens: false)
    var objective = AlignmentObjective(.joint)
    (objective.ntpWeight, objective.contrastiveWeight) = (weight, 0)
    let projector = try TrainableProjector(try checkpoint.model.requiredProjector())
    let decoder = try checkpoint.model.requiredDecoder()
    let texts = Block<Float>(
      (0..<shape[0] * decoder.inputWidth).map { Float($0 % 7) - 3 }, rows: shape[0])
    let gradient = Buffer<Float>(repeating: 0, count: projector.count)
    _ = try AlignmentGradient(
      decoder: decoder, beginning: checkpoint.beginning.map { [$0] } ?? [], projector: projector,
      objective: objective, scale: ContrastiveScale(temperature: 0.07), texts: texts,
      samples: (0..<shape[0]).map { _ in TrainingSample(prompt: [], targets: targets) }, microBatch: 4,
      path: folder,
      pool: pool
    ) { members in
      try .joined(members.map { features.rows($0 * shape[1]..<($0 + 1) * shape[1]) }, on: pool)
    }.add(Array(0..<shape[0]), to: gradient, Buffer<Float>(repeating: 0, count: 2))
    return gradient.array()
  }
}
