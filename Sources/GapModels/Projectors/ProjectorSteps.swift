import GapLayers
import GapLinearAlgebra
import GapTensorFiles

extension ProjectorSearch {
  /// What a match does to the rows, with its tensors.
  func steps(of match: ProjectorMatch) throws -> [Projector.Step] {
    switch match.kind {
    case .perceptron: try perceptron(match.names)
    case .internVL:
      try withSide(of: match.names[0]) { side in
        [.mergeBlocks(side: side), .normalization(try layerNorm(match.names[0], epsilon: 1e-5))]
      } + perceptron(Array(match.names.dropFirst()))
    case .qwen: try qwen(match.names)
    case .shuffle: try withSide(of: match.names[0]) { [.mergeBlocks(side: $0)] } + perceptron(match.names)
    case .gemma3: try gemma3(match.names)
    case .mistral3: try mistral3(match.names)
    }
  }

  private func linear(_ name: String) throws -> FrozenLinear {
    let shape = try weights.file.tensor(named: name + ".weight").shape
    guard shape.count == 2 else {
      throw ModelError.shapeDiffers(
        path: weights.file.path, tensor: name + ".weight", expected: "(outputs, inputs)",
        found: ModelWeights.text(shape))
    }
    return try weights.linear(name, inputs: shape[1], outputs: shape[0])
  }

  /// Linear layers with the activation between them.
  private func perceptron(_ names: [String]) throws -> [Projector.Step] {
    let function =
      try settings.map {
        try ActivationKernels.Function($0, "projector_hidden_act", default: "gelu")
      } ?? .gelu
    return try names.enumerated().flatMap { place, name -> [Projector.Step] in
      let layer = Projector.Step.linear(try linear(name))
      return place == 0 ? [layer] : [.activation(function), layer]
    }
  }

  private func width(_ tensor: String) throws -> Int {
    let shape = try weights.file.tensor(named: tensor).shape
    return shape.last ?? 0
  }

  private func layerNorm(_ name: String, epsilon: Float) throws -> Normalization {
    let count = try width(name + ".weight")
    return .layer(
      weight: try weights.vector(name + ".weight", count), bias: try weights.vector(name + ".bias", count),
      epsilon: epsilon)
  }

  /// More neighbours along a side than any projector joins.
  private static let longestSide = 256

  /// How many neighbours along a side make one row, from the widths or, where those of features are not known, from the
  /// settings.
  private func withSide(
    of name: String, _ steps: (Int) throws -> [Projector.Step]
  ) throws -> [Projector.Step] {
    let merged = try width(name + ".weight")
    if let featureWidth, featureWidth > 0 {
      let side = Int((Double(merged) / Double(featureWidth)).squareRoot().rounded())
      guard side > 0, side * side * featureWidth == merged else {
        throw ModelError.shapeDiffers(
          path: weights.file.path, tensor: name + ".weight",
          expected: "a last axis of \(featureWidth) times a square number", found: String(merged))
      }
      return try steps(side)
    }
    if let settings {
      let most = Self.longestSide
      if let side = try settings.optionalSize("scale_factor", most: most)
        ?? settings.optionalSize("mp_pixel_shuffle_factor", most: most)
      {
        return try steps(side)
      }
      if let ratio = try settings.number("downsample_ratio") {
        guard ratio <= 1, ratio >= 1 / Double(most) else {
          throw settings.bad("downsample_ratio", "a number from 1/\(most) to 1", String(ratio))
        }
        return try steps(Int((1 / ratio).rounded()))
      }
    }
    return try steps(2)
  }

  private func qwen(_ names: [String]) throws -> [Projector.Step] {
    let count = try width(names[0] + ".weight")
    let merged = try linear(names[1])
    guard count > 0, merged.inputs % count == 0 else {
      throw ModelError.shapeDiffers(
        path: weights.file.path, tensor: names[1] + ".weight", expected: "(_, a multiple of \(count))",
        found: ModelWeights.text(merged.weight.shape))
    }
    let weight = try weights.vector(names[0] + ".weight", count)
    // Version 2 has a LayerNorm, version 2.5 an RMSNorm: the one without a bias.
    let norm: Normalization =
      weights.contains(names[0] + ".bias")
      ? try layerNorm(names[0], epsilon: 1e-6) : .rootMeanSquare(weight: weight, offset: 0, epsilon: 1e-6)
    return [.normalization(norm), .mergeRuns(count: merged.inputs / count)]
      + (try perceptron(Array(names.dropFirst())))
  }

  private func gemma3(_ names: [String]) throws -> [Projector.Step] {
    let count = try width(names[0])
    let stored = try weights.file.tensor(named: names[1])
    guard stored.shape.count == 2, stored.shape[0] == count else {
      throw ModelError.shapeDiffers(
        path: weights.file.path, tensor: names[1], expected: "(\(count), outputs)",
        found: ModelWeights.text(stored.shape))
    }
    let vision = try settings?.object("vision_config")
    let epsilon = try vision?.number("layer_norm_eps") ?? 1e-6
    let isGGUF = weights.file.format == .gguf
    let norm = Normalization.rootMeanSquare(
      weight: try weights.vector(names[0], count), offset: isGGUF ? 0 : 1, epsilon: Float(epsilon))
    let matrix = try weights.tensor(names[1], stored.shape)
    return [
      .averageBlocks(side: try poolSide(vision)), .normalization(norm),
      .linear(try FrozenLinear(weight: matrix.transposed)),
    ]
  }

  /// 64 × 64 patches become 16 × 16 tokens in every Gemma 3 but where the settings say otherwise.
  private func poolSide(_ vision: ModelSettings?) throws -> Int {
    func metadata(_ key: String) -> Int? {
      guard case .integer(let value)? = weights.file.metadata(named: key) else { return nil }
      return Int(value)
    }
    let image = try vision?.optionalSize("image_size") ?? metadata("clip.vision.image_size")
    let patch = try vision?.optionalSize("patch_size") ?? metadata("clip.vision.patch_size")
    let tokens = try settings?.optionalSize("mm_tokens_per_image")
    guard let image, let patch, patch > 0 else { return 4 }
    let side = Int(Double(tokens ?? 256).squareRoot())
    let stored = metadata("clip.vision.projector.scale_factor").flatMap { $0 > 0 ? $0 : nil }
    let result = stored ?? max(1, image / patch / max(side, 1))
    guard result <= Self.longestSide else {
      throw ModelError.badSetting(
        path: weights.file.path, key: "image_size",
        expected: "at most \(Self.longestSide) patches along a token",
        found: String(result))
    }
    return result
  }

  private func mistral3(_ names: [String]) throws -> [Projector.Step] {
    let count = try width(names[0] + ".weight")
    let merger = try linear(names[1])
    let side = Int((Double(merger.inputs) / Double(max(count, 1))).squareRoot().rounded())
    guard side * side * count == merger.inputs else {
      throw ModelError.shapeDiffers(
        path: weights.file.path, tensor: names[1] + ".weight", expected: "(_, \(count) times a square number)",
        found: ModelWeights.text(merger.weight.shape))
    }
    let epsilon = try settings?.object("text_config")?.number("rms_norm_eps") ?? 1e-5
    let norm = Normalization.rootMeanSquare(
      weight: try weights.vector(names[0] + ".weight", count), offset: 0, epsilon: Float(epsilon))
    return [.normalization(norm), .mergeBlocksByChannel(side: side), .linear(merger)]
      + (try perceptron(Array(names.dropFirst(2))))
  }
}
