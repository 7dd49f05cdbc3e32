import GapImages
import GapLayers
import GapLinearAlgebra
public import GapTensorFiles

/// What is recognised in a model directory, or in a file that may hold a projector: part by part, with the reason where
/// a part cannot be used.
public struct CheckpointSummary: Sendable, Equatable {
  /// A part and what is said of it.
  public struct Part: Sendable, Equatable {
    /// Such as `decoder`.
    public let name: String
    /// Facts by name, in the order in which they are printed; empty when the part cannot be used.
    public let facts: [(name: String, value: String)]
    /// Why the part cannot be used; nil when it can.
    public let fault: String?

    /// Whether name, facts and fault are equal.
    public static func == (a: Part, b: Part) -> Bool {
      a.name == b.name && a.fault == b.fault && a.facts.map(\.name) == b.facts.map(\.name)
        && a.facts.map(\.value) == b.facts.map(\.value)
    }
  }

  /// The parts.
  public let parts: [Part]
  /// Tensors that would be read, and their bytes.
  public let loaded: (count: Int, bytes: Int)
  /// Names of the tensors that nothing would use.
  public let unused: [String]

  /// Looks at a model directory: config.json, weights, tokenizer.json, preprocessor_config.json.
  ///
  /// - Parameters:
  ///   - directory: where the model lies.
  ///   - file: the directory's weights.
  /// - Throws: `ModelError`, `TensorFileError` when config.json cannot be read.
  public init(directory: String, file: TensorFile) throws {
    let settings = try ModelSettings(file: FilePath.join(directory, "config.json"))
    let weights = ModelWeights(file)
    let language = try settings.object("text_config") ?? settings.object("llm_config") ?? settings
    parts = [
      Self.part("decoder") {
        Self.facts(try Decoder(try VisionLanguageModel.decoderConfiguration(settings), weights: weights))
      },
      Self.part("embeddings") {
        let embeddings = try TokenEmbeddings(language, weights: weights)
        return [
          ("rows", String(embeddings.count)), ("width", String(embeddings.width)),
          ("type", embeddings.table.elementType.name),
        ] + (embeddings.scale == 1 ? [] : [("multiplied by", String(embeddings.scale))])
      },
      Self.part("vision encoder") {
        let (encoder, selection, missing) = try VisionLanguageModel.vision(ModelParts(), settings, weights)
        guard let encoder, let selection else { throw missing ?? VisionLanguageModel.noVision(directory) }
        return Self.facts(encoder, selection)
      },
      Self.part("projector") { Self.facts(try Projector(weights, settings: settings)) },
      Self.part("tokenizer") { Self.facts(try Tokenizer(directory: directory)) },
      Self.part("images") { [("steps", "\(try ImageProcessor(directory: directory).summary)")] },
    ]
    (loaded, unused) = Self.usage(weights)
  }

  /// Looks at a file of tensors for a projector; nil when none is recognised.
  public init?(projectorIn file: TensorFile) {
    let weights = ModelWeights(file)
    guard let projector = try? Projector(weights) else { return nil }
    parts = [Part(name: "projector", facts: Self.facts(projector), fault: nil)]
    (loaded, unused) = Self.usage(weights)
  }

  /// Whether the parts and tensors are equal.
  public static func == (a: CheckpointSummary, b: CheckpointSummary) -> Bool {
    a.parts == b.parts && a.loaded == b.loaded && a.unused == b.unused
  }

  private static func usage(_ weights: ModelWeights) -> (loaded: (count: Int, bytes: Int), unused: [String]) {
    let unused = Set(weights.unused.map(\.name))
    let used = weights.file.tensors.filter { !unused.contains($0.name) }
    let bytes = used.reduce(0) { $0 + $1.elementCount * ($1.elementType.byteCount ?? 0) }
    return ((used.count, bytes), weights.unused.map(\.name))
  }

  private static func part(_ name: String, _ facts: () throws -> [(name: String, value: String)]) -> Part {
    do {
      return Part(name: name, facts: try facts(), fault: nil)
    } catch {
      return Part(name: name, facts: [], fault: "\(error)")
    }
  }

  private static func facts(_ decoder: Decoder) -> [(name: String, value: String)] {
    let c = decoder.configuration
    return [
      ("family", c.family.rawValue), ("layers", String(c.layers)), ("width", String(c.width)),
      ("heads", String(c.heads)), ("key heads", String(c.keyHeads)), ("head width", String(c.headWidth)),
      ("feed-forward width", String(c.feedForwardWidth)), ("activation", "\(c.activation)"),
      ("positions", c.rotary == nil ? "learned, \(c.positions ?? 0)" : "rotary"),
      ("head", decoder.head == nil ? "none" : c.isTied ? "tied" : "separate"),
      ("prefix", "“\(decoder.prefix)”"),
    ]
  }

  private static func facts(
    _ encoder: VisionEncoder, _ selection: FeatureSelection
  ) -> [(name: String, value: String)] {
    let c = encoder.configuration
    let layers = selection.layers.map(String.init).joined(separator: ", ")
    return [
      ("family", c.family.rawValue), ("layers", String(c.layers)), ("width", String(c.width)),
      ("heads", String(c.heads)), ("feed-forward width", String(c.feedForwardWidth)),
      ("activation", "\(c.activation)"), ("image side", String(c.imageSide)),
      ("patch side", String(c.patchSide)),
      (
        "feature layer",
        layers + " of \(c.layers)"
          + (selection.isNormalised ? ", after the final norm" : ", before the final norm")
      ),
      ("first rows left out", String(selection.skipped)),
    ]
  }

  private static func facts(_ projector: Projector) -> [(name: String, value: String)] {
    [
      ("rule", projector.rule), ("inputs", String(projector.inputs)), ("outputs", String(projector.outputs)),
      ("steps", projector.steps.map(\.summary).joined(separator: " · ")),
      ("tensors", projector.tensors.joined(separator: ", ")),
    ]
  }

  private static func facts(_ tokenizer: Tokenizer) -> [(name: String, value: String)] {
    func token(_ id: Int32?) -> String {
      id.map { "\($0) \(MessageText.quoted(tokenizer.tokenText($0) ?? ""))" } ?? "none"
    }
    return [
      ("kind", tokenizer.kind), ("BOS", token(tokenizer.beginningToken)), ("EOS", token(tokenizer.endToken)),
    ]
  }
}

extension Projector.Step {
  /// In a word or two.
  var summary: String {
    switch self {
    case .linear(let layer): "linear \(layer.inputs)→\(layer.outputs)\(layer.bias == nil ? ", no bias" : "")"
    case .activation(let function): "\(function)"
    case .normalization: "norm"
    case .mergeBlocks(let side), .mergeBlocksByChannel(let side): "merge \(side)×\(side)"
    case .mergeRuns(let count): "merge \(count) rows"
    case .averageBlocks(let side): "average \(side)×\(side)"
    }
  }
}

extension ImageProcessor {
  /// The steps in words.
  var summary: String {
    var steps: [String] = []
    if padsToSquare { steps.append("pad to a square") }
    switch size {
    case nil: break
    case .shortEdge(let edge): steps.append("short side to \(edge), \(resampling)")
    case .edges(let short, let longest):
      steps.append("short side to \(short), long at most \(longest), \(resampling)")
    case .exactly(let width, let height): steps.append("resize to \(width) × \(height), \(resampling)")
    }
    if let crop { steps.append("centre crop \(crop.width) × \(crop.height)") }
    if let rescaleFactor { steps.append("× \(rescaleFactor)") }
    if let mean, let deviation { steps.append("− \(mean), ÷ \(deviation)") }
    return steps.joined(separator: "; ")
  }
}
