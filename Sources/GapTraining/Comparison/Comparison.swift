import GapLinearAlgebra
package import GapMetrics
import GapModels
import Synchronization

/// Trains every arm with every seed and budget, and measures all on the same held-out data.
///
/// Arms share start, batches and steps of a seed: what differs is the loss alone.
public struct Comparison: Sendable {
  /// What is compared.
  public let plan: ComparisonPlan
  /// Where runs are kept, so that a comparison that was stopped goes on; nil to keep none.
  public let directory: ComparisonDirectory?

  /// Whether a comparison that needs more disk or memory than there is is refused before it begins.
  public var checksLimits = true

  /// A comparison that is still to be made.
  public init(_ plan: ComparisonPlan, in directory: ComparisonDirectory? = nil) {
    self.plan = plan
    self.directory = directory
  }

  /// What a comparison came to.
  public struct Outcome: Sendable {
    package let plan: ComparisonPlan
    package let runs: [ComparisonRun]
    /// What the decoder tells of the held-out data, setting by setting, given true captions and given nothing.
    package let bounds: [(ceiling: [MetricEntry], floor: [MetricEntry])]
    /// Held-out vectors of the first seed and setting, before and after.
    package let vectors: [MomentVectors]
    /// What the same runs went through on the way.
    package let trajectories: [(run: String, trajectory: Trajectory)]
    /// For each held-out pair its caption.
    public let captions: [String]
    /// For each held-out pair the path of its image.
    public let images: [String]
    /// Seconds of the whole.
    public let seconds: Double

    /// Steps of all runs, both stages, that changed nothing, since a number was not finite.
    public var skippedSteps: Int { runs.reduce(0) { $0 + $1.skippedSteps } }
  }

  /// Makes all runs.
  ///
  /// - Parameters:
  ///   - stop: asked from another thread, all runs that are under way save their states after their steps, and
  ///     `TrainingError.interrupted` is thrown.
  ///   - progress: told what is being done and the share of the whole that is done, 0…1; from any thread, from several at
  ///     once where runs go side by side.
  /// - Throws: `TrainingError`, `ModelError`, `DatasetError`, `TensorFileError`, `TokenizerError`, `MetricError`.
  public func run(
    stop: StopRequest = StopRequest(),
    progress: @Sendable (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let started = clock.now
    let pool = WorkerPool(threads: plan.configuration.threads)
    var results: [ComparisonRun] = []
    var bounds: [(ceiling: [MetricEntry], floor: [MetricEntry])] = []
    var vectors: [MomentVectors] = []
    var trajectories: [(run: String, trajectory: Trajectory)] = []
    var labels: (captions: [String], images: [String]) = ([], [])
    var known: [String: ComparisonRun] = [:]
    var kept: (key: [String], data: ComparisonData, bounds: (ceiling: [MetricEntry], floor: [MetricEntry]))?
    let done = Mutex(0.0)
    let total = plan.budgets.reduce(0) { $0 + Double($1) } * Double(plan.runs) / Double(plan.budgets.count)
    for (place, setting) in plan.settings.enumerated() {
      let key = Self.dataKey(setting.configuration)
      if kept?.key != key {
        kept = nil
        let limits = checksLimits ? directory?.path ?? "." : nil
        let data = try ComparisonData(setting.configuration, arms: plan.arms, limits: limits, pool: pool) {
          stage, _ in
          progress(stage, done.withLock { $0 / total })
        }
        if place == 0 { try directory?.begin() }
        kept = (key, data, try data.heldOut.bounds())
      }
      guard let (_, data, settled) = kept else { preconditionFailure("data was just read") }
      bounds.append(settled)
      if place == 0 { labels = (data.heldOut.set.captions.map(\.text), data.heldOut.set.imagePaths) }
      let jobs = plan.seeds.flatMap { seed in
        plan.budgets.flatMap { steps in
          plan.arms.map { ComparisonJob(arm: $0, seed: seed, steps: steps, in: setting) }
        }
      }
      let fresh = jobs.filter { known[$0.key] == nil }
      let repeated = jobs.filter { known[$0.key] != nil }.reduce(0) { $0 + $1.steps }
      done.withLock { $0 += Double(repeated) }
      let side = data.runsSideBySide ? pool : WorkerPool(threads: 1)
      let inner = data.runsSideBySide ? WorkerPool(threads: 1) : pool
      let keepsVectors = place == 0
      let first = plan.seeds[0]
      stop.begin()
      let made = try side.map(fresh.count) { _, i in
        let job = fresh[i]
        let bench = ComparisonJob.Bench(
          data: data, directory: directory, stop: stop, pool: inner,
          keepsVectors: keepsVectors && job.seed == first)
        return try job.run(bench) { steps in
          done.withLock { total in total += Double(steps) }
          progress("training", min(1, done.withLock { $0 / total }))
        }
      }
      if stop.end() { throw ComparisonJob.interrupted(directory) }
      for (job, result) in zip(fresh, made) {
        known[job.key] = job.run(result)
        vectors += result.vectors
        if !result.trajectory.tracks.isEmpty {
          trajectories.append(("\(job.arm), \(job.steps) steps", result.trajectory))
        }
      }
      // What does not depend on the varied keys is the same run under every setting.
      results += jobs.compactMap { known[$0.key]?.with(setting.values) }
    }
    return Outcome(
      plan: plan, runs: results, bounds: bounds, vectors: vectors, trajectories: trajectories,
      captions: labels.captions, images: labels.images,
      seconds: started.duration(to: clock.now) / .seconds(1))
  }

  /// What decides the data that runs share.
  private static func dataKey(_ configuration: RunConfiguration) -> [String] {
    let names = [
      "checkpoint", "vision", "llm", "projector_file", "features", "pairs", "template", "evaluation",
      "skip_bad_images", "precision",
    ]
    let lines = configuration.yaml.split(separator: "\n").map(String.init)
    return lines.filter { line in names.contains { line.hasPrefix($0 + ":") } } + [
      configuration.contrastive.imagePrompt, configuration.contrastive.textPrompt,
      "\(configuration.contrastive.readout)",
      configuration.instruct?.questions ?? "",
    ]
  }
}
