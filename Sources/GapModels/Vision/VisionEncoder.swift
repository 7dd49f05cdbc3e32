package import GapLayers
package import GapLinearAlgebra
import GapTensorFiles

/// A vision transformer with frozen weights, which stay where they are stored.
///
/// - Source: checked against Hugging Face transformers, hidden state by hidden state
///   (`Fixtures/generators/checkpoints.py`).
package struct VisionEncoder: Sendable {
  package let configuration: VisionConfiguration
  /// Each patch's pixels to its first state.
  package let patches: FrozenLinear
  /// [width]; nil for SigLIP.
  package let classToken: [Float]?
  /// Learned positions of the class token, if any, and of the patches row by row.
  package let positions: Block<Float>
  package let inputNorm: Normalization?
  package let blocks: [TransformerBlock]
  package let finalNorm: Normalization

  /// Tokens of an image of this size.
  package func tokens(height: Int, width: Int) -> Int {
    configuration.leadingTokens + (height / configuration.patchSide) * (width / configuration.patchSide)
  }

  /// Runs images through the blocks.
  ///
  /// - Parameters:
  ///   - pixels: [images, 3 · height · width], each image plane by plane, normalised.
  ///   - last: the last layer that is wanted, 0…L.
  ///   - visit: gets layer k and its state [images · tokens, width], as Hugging Face counts `hidden_states`: 0 is what
  ///     enters the first block, L is before the final norm.
  /// - Throws: `ModelError.unsupported` for a size that the positions do not fit; `TensorFileError`.
  package func run(
    _ pixels: Block<Float>, height: Int, width: Int, through last: Int, on pool: WorkerPool,
    visit: (_ layer: Int, _ states: Block<Float>) throws -> Void
  ) throws {
    precondition(pixels.columns == 3 * height * width && last >= 0 && last <= blocks.count)
    let count = tokens(height: height, width: width)
    let states = try embedded(pixels, height: height, width: width, on: pool)
    let sequences = Sequences(lengths: Array(repeating: count, count: pixels.rows))
    for (k, block) in blocks.enumerated() {
      try visit(k, states)
      if k == last { return }
      try block.forward(states, sequences, on: pool)
    }
    try visit(blocks.count, states)
  }

  /// Patches and class tokens with their positions, normalised where the family does that first.
  private func embedded(
    _ pixels: Block<Float>, height: Int, width: Int, on pool: WorkerPool
  ) throws -> Block<Float> {
    let side = configuration.patchSide
    let (down, across) = (height / side, width / side)
    let lead = configuration.leadingTokens
    let count = lead + down * across
    let positions = try PositionGrid(self).rows(down: down, across: across)
    let unfolded = Block<Float>.zeros(pixels.rows * down * across, 3 * side * side)
    try pool.forEach(pixels.rows * down) { _, piece in
      let (image, row) = piece.quotientAndRemainder(dividingBy: down)
      pixels.row(image) { pixels in
        for column in 0..<across {
          unfolded.writeRow((image * down + row) * across + column) { patch in
            var place = 0
            for channel in 0..<3 {
              for y in 0..<side {
                let start = (channel * height + row * side + y) * width + column * side
                for x in 0..<side { patch[place + x] = pixels[start + x] }
                place += side
              }
            }
          }
        }
      }
    }
    let projected = try patches.forward(unfolded, on: pool)
    let states = Block<Float>.zeros(pixels.rows * count, configuration.width)
    let (classToken, inputNorm) = (classToken, inputNorm)
    try states.forEachRow(on: pool) { i, row in
      let (image, token) = i.quotientAndRemainder(dividingBy: count)
      if token >= lead {
        projected.row(image * (count - lead) + token - lead) { ActivationKernels.add($0, to: &row) }
      } else if let classToken {
        ActivationKernels.add(classToken.span, to: &row)
      }
      positions.row(token) { ActivationKernels.add($0, to: &row) }
      inputNorm?.apply(to: &row)
    }
    return states
  }
}

/// Learned positions, fitted to a grid of another size where the family does that (DINOv2).
private struct PositionGrid {
  let encoder: VisionEncoder

  init(_ encoder: VisionEncoder) { self.encoder = encoder }

  func rows(down: Int, across: Int) throws -> Block<Float> {
    let configuration = encoder.configuration
    let grid = configuration.grid
    if down == grid && across == grid { return encoder.positions }
    guard configuration.family == .dinov2, down > 0, across > 0 else {
      throw ModelError.badSetting(
        path: encoder.patches.weight.path, key: "image size", expected: "\(grid) × \(grid) patches",
        found: "\(across) × \(down)")
    }
    let lead = configuration.leadingTokens
    let width = configuration.width
    let result = Block<Float>.zeros(lead + down * across, width)
    for token in 0..<lead { encoder.positions.row(token) { p in result.writeRow(token) { copy(p, to: &$0) } } }
    let (rows, columns) = (CubicWeights(from: grid, to: down), CubicWeights(from: grid, to: across))
    for y in 0..<down {
      for x in 0..<across {
        result.writeRow(lead + y * across + x) { target in
          for (sourceY, weightY) in rows.taps(at: y) {
            for (sourceX, weightX) in columns.taps(at: x) {
              encoder.positions.row(lead + sourceY * grid + sourceX) {
                ActivationKernels.add($0, times: weightY * weightX, to: &target)
              }
            }
          }
        }
      }
    }
    return result
  }

  private func copy(_ source: Span<Float>, to target: inout MutableSpan<Float>) {
    for i in source.indices { target[i] = source[i] }
  }
}

/// The four taps of PyTorch's bicubic interpolation (a = −0.75, corners not aligned, borders repeated).
private struct CubicWeights {
  let from: Int
  let to: Int

  func taps(at target: Int) -> [(source: Int, weight: Float)] {
    let place = (Float(target) + 0.5) * (Float(from) / Float(to)) - 0.5
    let base = Int(place.rounded(.down))
    let t = place - Float(base)
    let weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    return weights.enumerated().map { (min(max(base - 1 + $0.offset, 0), from - 1), $0.element) }
  }

  private func near(_ x: Float) -> Float { ((-0.75 + 2) * x - (-0.75 + 3)) * x * x + 1 }
  private func far(_ x: Float) -> Float { ((-0.75 * x - 5 * -0.75) * x + 8 * -0.75) * x - 4 * -0.75 }
}
