public import ArgumentParser
public import EmbeddingGap

/// Where a checkpoint lies, and how vectors are read off it.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Model directory: config.json, weights, tokenizer.json, preprocessor_config.json.", valueName: "dir"))
  var checkpoint: String?

  @Option(help: ArgumentHelp("Directory of the vision encoder, if apart.", valueName: "dir"))
  var vision: String?

  @Option(help: ArgumentHelp("Directory of the decoder, if apart.", valueName: "dir"))
  var llm: String?

  @Option(help: ArgumentHelp("File or directory of the projector, if apart.", valueName: "file"))
  var projector: String?

  @Option(
    help: ArgumentHelp(
      "Features in place of images, (images, rows, width): what enters the projector.", valueName: "file[::key]"
    ))
  var features: String?

  @Option(
    name: .customLong("pairs"),
    help: ArgumentHelp(
      "Images and captions: JSON lines, LLaVA or COCO JSON, CSV or TSV; paths relative to the file.",
      valueName: "file"))
  var pairsFile: String?

  @Option(
    help: ArgumentHelp(
      "How vectors are read: input, layer:K, last, or layers (all of them).", valueName: "readout"))
  var readout: ReadoutChoice = .one(.input)

  @Option(help: ArgumentHelp("At readout last, what follows the image.", valueName: "text"))
  var imagePrompt = ""

  @Option(help: ArgumentHelp("At readout last, what follows the caption and a space.", valueName: "text"))
  var textPrompt = ""

  @Flag(help: "Leave out pairs whose image cannot be read, and count them.")
  var skipBadImages = false

  @Option(
    help: ArgumentHelp("Keep image features here; a run that was stopped goes on from them.", valueName: "dir"))
  var cache: String?

  @Flag(help: "Read a checkpoint even where disk or memory seem too small.")
  var ignoreLimits = false

  /// Whether any part of a checkpoint is named.
  var isGiven: Bool { checkpoint != nil || vision != nil || llm != nil || projector != nil || pairsFile != nil }

  func validate() throws {
    guard isGiven else {
      if features != nil { throw ValidationError("--features is given without --checkpoint or --llm") }
      if ignoreLimits { throw ValidationError("--ignore-limits is given without --checkpoint or --llm") }
      return
    }
    guard checkpoint != nil || llm != nil else {
      throw ValidationError("a decoder is needed: give --checkpoint DIR, or --llm DIR")
    }
    guard pairsFile != nil else {
      throw ValidationError("--checkpoint needs --pairs FILE, the images and captions")
    }
    guard features == nil || cache == nil else {
      throw ValidationError("--features and --cache exclude each other: stored features need no cache")
    }
    guard readout == .one(.last) || (imagePrompt.isEmpty && textPrompt.isEmpty) else {
      throw ValidationError("--image-prompt and --text-prompt act on --readout last only, found \(readout)")
    }
  }

  /// What is asked for.
  func request(threads: Int, seed: UInt64 = 0) -> CheckpointRequest {
    let parts = ModelParts(checkpoint: checkpoint, vision: vision, decoder: llm, projector: projector)
    var request = CheckpointRequest(parts: parts, pairs: pairsFile ?? "")
    request.features = features
    request.readout = readout
    request.imagePrompt = imagePrompt
    request.textPrompt = textPrompt
    request.skipsBadImages = skipBadImages
    request.cache = cache
    request.checksLimits = !ignoreLimits
    request.threads = threads
    request.seed = seed
    return request
  }
}

extension ReadoutChoice: ExpressibleByArgument {
  /// Reads what `ReadoutChoice(_:)` reads.
  public init?(argument: String) { self.init(argument) }
}
