package import GapLinearAlgebra
import GapImages
import GapLayers
import GapTensorFiles

/// A vision-language model with all that turns image files and captions into its inputs.
public struct Checkpoint: Sendable {
  package private(set) var model: VisionLanguageModel
  package let tokenizer: Tokenizer
  /// The directory that the tokenizer was found in.
  package let tokenizerPath: String
  /// How images are prepared, or why that is not known: then features must come from a file.
  package let processor: Result<ImageProcessor, any Error>
  /// Whether images get a margin to a square first: LLaVA's `image_aspect_ratio: pad`.
  package let expandsToSquare: Bool

  /// Finds all parts and checks that they fit; weights stay in the files.
  ///
  /// The tokenizer is the decoder's, `preprocessor_config.json` the vision encoder's, where these are given apart and
  /// have them; else the checkpoint's.
  ///
  /// - Throws: `ModelError`, `TokenizerError`, `TensorFileError`.
  public init(_ parts: ModelParts) throws {
    model = try VisionLanguageModel(parts)
    let directories = [parts.decoder, parts.checkpoint].compactMap { $0 }
    tokenizerPath = directories.first { Self.has("tokenizer.json", in: $0) } ?? directories[0]
    tokenizer = try Tokenizer(directory: tokenizerPath)
    guard tokenizer.ownTokenCount <= model.embeddings.count else {
      throw ModelError.tokenizerDiffers(
        path: FilePath.join(tokenizerPath, "tokenizer.json"), tokens: tokenizer.ownTokenCount,
        rows: model.embeddings.count)
    }
    processor = Result { try Self.processor(parts) }
    expandsToSquare = try model.settings.text("image_aspect_ratio") == "pad"
  }

  private static func has(_ name: String, in directory: String) -> Bool {
    FilePath.exists(FilePath.join(directory, name))
  }

  private static func processor(_ parts: ModelParts) throws -> ImageProcessor {
    let directories = [parts.vision, parts.checkpoint, parts.decoder].compactMap { $0 }
    let names = ["preprocessor_config.json", "processor_config.json"]
    let found = directories.first { directory in names.contains { has($0, in: directory) } }
    return try ImageProcessor(directory: found ?? directories.first ?? "")
  }

  /// The same with another decoder, such as one with adapters.
  package func with(_ decoder: Decoder) -> Checkpoint {
    var result = self
    result.model.decoder = decoder
    return result
  }

  /// The same, its decoder's weights packed for many passes.
  ///
  /// - Parameter precision: given the decoder's width.
  /// - Throws: `ModelError` when the model has no decoder.
  package func packed(_ precision: (_ width: Int) -> ProductPrecision) throws -> Checkpoint {
    let decoder = try model.requiredDecoder()
    return with(decoder.packed(precision(decoder.configuration.width)))
  }

  /// The token that every sequence begins with; nil where the tokenizer has none.
  package var beginning: Int32? { tokenizer.beginningToken }

  /// C, numbers in a vector of any readout; OPT-350m's last states have the width of its embeddings.
  package func width(of readout: Readout) throws -> Int {
    if readout == .input { return model.embeddings.width }
    let decoder = try model.requiredDecoder()
    let isFinal = readout == .last || readout == .layer(decoder.blocks.count)
    return isFinal ? decoder.outward?.outputs ?? decoder.configuration.width : decoder.configuration.width
  }
}
