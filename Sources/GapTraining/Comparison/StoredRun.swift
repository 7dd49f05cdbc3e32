import GapMetrics
import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is kept on disk of one run of a comparison: all that it came to, or how far it went and the state to go on from.
struct StoredRun: Sendable {
  /// What decides the run's numbers, as text.
  let key: String
  /// Held-out data on the way so far.
  var curve: [ComparisonRun.Point] = []
  var vectors: [MomentVectors] = []
  /// Held-out pairs on the way; empty unless they are kept.
  var trajectory = Trajectory()
  /// After the second stage; nil without one, or before its end.
  var instructed: EvaluationRecord?
  /// Of all processes that worked on it.
  var seconds = 0.0
  /// Of the first stage's steps alone.
  var stepSeconds = 0.0
  /// Steps of both stages that changed nothing.
  var skippedSteps = 0
  var isFinished = false
  /// Where to go on from; nil of a run that is finished, or not begun.
  private(set) var state: SavedState?

  private static let trajectoryPrefix = "trajectory"

  init(key: String) { self.key = key }

  /// The bytes of the file.
  ///
  /// - Parameter trainer: whose state is kept; nil for a run that is finished.
  func data(_ trainer: AlignmentTrainer?, threads: Int) -> Data {
    var metadata: [(key: String, value: String)] = [("key", key), ("run", text)]
    func add(_ writer: inout SafetensorsWriter) {
      for (place, own) in vectors.enumerated() {
        let shape = [own.pairs, own.image.count / own.pairs]
        writer.add("\(place)/image", shape: shape, own.image)
        writer.add("\(place)/text", shape: shape, own.text)
      }
      trajectory.write(into: &writer, prefix: Self.trajectoryPrefix)
    }
    if let trainer { return SavedState.data(of: trainer, lines: 0, metadata: metadata, add) }
    metadata.append(("threads", "\(threads)"))
    return CheckedFile.data(metadata, add)
  }

  /// Reads a file.
  ///
  /// - Returns: nil when it is that of another run.
  /// - Throws: `TrainingError.damaged`, `.unreadable`; `.cannotResume` when other threads worked on it.
  init?(_ path: String, key: String, threads: Int) throws {
    let file = try CheckedFile.read(path)
    guard file.metadata(named: "key") == .string(key) else { return nil }
    func fault() -> TrainingError {
      .damaged(path: path, expected: "a run of a comparison", found: "what another version wrote")
    }
    guard case .string(let text)? = file.metadata(named: "run"),
      case .string(let count)? = file.metadata(named: "threads"), let worked = Int(count)
    else { throw fault() }
    try SavedState.check(threads: worked, now: threads, path)
    let root = try JSONValue(Array(text.utf8), at: .init(path: path, byte: 0))
    guard let curve = root["curve"]?.items, let vectors = root["vectors"]?.items,
      let seconds = root["seconds"]?.double, let stepSeconds = root["step_seconds"]?.double,
      let skipped = root["skipped_steps"]?.integer, case .bool(let isFinished)? = root["finished"]
    else { throw fault() }
    self.key = key
    self.curve = try curve.map { point in
      guard let evaluation = point["evaluation"].flatMap(EvaluationRecord.init) else { throw fault() }
      return ComparisonRun.Point(evaluation: evaluation, step: point["step"].flatMap(StepRecord.init))
    }
    self.vectors = try vectors.enumerated().map { place, entry in
      guard let moment = entry["moment"]?.text, let readout = entry["readout"]?.text.flatMap({ Readout($0) }),
        let pairs = entry["pairs"]?.integer
      else { throw fault() }
      return MomentVectors(
        moment: moment, readout: readout, pairs: pairs,
        image: try file.tensor(named: "\(place)/image").elements(),
        text: try file.tensor(named: "\(place)/text").elements())
    }
    trajectory = try Trajectory(file, prefix: Self.trajectoryPrefix)
    // A file of a version that kept no trajectories is made again.
    guard trajectory.tracks.isEmpty == self.vectors.isEmpty else { throw fault() }
    instructed = root["instructed"].flatMap(EvaluationRecord.init)
    self.seconds = seconds
    self.stepSeconds = stepSeconds
    skippedSteps = skipped
    self.isFinished = isFinished
    state = isFinished ? nil : try SavedState(file)
  }

  private var text: String {
    let points = curve.map { point in
      JSONText.object([("evaluation", point.evaluation.stored), ("step", point.step?.stored ?? "null")])
    }
    let moments = vectors.map { own in
      JSONText.object([
        ("moment", JSONText.quoted(own.moment)), ("readout", JSONText.quoted("\(own.readout)")),
        ("pairs", "\(own.pairs)"),
      ])
    }
    return JSONText.object([
      ("curve", "[" + points.joined(separator: ", ") + "]"),
      ("vectors", "[" + moments.joined(separator: ", ") + "]"), ("instructed", instructed?.stored ?? "null"),
      ("seconds", JSONText.number(seconds)), ("step_seconds", JSONText.number(stepSeconds)),
      ("skipped_steps", "\(skippedSteps)"), ("finished", "\(isFinished)"),
    ])
  }
}
