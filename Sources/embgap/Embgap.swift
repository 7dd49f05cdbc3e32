import ArgumentParser
import EmbeddingGap

/// The command: parses the line, runs the subcommand, and turns what went wrong into one line and an exit code.
@main
struct Embgap: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embgap",
    abstract: "Measures the modality gap of vision-language models.",
    discussion: """
      Example:
        embgap measure pairs.npy --out report
        embgap measure --image dump.npz::img --text dump.npz::txt --json
        embgap measure --checkpoint llava-1.5-7b-hf --pairs pairs.jsonl --readout layers --out report
      """,
    version: BuildInformation.lines.joined(separator: "\n"),
    subcommands: [
      Measure.self, Diff.self, Embed.self, Inspect.self, Train.self, Compare.self, Export.self, Scenes.self,
      Plot.self,
    ])

  static func main() {
    Interruption.watch()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      leave(with: error)
    }
  }

  private static func leave(with error: any Error) -> Never {
    if exitCode(for: error) == .success || error is ExitCode { exit(withError: error) }
    let failure = Failure(error)
    let message = failure?.message ?? usageMessage(error)
    Interruption.beginLeaving()
    standardError("embgap: " + message + "\n")
    exit(withError: failure?.code ?? ExitCode.validationFailure)
  }

  /// What the argument parser says, without its usage text, on one line.
  private static func usageMessage(_ error: any Error) -> String {
    let text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
    return (text.isEmpty ? "wrong usage" : text) + " (embgap --help)"
  }
}
