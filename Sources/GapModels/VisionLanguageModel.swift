import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

/// Where the parts of a model lie.
public struct ModelParts: Sendable, Equatable {
  /// A model directory with all parts, or with those that are not given apart.
  public var checkpoint: String?
  /// Directory of a vision encoder.
  public var vision: String?
  /// Directory of a decoder.
  public var decoder: String?
  /// File, or directory, that holds the projector.
  public var projector: String?

  /// Names the parts; nil for what is in the checkpoint, or not there.
  public init(
    checkpoint: String? = nil, vision: String? = nil, decoder: String? = nil, projector: String? = nil
  ) {
    self.checkpoint = checkpoint
    self.vision = vision
    self.decoder = decoder
    self.projector = projector
  }
}

/// Which hidden states of the vision encoder enter the projector.
package struct FeatureSelection: Sendable, Equatable {
  /// Layers, 0…L as `VisionEncoder.run` counts; several are put side by side.
  package let layers: [Int]
  /// Rows left out in front: the class token.
  package let skipped: Int
  /// Whether the encoder's final norm comes first (PaliGemma).
  package let isNormalised: Bool
}

/// A vision-language model with frozen weights: vision encoder → projector → decoder.
package struct VisionLanguageModel: Sendable {
  /// The checkpoint's, or the decoder's, `config.json`.
  package let settings: ModelSettings
  /// nil where the family's decoder is not read: then only the readout `input` can be had.
  package internal(set) var decoder: Decoder?
  /// Why there is no decoder.
  package let missingDecoder: ModelError?
  /// The rows of the decoder's tokens.
  package let embeddings: TokenEmbeddings
  package let projector: Projector?
  /// nil where the family's encoder is not read: then features must come from a file.
  package let vision: VisionEncoder?
  package let selection: FeatureSelection?
  /// Why there is no vision encoder.
  package let missingVision: ModelError?
  /// The files that hold the vision encoder's tensors.
  package let visionFiles: [String]
  /// The files that hold the parts.
  package let files: [WeightFile]
  /// Tensors of the checkpoint that nothing uses.
  package let unused: [Tensor]
  package let path: String

  /// Reads the settings of all parts and finds their tensors; weights stay in the files.
  ///
  /// - Throws: `ModelError`; `TensorFileError` when a file is missing or damaged.
  package init(_ parts: ModelParts) throws {
    guard let home = parts.checkpoint ?? parts.decoder else {
      throw ModelError.fileMissing(path: "model", hint: "give --checkpoint DIR or --llm DIR")
    }
    path = home
    settings = try ModelSettings(file: home + "/config.json")
    let whole = ModelWeights(try Self.weights(parts, home))
    let decoderWeights = try parts.decoder.map { try ModelWeights(TensorFile(path: $0)) } ?? whole
    let decoderSettings = try parts.decoder.map { try ModelSettings(file: $0 + "/config.json") } ?? settings
    (decoder, missingDecoder) = try Self.decoder(decoderSettings, decoderWeights)
    embeddings =
      try decoder?.tokenEmbeddings
      ?? TokenEmbeddings(Self.languageSettings(decoderSettings) ?? decoderSettings, weights: decoderWeights)
    let (vision, selection, missingVision) = try Self.vision(parts, settings, whole)
    (self.vision, self.selection, self.missingVision) = (vision, selection, missingVision)
    let featureWidth =
      try vision.map { $0.configuration.width * (selection?.layers.count ?? 1) }
      ?? settings.integer("mm_hidden_size") ?? settings.object("vision_config")?.integer("hidden_size")
    let settings = settings
    let holder = try parts.projector.map { try ModelWeights(TensorFile(path: $0)) }
    let source = holder ?? (parts.checkpoint == nil ? nil : whole)
    projector = try source.map { try Projector($0, settings: settings, featureWidth: featureWidth) }
    if let projector, projector.outputs != embeddings.width {
      throw ModelError.shapeDiffers(
        path: parts.projector ?? home, tensor: projector.tensors.last ?? "projector",
        expected: "\(embeddings.width) outputs, the width of the decoder's embeddings",
        found: String(projector.outputs))
    }
    let visionWeights = try parts.vision.map { try ModelWeights(TensorFile(path: $0)) } ?? whole
    visionFiles = visionWeights.files.map(\.path)
    let sources =
      [whole] + (parts.decoder == nil ? [] : [decoderWeights]) + (parts.vision == nil ? [] : [visionWeights])
    var files: [WeightFile] = []
    for file in (sources + (holder.map { [$0] } ?? [])).flatMap(\.files) where !files.contains(file) {
      files.append(file)
    }
    self.files = files
    unused = whole.unused
  }

  /// The weights of the whole; of a checkpoint that holds a trained projector beside a decoder that lies apart, that.
  private static func weights(_ parts: ModelParts, _ home: String) throws -> TensorFile {
    do {
      return try TensorFile(path: home)
    } catch TensorFileError.directoryWithoutModel where parts.checkpoint != nil && parts.decoder != nil {
      return try TensorFile(path: FilePath.join(home, "mm_projector.bin"))
    }
  }

  /// The decoder, or why its family is not read.
  private static func decoder(
    _ settings: ModelSettings, _ weights: ModelWeights
  ) throws -> (Decoder?, ModelError?) {
    do {
      return (try Decoder(decoderConfiguration(settings), weights: weights), nil)
    } catch let error as ModelError {
      guard case .unknownFamily = error else { throw error }
      return (nil, error)
    }
  }

  /// The decoder's settings within those of a whole model.
  private static func languageSettings(_ settings: ModelSettings) throws -> ModelSettings? {
    try settings.object("text_config") ?? settings.object("llm_config")
  }

  /// The decoder's settings in those of a whole model, and its family where the whole's type tells it.
  static func decoderConfiguration(_ settings: ModelSettings) throws -> DecoderConfiguration {
    if let inner = try languageSettings(settings) { return try DecoderConfiguration(inner) }
    let original: [String: DecoderFamily] = [
      "llava": .llama, "llava_llama": .llama, "llava_mistral": .mistral, "llava_qwen": .qwen2,
      "llava_qwen2": .qwen2, "llava_phi3": .phi3, "llava_gemma": .gemma,
    ]
    return try DecoderConfiguration(settings, family: settings.text("model_type").flatMap { original[$0] })
  }

  static func vision(
    _ parts: ModelParts, _ settings: ModelSettings, _ whole: ModelWeights
  ) throws -> (VisionEncoder?, FeatureSelection?, ModelError?) {
    if let tiling = try anyResolution(settings) { return (nil, nil, tiling) }
    do {
      let own = try parts.vision.map { try ModelSettings(file: $0 + "/config.json") }
      guard own != nil || settings.raw("vision_config") != nil else {
        let tower = try settings.text("mm_vision_tower") ?? settings.path + ": vision_config"
        throw ModelError.fileMissing(
          path: tower, hint: "give the vision encoder's directory with --vision DIR, or --features FILE")
      }
      let configuration = try VisionConfiguration(own ?? settings)
      let weights = try parts.vision.map { try ModelWeights(TensorFile(path: $0)) } ?? whole
      let encoder = try VisionEncoder(configuration, weights: weights)
      let selection = try FeatureSelection(settings, configuration)
      let (side, patch) = (configuration.imageSide, configuration.patchSide)
      guard encoder.tokens(height: side, width: side) > selection.skipped else {
        throw settings.bad(
          "vision_feature_select_strategy", "full, since an image of \(side) pixels is one patch of \(patch)",
          "default")
      }
      return (encoder, selection, nil)
    } catch let error as ModelError {
      // A family that is not read works from features; anything else is a fault.
      switch error {
      case .unknownFamily, .fileMissing: return (nil, nil, error)
      default: throw error
      }
    }
  }

  /// Why images cannot be cut as a LLaVA-NeXT model has them cut; nil for other models.
  private static func anyResolution(_ settings: ModelSettings) throws -> ModelError? {
    let type = try settings.text("model_type") ?? ""
    let ratio = try settings.text("image_aspect_ratio") ?? ""
    guard ["llava_next", "llava_next_video", "llava_onevision"].contains(type) || ratio.hasPrefix("anyres")
    else {
      return nil
    }
    return .unsupported(
      path: settings.path, what: "anyres tiling of images (LLaVA-NeXT)", hint: "give --features FILE instead")
  }

  /// The decoder, which readouts other than `input` need.
  ///
  /// - Throws: why there is none.
  package func requiredDecoder() throws -> Decoder {
    guard let decoder else { throw missingDecoder ?? Self.noVision(path) }
    return decoder
  }

  /// The projector.
  ///
  /// - Throws: `ModelError.fileMissing` when there is none.
  package func requiredProjector() throws -> Projector {
    guard let projector else {
      throw ModelError.fileMissing(path: path, hint: "there is no projector: give --projector FILE")
    }
    return projector
  }

  /// What enters the projector.
  ///
  /// - Parameter pixels: [images, 3 · height · width], normalised.
  /// - Returns: [images · rows, features].
  /// - Throws: `ModelError` when there is no vision encoder or the size does not fit it; `TensorFileError`.
  package func features(
    _ pixels: Block<Float>, height: Int, width: Int, on pool: WorkerPool
  ) throws -> Block<Float> {
    guard let vision, let selection else { throw missingVision ?? Self.noVision(path) }
    let all = vision.tokens(height: height, width: width)
    let kept = all - selection.skipped
    let own = vision.configuration.width
    let target = Block<Float>.zeros(pixels.rows * kept, own * selection.layers.count)
    let last = selection.layers.max() ?? vision.blocks.count
    try vision.run(pixels, height: height, width: width, through: last, on: pool) { layer, states in
      for (place, wanted) in selection.layers.enumerated() where wanted == layer {
        let columns = target.columns(place * own..<(place + 1) * own)
        try columns.forEachRow(on: pool) { i, row in
          let source = i / kept * all + selection.skipped + i % kept
          states.row(source) { ActivationKernels.add($0, to: &row) }
          if selection.isNormalised { vision.finalNorm.apply(to: &row) }
        }
      }
    }
    return target
  }

  /// There is no vision encoder, and no features are given in its place.
  package static func noVision(_ path: String) -> ModelError {
    .fileMissing(path: path, hint: "there is no vision encoder: give --vision DIR, or --features FILE")
  }

  /// Tokens of the decoder from features of `images` images.
  ///
  /// - Returns: [images · tokens, C].
  package func visualTokens(_ features: Block<Float>, images: Int, on pool: WorkerPool) throws -> Block<Float> {
    let projector = try requiredProjector()
    guard features.columns == projector.inputs else {
      throw ModelError.shapeDiffers(
        path: path, tensor: "features", expected: "rows of \(projector.inputs) numbers",
        found: String(features.columns))
    }
    return try projector.forward(features, images: images, path: path, on: pool)
  }
}

extension FeatureSelection {
  /// More layers than any model takes features from.
  private static var mostLayers: Int { 64 }

  /// What the settings select: those of transformers (`vision_feature_layer`, `vision_feature_select_strategy`), of the
  /// original LLaVA (`mm_vision_select_layer`, `mm_vision_select_feature`), or of PaliGemma, which has none.
  package init(_ settings: ModelSettings, _ vision: VisionConfiguration) throws {
    if try settings.text("model_type") == "paligemma" {
      self.init(layers: [vision.layers], skipped: 0, isNormalised: true)
      return
    }
    // Parts that no checkpoint's settings hold together are taken as the original LLaVA takes them.
    let isOriginal =
      settings.raw("mm_vision_select_layer") != nil
      || (settings.raw("vision_feature_layer") == nil && settings.raw("vision_config") == nil)
    let key = isOriginal ? "mm_vision_select_layer" : "vision_feature_layer"
    let wanted: [Int]
    if case .array(let items)? = settings.raw(key) {
      guard items.count <= Self.mostLayers else {
        throw settings.bad(key, "at most \(Self.mostLayers) layers", String(items.count))
      }
      wanted = try items.map {
        guard let layer = $0.integer else { throw settings.bad(key, "whole numbers", "another value") }
        return layer
      }
    } else {
      wanted = [try settings.integer(key) ?? -2]
    }
    let layers = try wanted.map { layer in
      let index = layer < 0 ? vision.layers + 1 + layer : layer
      guard (0...vision.layers).contains(index) else {
        throw settings.bad(key, "a layer of \(-vision.layers - 1)…\(vision.layers)", String(layer))
      }
      return index
    }
    if isOriginal {
      let kept = try settings.text("mm_vision_select_feature") ?? "patch"
      self.init(layers: layers, skipped: kept == "patch" ? vision.leadingTokens : 0, isNormalised: false)
      return
    }
    let strategy = try settings.text("vision_feature_select_strategy") ?? "default"
    guard ["default", "full"].contains(strategy) else {
      throw settings.bad("vision_feature_select_strategy", "default or full", "“\(strategy)”")
    }
    // The reference leaves out the first row whatever it is.
    self.init(layers: layers, skipped: strategy == "default" ? 1 : 0, isNormalised: false)
  }
}
