import GapLayers
import GapLinearAlgebra
import GapTensorFiles

extension Decoder {
  /// Finds a decoder's tensors in a checkpoint.
  ///
  /// The embedding table is found by the ending of its name and its width; all other names begin as its name does.
  ///
  /// - Throws: `ModelError` when a tensor is missing, there twice, or of another shape than the settings say.
  package init(_ configuration: DecoderConfiguration, weights: ModelWeights) throws {
    let ending = configuration.family == .gpt2 ? "wte.weight" : "embed_tokens.weight"
    let table = try weights.only(
      endingWith: ending, shape: "(vocabulary, \(configuration.embeddingWidth))"
    ) { $0.count == 2 && $0[1] == configuration.embeddingWidth }
    let loading = DecoderLoading(
      configuration: configuration, weights: weights, prefix: String(table.name.dropLast(ending.count)))
    self.configuration = configuration
    embeddings = table
    prefix = loading.prefix
    positions = try loading.positions()
    blocks = try (0..<configuration.layers).map { try loading.block($0) }
    finalNorm = configuration.hasFinalNorm ? try loading.norm(loading.finalNormName) : nil
    let (width, c) = (configuration.embeddingWidth, configuration.width)
    inward = width == c ? nil : try weights.linear(prefix + "project_in", inputs: width, outputs: c)
    outward = width == c ? nil : try weights.linear(prefix + "project_out", inputs: c, outputs: width)
    head = try loading.head(table)
  }
}

/// The names of one decoder's tensors.
private struct DecoderLoading {
  let configuration: DecoderConfiguration
  let weights: ModelWeights
  let prefix: String

  func positions() throws -> (table: Tensor, offset: Int)? {
    guard let count = configuration.positions else { return nil }
    let isOPT = configuration.family == .opt
    let table = try weights.tensor(
      prefix + (isOPT ? "embed_positions.weight" : "wpe.weight"),
      [count + (isOPT ? 2 : 0), configuration.width])
    return (table, isOPT ? 2 : 0)
  }

  var finalNormName: String {
    switch configuration.family {
    case .gpt2: prefix + "ln_f"
    case .opt: prefix + "final_layer_norm"
    default: prefix + "norm"
    }
  }

  func norm(_ name: String, width: Int? = nil) throws -> Normalization {
    let width = width ?? configuration.width
    let weight = try weights.vector(name + ".weight", width)
    if [.gpt2, .opt].contains(configuration.family) {
      return .layer(
        weight: weight, bias: try weights.vector(name + ".bias", width), epsilon: configuration.epsilon)
    }
    return .rootMeanSquare(
      weight: weight, offset: configuration.family == .gemma ? 1 : 0, epsilon: configuration.epsilon)
  }

  /// The stored head, or the embedding table where the two are tied.
  func head(_ table: Tensor) throws -> FrozenLinear? {
    let width = configuration.embeddingWidth
    let stored = weights.names(endingWith: "lm_head.weight")
    if stored.isEmpty { return configuration.isTied ? try FrozenLinear(weight: table) : nil }
    let head = try weights.only(endingWith: "lm_head.weight", shape: "(vocabulary, \(width))") {
      $0.count == 2 && $0[1] == width
    }
    return try FrozenLinear(weight: head)
  }

  func block(_ index: Int) throws -> TransformerBlock {
    let name = prefix + (configuration.family == .gpt2 ? "h.\(index)." : "layers.\(index).")
    let names = blockNorms
    return TransformerBlock(
      attentionNorm: try norm(name + names.attention), attention: try attention(name, index),
      feedForwardNorm: try norm(name + names.feedForward), feedForward: try feedForward(name),
      isPostNorm: configuration.isPostNorm)
  }

  private var blockNorms: (attention: String, feedForward: String) {
    switch configuration.family {
    case .gpt2: ("ln_1", "ln_2")
    case .opt: ("self_attn_layer_norm", "final_layer_norm")
    default: ("input_layernorm", "post_attention_layernorm")
    }
  }

  private func attention(_ name: String, _ index: Int) throws -> Attention {
    let c = configuration
    let (own, shared) = (c.heads * c.headWidth, c.keyHeads * c.headWidth)
    let parts: (query: FrozenLinear, key: FrozenLinear, value: FrozenLinear, output: FrozenLinear)
    switch c.family {
    case .gpt2:
      let split = try fused(name + "attn.c_attn", [own, shared, shared], transposed: true)
      let output = try weights.linear(name + "attn.c_proj", inputs: own, outputs: c.width, transposed: true)
      parts = (split[0], split[1], split[2], output)
    case .phi3:
      let split = try fused(name + "self_attn.qkv_proj", [own, shared, shared])
      parts = (
        split[0], split[1], split[2],
        try weights.linear(name + "self_attn.o_proj", inputs: own, outputs: c.width)
      )
    default:
      let root = name + "self_attn."
      let last = c.family == .opt ? "out_proj" : "o_proj"
      parts = (
        try weights.linear(root + "q_proj", inputs: c.width, outputs: own),
        try weights.linear(root + "k_proj", inputs: c.width, outputs: shared),
        try weights.linear(root + "v_proj", inputs: c.width, outputs: shared),
        try weights.linear(root + last, inputs: own, outputs: c.width)
      )
    }
    let hasHeadNorms = c.family == .qwen3
    return Attention(
      query: parts.query, key: parts.key, value: parts.value, output: parts.output, heads: c.heads,
      keyHeads: c.keyHeads, headWidth: c.headWidth, scale: c.attentionScales[index],
      reach: .before(window: c.windows[index]), rotary: c.rotary?.embedding,
      queryNorm: hasHeadNorms ? try norm(name + "self_attn.q_norm", width: c.headWidth) : nil,
      keyNorm: hasHeadNorms ? try norm(name + "self_attn.k_norm", width: c.headWidth) : nil)
  }

  private func feedForward(_ name: String) throws -> FeedForward {
    let c = configuration
    let (width, inner) = (c.width, c.feedForwardWidth)
    switch c.family {
    case .gpt2:
      return FeedForward(
        up: try weights.linear(name + "mlp.c_fc", inputs: width, outputs: inner, transposed: true),
        down: try weights.linear(name + "mlp.c_proj", inputs: inner, outputs: width, transposed: true),
        activation: c.activation)
    case .opt:
      return FeedForward(
        up: try weights.linear(name + "fc1", inputs: width, outputs: inner),
        down: try weights.linear(name + "fc2", inputs: inner, outputs: width), activation: c.activation)
    case .phi3:
      let split = try fused(name + "mlp.gate_up_proj", [inner, inner])
      return FeedForward(
        up: split[1], gate: split[0],
        down: try weights.linear(name + "mlp.down_proj", inputs: inner, outputs: width),
        activation: c.activation)
    default:
      return FeedForward(
        up: try weights.linear(name + "mlp.up_proj", inputs: width, outputs: inner),
        gate: try weights.linear(name + "mlp.gate_proj", inputs: width, outputs: inner),
        down: try weights.linear(name + "mlp.down_proj", inputs: inner, outputs: width),
        activation: c.activation)
    }
  }

  /// Several linear layers that are stored as one, their outputs one after the other.
  private func fused(_ name: String, _ outputs: [Int], transposed: Bool = false) throws -> [FrozenLinear] {
    let whole = try weights.linear(
      name, inputs: configuration.width, outputs: outputs.reduce(0, +), transposed: transposed)
    var start = 0
    return outputs.map { count in
      defer { start += count }
      return whole.outputs(start..<start + count)
    }
  }
}
