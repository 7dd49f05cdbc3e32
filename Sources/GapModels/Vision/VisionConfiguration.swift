package import GapLinearAlgebra
import GapTensorFiles

/// The families of vision encoders that are read.
package enum VisionFamily: String, Sendable, CaseIterable {
  case clip, siglip, dinov2

  init?(modelType: String) {
    switch modelType {
    case "clip", "clip_vision_model": self = .clip
    case "siglip", "siglip_vision_model": self = .siglip
    case "dinov2": self = .dinov2
    default: return nil
    }
  }
}

/// What a vision encoder's configuration says, family by family, in one form.
package struct VisionConfiguration: Sendable, Equatable {
  package let family: VisionFamily
  /// Numbers in a hidden state.
  package let width: Int
  package let layers: Int
  package let heads: Int
  package let feedForwardWidth: Int
  /// Side of the images that positions were learned for, in pixels.
  package let imageSide: Int
  /// Side of a patch, in pixels.
  package let patchSide: Int
  package let activation: ActivationKernels.Function
  package let epsilon: Float
  /// Whether the feed-forward part is gated (DINOv2's larger models).
  package let isGated: Bool

  /// Tokens in front of the patches: the class token.
  package var leadingTokens: Int { family == .siglip ? 0 : 1 }
  /// Patches along a side of an image of the usual size.
  package var grid: Int { imageSide / patchSide }

  /// More pixels of an image than the encoder can be meant for: DINOv2 fits its positions to larger images, the others
  /// refuse all but one size.
  package var mostPixels: Int { imageSide * imageSide * (family == .dinov2 ? 64 : 4) }

  /// Reads a `vision_config`, or the `config.json` of an encoder alone; of a whole CLIP or SigLIP, the vision part.
  ///
  /// - Throws: `ModelError` when a setting is missing, of the wrong type, or asks for what is not built.
  package init(_ whole: ModelSettings) throws {
    let settings = try whole.object("vision_config") ?? whole
    let type = try settings.text("model_type") ?? whole.text("model_type") ?? "nothing"
    guard let family = VisionFamily(modelType: type) else {
      throw ModelError.unknownFamily(
        path: settings.path, found: type, known: VisionFamily.allCases.map(\.rawValue),
        hint: "compute the features elsewhere and give --features FILE")
    }
    self.family = family
    func size(_ key: String, _ fallback: Int) throws -> Int {
      settings.raw(key) == nil ? fallback : try settings.size(key)
    }
    width = try size("hidden_size", 768)
    layers = try settings.layers("num_hidden_layers", default: 12)
    heads = try size("num_attention_heads", 12)
    imageSide = try size("image_size", 224)
    patchSide = try size("patch_size", family == .clip ? 32 : family == .siglip ? 16 : 14)
    isGated = family == .dinov2 ? try settings.flag("use_swiglu_ffn") ?? false : false
    if family == .dinov2 {
      let inner = width * (try size("mlp_ratio", 4))
      // The gated form holds two thirds of the plain one's width, rounded up to a multiple of 8.
      feedForwardWidth = isGated ? (inner * 2 / 3 + 7) / 8 * 8 : inner
    } else {
      feedForwardWidth = try size("intermediate_size", 3072)
    }
    let fallback =
      switch family {
      case .clip: "quick_gelu"
      case .siglip: "gelu_pytorch_tanh"
      case .dinov2: "gelu"
      }
    activation = try ActivationKernels.Function(settings, "hidden_act", default: fallback)
    epsilon = Float(try settings.number("layer_norm_eps") ?? (family == .clip ? 1e-5 : 1e-6))
    guard width % heads == 0, patchSide <= imageSide else {
      throw settings.bad("num_attention_heads", "a divisor of hidden_size \(width)", String(heads))
    }
    if let channels = try settings.integer("num_channels"), channels != 3 {
      throw settings.bad("num_channels", "3", String(channels))
    }
  }
}
