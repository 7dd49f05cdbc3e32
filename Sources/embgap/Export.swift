public import ArgumentParser
public import EmbeddingGap

/// `embgap export`: a trained projector for other programs.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the projector of a run or a checkpoint for LLaVA or Hugging Face.",
    discussion: """
      llava: mm_projector.bin as LLaVA's --pretrain_mm_mlp_adapter reads it (torch.load, weights only).
      hf: safetensors under the key names of transformers; load_state_dict(…, strict=False) takes it.

      Example:
        embgap export --checkpoint-or-run runs/joint --format llava --out mm_projector.bin
      """)

  @Option(help: ArgumentHelp("A run's directory, a checkpoint's, or a projector's file.", valueName: "path"))
  var checkpointOrRun: String

  @Option(help: "llava or hf.")
  var format: ProjectorExport.Format

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String

  func run() throws {
    let export = try ProjectorExport(from: checkpointOrRun)
    let names = try export.names(format, path: checkpointOrRun)
    try DurableFile.replace(out, with: export.data(format, path: checkpointOrRun))
    let lines = names.map { "  \($0.name)  (\($0.shape.map(String.init).joined(separator: ", ")))" }
    try printText(
      "\(out): \(names.count) tensors, float32; recognised as \(export.rule)\n" + lines.joined(separator: "\n"))
  }
}

extension ProjectorExport.Format: ExpressibleByArgument {}
