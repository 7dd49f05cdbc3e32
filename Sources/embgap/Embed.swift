import ArgumentParser
import EmbeddingGap

/// `embgap embed`: the vectors of a checkpoint as a file.
struct Embed: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the vectors that a checkpoint gives images and captions.",
    discussion: """
      Writes safetensors with F32 tensors image and text, [n, d]; with --readout layers, also layer.K.image and \
      layer.K.text for every layer. The file is what `embgap measure FILE` reads.

      Example:
        embgap embed --checkpoint llava-1.5-7b-hf --pairs pairs.jsonl --readout layer:2 --out vectors.safetensors
      """)

  @OptionGroup var source: CheckpointOptions

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String

  @Option(help: "The most threads; 0 means all processors.")
  var threads = 0

  @Flag(help: "No progress bar.")
  var quiet = false

  func validate() throws {
    guard source.isGiven else {
      throw ValidationError("nothing to embed: give --checkpoint DIR and --pairs FILE")
    }
    try source.validate()
    guard (0...1024).contains(threads) else {
      throw ValidationError("--threads: expected 0 to 1024, found \(threads)")
    }
  }

  func run() throws {
    let progress = Progress(quiet: quiet)
    defer { progress.finish() }
    let target = try StagedFile(path: out)
    var request = source.request(threads: threads)
    request.integrationRate = nil
    request.usesVocabularyLens = false
    request.output = out
    let embeddings = try CheckpointEmbeddings(request) { progress.show($0, $1) }
    try target.commit(embeddings.safetensors(request))
    progress.finish()
    guard let first = embeddings.vectors.first else { return }
    for warning in embeddings.warnings { standardError("embgap: \(warning.code): \(warning.message)\n") }
    try printText(
      "\(first.image.count) pairs of \(first.image.dimension) numbers at readout \(source.readout)"
        + " written to \(out) (\(embeddings.speed.text))")
  }
}
