import GapLayers
import GapLinearAlgebra
import GapTensorFiles

extension VisionEncoder {
  /// Finds an encoder's tensors in a checkpoint.
  ///
  /// The patch embedding is found by the ending of its name and its shape; all other names begin as its name does.
  ///
  /// - Throws: `ModelError` when a tensor is missing, there twice, or of another shape than the settings say.
  package init(_ configuration: VisionConfiguration, weights: ModelWeights) throws {
    let isDINO = configuration.family == .dinov2
    let ending = isDINO ? "embeddings.patch_embeddings.projection.weight" : "embeddings.patch_embedding.weight"
    let (width, side) = (configuration.width, configuration.patchSide)
    let shape = [width, 3, side, side]
    let kernel = try weights.only(endingWith: ending, shape: ModelWeights.text(shape)) { $0 == shape }
    let loading = VisionLoading(
      configuration: configuration, weights: weights, prefix: String(kernel.name.dropLast(ending.count)))
    self.configuration = configuration
    let bias = String(kernel.name.dropLast("weight".count)) + "bias"
    patches = try FrozenLinear(
      weight: try kernel.flattenedRows(), bias: weights.contains(bias) ? try weights.tensor(bias, [width]) : nil
    )
    classToken = try loading.classToken()
    positions = try loading.positions()
    inputNorm = configuration.family == .clip ? try loading.norm("pre_layrnorm") : nil
    blocks = try (0..<configuration.layers).map { try loading.block($0) }
    finalNorm = try loading.norm(isDINO ? "layernorm" : "post_layernorm")
  }
}

/// The names of one encoder's tensors.
private struct VisionLoading {
  let configuration: VisionConfiguration
  let weights: ModelWeights
  let prefix: String

  private var width: Int { configuration.width }

  func classToken() throws -> [Float]? {
    switch configuration.family {
    case .clip: try weights.vector(prefix + "embeddings.class_embedding", width)
    case .siglip: nil
    case .dinov2: try weights.tensor(prefix + "embeddings.cls_token", [1, 1, width]).elements()
    }
  }

  func positions() throws -> Block<Float> {
    let count = configuration.leadingTokens + configuration.grid * configuration.grid
    let table =
      configuration.family == .dinov2
      ? try weights.tensor(prefix + "embeddings.position_embeddings", [1, count, width])
      : try weights.tensor(prefix + "embeddings.position_embedding.weight", [count, width])
    return Block(Buffer(try table.elements() as [Float]), rows: count, columns: width)
  }

  func norm(_ name: String) throws -> Normalization {
    .layer(
      weight: try weights.vector(prefix + name + ".weight", width),
      bias: try weights.vector(prefix + name + ".bias", width), epsilon: configuration.epsilon)
  }

  func block(_ index: Int) throws -> TransformerBlock {
    guard configuration.family == .dinov2 else {
      let name = "encoder.layers.\(index)."
      return TransformerBlock(
        attentionNorm: try norm(name + "layer_norm1"),
        attention: try attention(
          name + "self_attn.", query: "q_proj", key: "k_proj", value: "v_proj", output: "out_proj"),
        feedForwardNorm: try norm(name + "layer_norm2"), feedForward: try feedForward(name + "mlp."))
    }
    let name = "encoder.layer.\(index)."
    return TransformerBlock(
      attentionNorm: try norm(name + "norm1"),
      attention: try attention(
        name + "attention.", query: "attention.query", key: "attention.key", value: "attention.value",
        output: "output.dense"),
      attentionScale: try weights.vector(prefix + name + "layer_scale1.lambda1", width),
      feedForwardNorm: try norm(name + "norm2"), feedForward: try feedForward(name + "mlp."),
      feedForwardScale: try weights.vector(prefix + name + "layer_scale2.lambda1", width))
  }

  private func attention(
    _ name: String, query: String, key: String, value: String, output: String
  ) throws -> Attention {
    func square(_ part: String) throws -> FrozenLinear {
      try weights.linear(prefix + name + part, inputs: width, outputs: width)
    }
    return Attention(
      query: try square(query), key: try square(key), value: try square(value), output: try square(output),
      heads: configuration.heads, keyHeads: configuration.heads, headWidth: width / configuration.heads,
      reach: .all)
  }

  private func feedForward(_ name: String) throws -> FeedForward {
    let inner = configuration.feedForwardWidth
    if configuration.isGated {
      let both = try weights.linear(prefix + name + "weights_in", inputs: width, outputs: 2 * inner)
      return FeedForward(
        up: both.outputs(inner..<2 * inner), gate: both.outputs(0..<inner),
        down: try weights.linear(prefix + name + "weights_out", inputs: inner, outputs: width),
        activation: .silu)
    }
    return FeedForward(
      up: try weights.linear(prefix + name + "fc1", inputs: width, outputs: inner),
      down: try weights.linear(prefix + name + "fc2", inputs: inner, outputs: width),
      activation: configuration.activation)
  }
}
