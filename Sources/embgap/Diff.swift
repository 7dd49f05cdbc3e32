import ArgumentParser
import EmbeddingGap

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `embgap diff`: two reports on the same pairs.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares two reports on the same pairs, with intervals of the paired differences.",
    discussion: """
      Takes two directories that `embgap measure --out` wrote, from embeddings of the same pairs in the same order \
      (two models, or one before and after training). Differences are second minus first.

      Example:
        embgap diff report-ntp report-joint
        embgap diff report-ntp report-joint --format latex
      """)

  @Argument(help: "Directory of the first report.")
  var first: String

  @Argument(help: "Directory of the second report.")
  var second: String

  @Flag(help: "Print JSON on standard output, and nothing else.")
  var json = false

  @Option(
    help: "Format of the table on standard output: csv, md or latex; without, for a terminal.")
  var format: TableFormat?

  @Option(help: "Resamples for intervals; 0 gives none.")
  var bootstrap = 1000

  @Option(help: "Seed of the resamples.")
  var seed: UInt64 = 0

  @Option(help: "The most threads; 0 means all processors.")
  var threads = 0

  func validate() throws {
    if json, let format {
      throw ValidationError("--json and --format \(format.rawValue) exclude each other")
    }
    guard (0...1_000_000).contains(bootstrap) else {
      throw ValidationError("--bootstrap: expected 0 to 1000000, found \(bootstrap)")
    }
    guard (0...1024).contains(threads) else {
      throw ValidationError("--threads: expected 0 to 1024, found \(threads)")
    }
  }

  func run() throws {
    let difference = try GapDifference(
      first: first, second: second, resamples: bootstrap, seed: seed, threads: threads)
    if json {
      try printData(difference.json())
    } else if let format {
      printWarnings(difference.warnings)
      try printData(Data(difference.table(format).utf8))
    } else {
      try printText(difference.table)
    }
  }
}
