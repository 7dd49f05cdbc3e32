import ArgumentParser
import EmbeddingGap

/// `embgap scenes`: pictures of simple objects with captions and questions.
struct Scenes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws scenes of simple objects, with captions and questions.",
    discussion: """
      Writes images/00000.png …, pairs.jsonl (image, caption, meaning) and questions.jsonl (image, question, answer, \
      kind, choices). Scenes have one to three of 5 shapes in 7 colours and 2 sizes; scenes of equal meaning cannot be \
      told apart by a caption. The same seed gives the same scenes.

      Example:
        embgap scenes --count 4000 --seed 1 --out scenes
      """)

  @Option(help: "How many scenes.")
  var count = 1000

  @Option(help: "The number of the first scene in the seed's stream.")
  var first = 0

  @Option(help: "Of the stream of scenes.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The directory to fill.", valueName: "dir"))
  var out: String

  @Flag(help: "Captions and questions alone: no pictures.")
  var noImages = false

  @Flag(help: "Leave out scenes that mean the same as an earlier one.")
  var distinct = false

  @Flag(help: "No progress bar.")
  var quiet = false

  func validate() throws {
    guard (1...10_000_000).contains(count) else {
      throw ValidationError("--count: expected 1 to 10000000, found \(count)")
    }
    guard (0...1_000_000_000).contains(first) else {
      throw ValidationError("--first: expected 0 to 1000000000, found \(first)")
    }
  }

  func run() throws {
    let progress = Progress(quiet: quiet)
    defer { progress.finish() }
    var files = SceneFiles(first..<first + count, seed: seed, directory: out)
    files.drawsPictures = !noImages
    files.isDistinct = distinct
    let scenes = try files.write { progress.show("scenes", $0) }
    progress.finish()
    let questions = scenes.reduce(0) { $0 + $1.questions.count }
    let meanings = Set(scenes.map(\.meaning)).count
    try printText("\(scenes.count) scenes (\(meanings) meanings) and \(questions) questions written to \(out)")
  }
}
