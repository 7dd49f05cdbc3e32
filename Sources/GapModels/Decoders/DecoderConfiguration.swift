package import GapLinearAlgebra
import GapTensorFiles

/// The families of decoders that are read.
package enum DecoderFamily: String, Sendable, CaseIterable {
  case llama, mistral, qwen2, qwen3, phi3, gemma, gpt2, opt
}

/// What a decoder's `config.json` says, family by family, in one form.
package struct DecoderConfiguration: Sendable, Equatable {
  package let family: DecoderFamily
  /// C, numbers in a hidden state.
  package let width: Int
  /// Numbers in a row of the embedding table; C but for OPT-350m.
  package let embeddingWidth: Int
  /// L, blocks.
  package let layers: Int
  package let heads: Int
  package let keyHeads: Int
  package let headWidth: Int
  package let feedForwardWidth: Int
  package let activation: ActivationKernels.Function
  package let epsilon: Float
  /// Whether the head is the embedding table when no tensor of its own is stored.
  package let isTied: Bool
  /// Window of each block; nil where a query sees everything before it.
  package let windows: [Int?]
  /// Factor of `q·k`, for each block.
  package let attentionScales: [Float]
  /// Rotation of queries and keys; nil where positions are learned.
  package let rotary: RotarySettings?
  /// Learned positions; nil with rotary ones.
  package let positions: Int?
  /// Whether normalisation comes after the residual (OPT-350m).
  package let isPostNorm: Bool
  /// Whether a norm follows the last block.
  package let hasFinalNorm: Bool

  /// Reads the settings of a decoder: `config.json` itself, or its `text_config`.
  ///
  /// A setting that is left out has the value that transformers gives it: nested settings are stored as differences.
  ///
  /// - Parameter named: the family, in place of the one that `model_type` names.
  /// - Throws: `ModelError` when a setting is of the wrong type or asks for what is not built.
  package init(_ settings: ModelSettings, family named: DecoderFamily? = nil) throws {
    let type = try settings.text("model_type") ?? "nothing"
    guard let family = named ?? DecoderFamily(rawValue: type) else {
      throw ModelError.unknownFamily(
        path: settings.path, found: type, known: DecoderFamily.allCases.map(\.rawValue),
        hint: "other families' hidden states cannot be read")
    }
    let usual = UsualSizes(family)
    self.family = family
    width = try settings.size("hidden_size", "n_embd", default: usual.width)
    layers = try settings.layers("num_hidden_layers", "n_layer", default: usual.layers)
    heads = try settings.size("num_attention_heads", "n_head", default: usual.heads)
    // A null means one key head for each head; a missing key, the family's own number.
    keyHeads =
      try settings.optionalSize("num_key_value_heads")
      ?? (settings.isNull("num_key_value_heads") ? heads : min(usual.keyHeads ?? heads, heads))
    headWidth = try settings.optionalSize("head_dim") ?? usual.headWidth ?? width / heads
    let isGPT2 = family == .gpt2
    feedForwardWidth =
      isGPT2
      ? try settings.optionalSize("n_inner") ?? 4 * width
      : try settings.size("intermediate_size", "ffn_dim", default: usual.feedForward)
    activation = try Self.activation(settings, family)
    epsilon = Float(try settings.number(isGPT2 ? "layer_norm_epsilon" : "rms_norm_eps") ?? Self.epsilon(family))
    isTied = try settings.flag("tie_word_embeddings") ?? [.gpt2, .gemma, .opt].contains(family)
    windows = try Self.windows(settings, family, layers)
    embeddingWidth = try settings.optionalSize("word_embed_proj_dim") ?? width
    isPostNorm = family == .opt ? try !(settings.flag("do_layer_norm_before") ?? true) : false
    hasFinalNorm = try !isPostNorm && !(settings.flag("_remove_final_layer_norm") ?? false)
    let learned = isGPT2 || family == .opt
    positions =
      learned ? try settings.size("n_positions", "max_position_embeddings", default: isGPT2 ? 1024 : 2048) : nil
    rotary = learned ? nil : try RotarySettings(settings, headWidth: headWidth)
    attentionScales = try Self.scales(settings, family, layers, headWidth)
    guard heads % keyHeads == 0, headWidth > 0 else {
      throw settings.bad("num_key_value_heads", "a divisor of \(heads) heads", "\(keyHeads)")
    }
  }

  private static func epsilon(_ family: DecoderFamily) -> Double {
    switch family {
    case .gpt2, .opt, .phi3: 1e-5
    case .llama, .mistral, .qwen2, .qwen3, .gemma: 1e-6
    }
  }

  private static func activation(
    _ settings: ModelSettings, _ family: DecoderFamily
  ) throws -> ActivationKernels.Function {
    // Gemma's `hidden_act` says gelu where the tanh form is meant and used.
    if family == .gemma { return .geluTanh }
    let key = [.gpt2, .opt].contains(family) ? "activation_function" : "hidden_act"
    let fallback = family == .gpt2 ? "gelu_new" : family == .opt ? "relu" : "silu"
    return try ActivationKernels.Function(settings, key, default: fallback)
  }

  private static func windows(
    _ settings: ModelSettings, _ family: DecoderFamily, _ layers: Int
  ) throws -> [Int?] {
    let none = [Int?](repeating: nil, count: layers)
    guard [.mistral, .qwen2, .qwen3, .phi3].contains(family),
      let window = try settings.integer("sliding_window") ?? usualWindow(settings, family)
    else { return none }
    guard window > 0 else { throw settings.bad("sliding_window", "a positive number", String(window)) }
    if let kinds = try settings.list("layer_types") {
      guard kinds.count == layers else {
        throw settings.bad("layer_types", "\(layers) entries", String(kinds.count))
      }
      return kinds.map { $0.text == "sliding_attention" ? window : nil }
    }
    guard family == .qwen2 || family == .qwen3 else { return none.map { _ in window } }
    guard try settings.flag("use_sliding_window") ?? false else { return none }
    let first = try settings.integer("max_window_layers") ?? 28
    return (0..<layers).map { $0 >= first ? window : nil }
  }

  /// Mistral has a window where the setting is left out, and none where it is null.
  private static func usualWindow(_ settings: ModelSettings, _ family: DecoderFamily) -> Int? {
    family == .mistral && !settings.isNull("sliding_window") ? 4096 : nil
  }

  private static func scales(
    _ settings: ModelSettings, _ family: DecoderFamily, _ layers: Int, _ headWidth: Int
  ) throws -> [Float] {
    let usual = 1 / Float(headWidth).squareRoot()
    guard family == .gpt2 else { return [Float](repeating: usual, count: layers) }
    let isScaled = try settings.flag("scale_attn_weights") ?? true
    let byLayer = try settings.flag("scale_attn_by_inverse_layer_idx") ?? false
    return (0..<layers).map { (isScaled ? usual : 1) / (byLayer ? Float($0 + 1) : 1) }
  }
}

extension ActivationKernels.Function {
  /// The function that a setting names.
  package init(_ settings: ModelSettings, _ key: String, default fallback: String) throws {
    let name = try settings.text(key) ?? fallback
    switch name {
    case "relu": self = .relu
    case "silu", "swish": self = .silu
    case "gelu": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluTanh
    case "quick_gelu": self = .quickGelu
    default: throw settings.bad(key, "relu, silu, gelu, gelu_new, gelu_pytorch_tanh or quick_gelu", "“\(name)”")
    }
  }
}

/// The sizes that transformers gives a family where its settings leave them out.
private struct UsualSizes {
  let width: Int
  let layers: Int
  let heads: Int
  var keyHeads: Int?
  var headWidth: Int?
  let feedForward: Int

  init(_ family: DecoderFamily) {
    switch family {
    case .llama: (width, layers, heads, feedForward) = (4096, 32, 32, 11008)
    case .mistral: (width, layers, heads, feedForward, keyHeads) = (4096, 32, 32, 14336, 8)
    case .qwen2: (width, layers, heads, feedForward, keyHeads) = (4096, 32, 32, 22016, 32)
    case .qwen3:
      (width, layers, heads, feedForward, keyHeads, headWidth) = (4096, 32, 32, 22016, 32, 128)
    case .phi3: (width, layers, heads, feedForward) = (3072, 32, 32, 8192)
    case .gemma: (width, layers, heads, feedForward, keyHeads, headWidth) = (3072, 28, 16, 24576, 16, 256)
    case .gpt2, .opt: (width, layers, heads, feedForward) = (768, 12, 12, 3072)
    }
  }
}
