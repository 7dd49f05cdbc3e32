import ArgumentParser
import EmbeddingGap

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `embgap compare`: next-token loss alone against joint training.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains projectors with next-token loss alone and jointly, and compares them.",
    discussion: """
      Arms share start, batches and number of steps, seed by seed: what differs is the loss. Without --config the embedded \
      experiment runs: drawn scenes of simple objects, a tiny frozen vision model and language model, five seeds, budgets of \
      100 and 250 steps; about a quarter of an hour on two cores. --out gets compare.json, report.html (one page to \
      explore and send), the figures curve, pca, retrieval and questions, and config.yaml. With --vary there is the figure \
      sweep in their place.

      A comparison that was stopped, in whatever way, goes on with the same command and --resume: finished runs are kept \
      in --out, others go on from their last state. SIGINT (Ctrl-C) and SIGTERM let it finish its steps and save (exit \
      code 75); a second one ends it at once.

      Arms: ntp, joint, joint-input, joint-layer:K, joint-last, shuffled (joint with captions of other images in the \
      contrastive loss, a control), contrastive.

      Examples:
        embgap compare --out comparison
        embgap compare --quick --vary contrastive.temperature=0.05,0.1,0.25 --out temperatures
        embgap compare --config RUN.yaml --steps 500 --seeds 3 --arms ntp,joint --out mine
      """)

  @Option(
    help: ArgumentHelp("RUN.yaml of what is compared; without, the embedded experiment.", valueName: "file"))
  var config: String?

  @Option(help: "Seeds of each arm; 5, or 1 with --quick, unless said otherwise.")
  var seeds: Int?

  @Option(help: ArgumentHelp("Steps of the first stage, several with commas.", valueName: "n,…"))
  var steps: String?

  @Option(help: ArgumentHelp("Arms, with commas.", valueName: "arm,…"))
  var arms: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Compares for each of several values of a key of RUN.yaml; with several, for each combination.",
      valueName: "key=a,b,…"))
  var vary: [String] = []

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "In place of what the configuration says; may be given several times.", valueName: "key=value"))
  var assignments: [String] = []

  @Flag(help: "A small embedded experiment: under a minute, too short to conclude from.")
  var quick = false

  @Option(help: ArgumentHelp("Directory for results; made if missing.", valueName: "dir"))
  var out: String

  @Option(help: "The most threads; 0 means all processors. In place of the configuration's.")
  var threads: Int?

  @Flag(help: "Go on with the comparison in --out, if it was begun.")
  var resume = false

  @OptionGroup var figures: OutputOptions

  @Flag(help: "Begin even where disk or memory seem too small.")
  var ignoreLimits = false

  @Flag(help: "No progress bar.")
  var quiet = false

  private var parsedArms: [ComparisonArm]? {
    guard let arms else {
      let all: [ComparisonArm] = [.ntp, .joint, .jointAt(.last), .shuffled]
      return config == nil && vary.isEmpty ? all : [.ntp, .joint]
    }
    let parsed = arms.split(separator: ",", omittingEmptySubsequences: false).map { ComparisonArm(String($0)) }
    return parsed.contains { $0 == nil } ? nil : parsed.compactMap { $0 }
  }

  private var budgets: [Int]? {
    guard let steps else {
      if config != nil { return [] }
      return quick ? [30] : vary.isEmpty ? [100, 250] : [100]
    }
    let parsed = steps.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    return parsed.contains { !(1...1_000_000_000).contains($0 ?? 0) } || Set(parsed).count < parsed.count
      ? nil : parsed.compactMap { $0 }
  }

  func validate() throws {
    if let seeds, !(1...1000).contains(seeds) {
      throw ValidationError("--seeds: expected 1 to 1000, found \(seeds)")
    }
    guard budgets != nil else {
      throw ValidationError(
        "--steps: expected whole numbers from 1 to 1000000000, each once, found “\(steps ?? "")”")
    }
    guard let arms = parsedArms else {
      throw ValidationError(
        "--arms: expected ntp, joint, joint-input, joint-layer:K, joint-last, shuffled, contrastive, found “\(arms ?? "")”"
      )
    }
    guard Set(arms).count == arms.count else { throw ValidationError("--arms: an arm is named twice") }
    if let threads, !(0...1024).contains(threads) {
      throw ValidationError("--threads: expected 0 to 1024, found \(threads)")
    }
    if quick, config != nil {
      throw ValidationError("--quick is for the embedded experiment, not for --config")
    }
    try figures.validate()
  }

  func run() throws {
    let progress = SharedProgress(quiet: quiet)
    defer { progress.finish() }
    let variations = try vary.map { try ComparisonPlan.Variation(parsing: $0) }
    let stop = StopRequest()
    let out = out
    Interruption.expect(stop) {
      "what is finished is kept in \(out) (go on with: the same command and --resume)"
    }
    // Made first: what cannot be written to is known before anything is trained.
    let directory = try ComparisonDirectory(out, resumes: resume)
    let staged = try StagedOutput(directory: out)
    var path = config ?? ""
    var data: [String] = []
    if config == nil {
      let experiment = try EmbeddedExperiment(scenes: out + "/scenes", isQuick: quick)
      path = experiment.configuration
      data = try experiment.drawScenes { progress.show($0, $1) }
      if quick { data += ["instruct.steps=30", "evaluation.every=15", "evaluation.captions=100"] }
    }
    let plan = try ComparisonPlan(
      path: path, assignments: data + assignments + (threads.map { ["threads=\($0)"] } ?? []),
      arms: parsedArms ?? [], seeds: seeds ?? (quick ? 1 : 5),
      budgets: budgets ?? [], variations: variations)
    var comparison = Comparison(plan, in: directory)
    comparison.checksLimits = !ignoreLimits
    let outcome = try comparison.run(stop: stop) { progress.show($0, $1) }
    try staged.write(Data(plan.configurationText.utf8), to: "config.yaml")
    try staged.write(outcome.json(version: embeddingGapVersion), to: ComparisonReport.file)
    try staged.write(outcome.vectorData, to: ComparisonReport.vectorsFile)
    try staged.write(outcome.trajectoryData, to: ComparisonReport.trajectoriesFile)
    try staged.commit()
    let report = try ComparisonReport(comparison: out)
    let pictures = try StagedOutput(directory: out)
    let page = try ReportPage(
      report, labels: PairLabels(captions: outcome.captions, images: outcome.images),
      threads: plan.configuration.threads)
    try pictures.write(page.html(), to: ReportFiles.page)
    for figure in TrainingFigure.allCases where figure.isPossible(for: report) {
      try figures.style.write(figure, of: report, source: out, into: pictures)
    }
    try pictures.commit()
    directory.finish()
    progress.finish()
    if outcome.skippedSteps > 0 {
      standardError(
        "embgap: skipped_steps: \(outcome.skippedSteps) steps changed nothing: a loss or a gradient was not a finite number"
          + " (compare.json says in which runs)\n")
    }
    if let format = figures.table {
      try printData(Data(report.table(format).utf8))
    } else {
      try printText(report.table)
    }
  }
}
