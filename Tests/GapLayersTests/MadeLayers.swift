import Foundation
import GapLayers
import GapLinearAlgebra
import GapTensorFiles
import Testing

/// Layers with random weights, from a file as real ones are.
struct MadeLayers {
  private var generator: SeededGenerator
  private let file: TensorFile
  private var next = 0
  private var nextWide = 0

  /// Matrices that one file holds: enough for a few blocks.
  private static let supply = 40
  private static let wideSupply = 8
  private static let wide = 128
  static let width = 8

  init(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var writer = SafetensorsWriter(metadata: [])
    for i in 0..<Self.supply {
      let scale = 0.35
      writer.add("w\(i)", shape: [16, 16], (0..<256).map { _ in Float(generator.normal() * scale) })
      writer.add("b\(i)", shape: [16], (0..<16).map { _ in Float(generator.normal() * 0.1) })
    }
    var wideGenerator = SeededGenerator(seed: seed, purpose: "wide")
    for i in 0..<Self.wideSupply {
      let (wide, scale) = (Self.wide, 0.2)
      writer.add(
        "wide w\(i)", shape: [wide, wide], (0..<wide * wide).map { _ in Float(wideGenerator.normal() * scale) })
      writer.add("wide b\(i)", shape: [wide], (0..<wide).map { _ in Float(wideGenerator.normal() * 0.1) })
    }
    let path = FileManager.default.temporaryDirectory.appending(path: "layers-\(UUID().uuidString).safetensors")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try writer.data.write(to: URL(filePath: path))
    file = try TensorFile(path: path)
    self.generator = generator
  }

  mutating func numbers(_ count: Int, _ scale: Double = 1) -> [Float] {
    (0..<count).map { _ in Float(generator.normal() * scale) }
  }

  /// Rows of numbers that single precision holds exactly.
  mutating func rows(_ count: Int, _ width: Int = MadeLayers.width) -> Naive.Rows {
    (0..<count).map { _ in numbers(width).map(Double.init) }
  }

  mutating func linear(_ inputs: Int, _ outputs: Int, bias: Bool = true) throws -> FrozenLinear {
    let isWide = max(inputs, outputs) > 16
    let name = isWide ? "\(nextWide)" : "\(next)"
    let kind = isWide ? "wide " : ""
    if isWide { nextWide += 1 } else { next += 1 }
    // A view with strides, as the columns of a larger matrix are.
    let weight = try file.tensor(named: kind + "w\(name)").rows(0..<outputs).transposed.rows(0..<inputs)
      .transposed
    let layer = try FrozenLinear(
      weight: weight, bias: bias ? file.tensor(named: kind + "b\(name)").rows(0..<outputs) : nil)
    #expect(layer.inputs == inputs && layer.outputs == outputs)
    return layer
  }

  mutating func squareNorm(_ width: Int = MadeLayers.width, offset: Float = 0) -> Normalization {
    .rootMeanSquare(weight: numbers(width, 0.3).map { $0 + 1 - offset }, offset: offset, epsilon: 1e-5)
  }

  mutating func layerNorm(_ width: Int = MadeLayers.width) -> Normalization {
    .layer(weight: numbers(width, 0.3).map { $0 + 1 }, bias: numbers(width, 0.3), epsilon: 1e-5)
  }

  mutating func attention(
    heads: Int = 4, keyHeads: Int = 2, headWidth head: Int = 4, reach: Attention.Reach, rotary: Bool = true,
    norms: Bool = false, bias: Bool = true
  ) throws -> Attention {
    return Attention(
      query: try linear(Self.width, heads * head, bias: bias),
      key: try linear(Self.width, keyHeads * head, bias: bias),
      value: try linear(Self.width, keyHeads * head, bias: bias),
      output: try linear(heads * head, Self.width, bias: bias), heads: heads,
      keyHeads: keyHeads, headWidth: head, reach: reach,
      rotary: rotary ? RotaryEmbedding(frequencies: [1, 0.2], magnitude: 1.1) : nil,
      queryNorm: norms ? squareNorm(head) : nil, keyNorm: norms ? squareNorm(head) : nil)
  }

  mutating func feedForward(_ activation: ActivationKernels.Function, gated: Bool) throws -> FeedForward {
    FeedForward(
      up: try linear(Self.width, 12), gate: gated ? try linear(Self.width, 12) : nil,
      down: try linear(12, Self.width), activation: activation)
  }
}

extension Block<Float> {
  init(_ rows: Naive.Rows) {
    self.init(
      Buffer(rows.flatMap { $0.map { Float($0) } }), rows: rows.count, columns: rows.first?.count ?? 0)
  }

  var numbers: Naive.Rows { (0..<rows).map { i in row(i) { row in row.indices.map { Double(row[$0]) } } } }
}

/// Compares rows, relative to the largest number.
func expectClose(
  _ found: Naive.Rows, _ expected: Naive.Rows, _ relative: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.map(\.count) == expected.map(\.count), "\(what)", sourceLocation: sourceLocation)
  let (found, expected) = (found.flatMap { $0 }, expected.flatMap { $0 })
  let size = expected.reduce(0) { max($0, abs($1)) }
  let worst = zip(found, expected).reduce(0.0) { max($0, $1.0.isFinite ? abs($1.0 - $1.1) : .infinity) }
  #expect(
    size > 0 && worst <= relative * size, "\(what): off by \(worst / size)", sourceLocation: sourceLocation)
}
