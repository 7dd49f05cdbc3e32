import ArgumentParser
import EmbeddingGap

/// `embgap train`: one alignment run on a user's own checkpoint.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a projector through a frozen decoder.",
    discussion: """
      Reads RUN.yaml and writes a run directory: config.yaml (every key), metrics.jsonl (a line for each step and each \
      evaluation) and the same for TensorBoard, projector.safetensors, state.safetensors, report.json, report.html, \
      figures; with instruct: also adapter/ in PEFT's layout. A run that was stopped, in whatever way, goes on with \
      --resume and ends with the same bytes on the same number of threads. SIGINT (Ctrl-C) and SIGTERM let it finish its \
      step and save (exit code 75); a second one ends it at once.

      RUN.yaml, where every key but checkpoint and pairs has a default:
        checkpoint: llava-1.5-7b-hf
        pairs: train.jsonl
        objective: joint
        contrastive: {readout: "layer:2"}
        evaluation: {pairs: held-out.jsonl, every: 50}

      Example:
        embgap train --config RUN.yaml --set optimizer.lr=2e-3 --out runs/joint
      """)

  @Option(help: ArgumentHelp("The run's configuration; with --resume, the directory's own.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp("In place of the configuration's: ntp, joint or contrastive.", valueName: "objective"))
  var objective: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "In place of what the configuration says; may be given several times.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(help: ArgumentHelp("The run directory.", valueName: "dir"))
  var out: String

  @Option(help: "The most threads; 0 means all processors. In place of the configuration's.")
  var threads: Int?

  @Flag(help: "Go on with the run in --out, if it was begun.")
  var resume = false

  @Flag(help: "Begin even where disk or memory seem too small.")
  var ignoreLimits = false

  @Flag(help: "No progress bar.")
  var quiet = false

  func validate() throws {
    guard config != nil || resume else { throw ValidationError("--config FILE is needed, or --resume") }
    if let threads, !(0...1024).contains(threads) {
      throw ValidationError("--threads: expected 0 to 1024, found \(threads)")
    }
    if let objective, !["ntp", "joint", "contrastive"].contains(objective) {
      throw ValidationError("--objective: expected ntp, joint or contrastive, found “\(objective)”")
    }
  }

  func run() throws {
    let progress = Progress(quiet: quiet)
    defer { progress.finish() }
    let out = out
    let stop = StopRequest()
    Interruption.expect(stop) {
      TrainingRun.isBegun(out)
        ? "\(out) is whole (go on with: embgap train --out \(MessageText.argument(out)) --resume)"
        : "nothing was trained"
    }
    let all =
      assignments + (objective.map { ["objective=\($0)"] } ?? []) + (threads.map { ["threads=\($0)"] } ?? [])
    let configuration = try RunConfiguration(path: config ?? out + "/config.yaml", assignments: all)
    var run = TrainingRun(configuration, directory: out)
    run.checksLimits = !ignoreLimits
    let outcome = try run.run(resumes: resume, stop: stop) { progress.show($0, $1) }
    try withExtendedLifetime(outcome.lock) { try report(outcome, configuration, progress) }
  }

  /// Writes what the run came to, and prints it.
  private func report(
    _ outcome: TrainingRun.Outcome, _ configuration: RunConfiguration, _ progress: Progress
  ) throws {
    var extras = ReportExtras(readout: outcome.readout)
    if outcome.skippedSteps > 0 {
      extras.warnings.append(
        GapWarning(
          code: "skipped_steps",
          message:
            "\(outcome.skippedSteps) of \(outcome.steps) steps changed nothing: a loss or a gradient was not"
            + " a finite number"))
    }
    let report = GapReport(
      outcome.measurement, inputs: outcome.inputs, extras: extras, seed: configuration.seed,
      seconds: outcome.seconds)
    let staged = try StagedOutput(directory: out)
    let training = ComparisonReport.hasEvaluations(out) ? try ComparisonReport(runs: [out]) : nil
    try MeasurementFiles(
      report: report, measurement: outcome.measurement, pair: outcome.pair,
      labels: PairLabels(captions: outcome.captions, images: outcome.images), training: training,
      threads: configuration.threads
    ).write(into: staged)
    try staged.commit()
    if let training {
      let pictures = try StagedOutput(directory: out)
      for figure in TrainingFigure.allCases
      where figure != .retrieval && figure.isPossible(for: training) {
        try FigureStyle().write(figure, of: training, source: out, into: pictures)
      }
      try pictures.commit()
    }
    progress.finish()
    if let damage = outcome.damage {
      standardError("embgap: damaged_state: \(damage); the state before it was gone on with\n")
    }
    if outcome.skippedPairs > 0 {
      standardError(
        "embgap: skipped_images: \(outcome.skippedPairs) pairs are left out: their images cannot be read\n")
    }
    try printText(Self.summary(outcome, report))
  }

  private static func summary(_ outcome: TrainingRun.Outcome, _ report: GapReport) -> String {
    var lines = [
      "\(outcome.steps) steps, \(outcome.parameters) trained numbers, "
        + "\((outcome.secondsPerStep * 1000).rounded() / 1000) s a step"
        + (outcome.resumedAt > 0 ? " (gone on from step \(outcome.resumedAt))" : "")
    ]
    let losses = [("ntp_loss", outcome.ntpLoss), ("contrastive_loss", outcome.contrastiveLoss)]
    lines += losses.compactMap { name, value in value.map { "\(name) of the last step: \($0)" } }
    lines.append("projector: \(outcome.projectorFile)")
    return lines.joined(separator: "\n") + "\n\n" + report.table
  }
}
