import GapMetrics
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Training runs side by side: a comparison's `compare.json`, or run directories.
public struct ComparisonReport: Sendable {
  let runs: [TrainingRecord]
  /// What the decoder tells given true captions, and given nothing; nil where nobody measured it.
  let ceiling: JSONValue?
  let floor: JSONValue?
  /// `differences` of `compare.json`.
  let differences: [JSONValue]
  /// Where the vectors of before and after lie: directory and what its moments are called.
  let folders: [(path: String, name: String?)]
  /// Seconds of the whole comparison.
  let seconds: Double?
  /// The configuration of a comparison; nil of run directories.
  let configuration: JSONValue?
  /// Version of the toolkit that compared; nil of run directories.
  let version: String?
  /// Where held-out pairs lay during training.
  let trajectories: [TrajectoryTrack]

  /// The file that a comparison leaves.
  public static let file = "compare.json"
  /// Where held-out pairs lay at each evaluation.
  public static let trajectoriesFile = TrajectoryTrack.file
  /// The vectors before and after.
  public static let vectorsFile = "vectors.safetensors"
  /// Bytes of a comparison of many runs, each evaluated at every step.
  private static let largestFile = 512 << 20
  /// More runs than anyone compares; tables and figures look through all runs for each of them.
  private static let mostRuns = 5000
  /// The lines that a run leaves.
  static let metricsFile = "metrics.jsonl"

  /// Whether a directory is a comparison's.
  public static func isComparison(_ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: directory + "/" + file)
  }

  /// Whether a directory is that of a run which evaluated held-out pairs.
  public static func hasEvaluations(_ directory: String) -> Bool {
    guard let data = FileManager.default.contents(atPath: directory + "/" + metricsFile) else { return false }
    return data.split(separator: UInt8(ascii: "\n")).contains {
      $0.firstRange(of: Data("\"metrics\":".utf8)) != nil
    }
  }

  /// Reads a comparison's directory.
  ///
  /// - Throws: `ReportError.wrongLayout`; `TensorFileError` when it is no JSON.
  public init(comparison directory: String) throws {
    let path = directory + "/" + Self.file
    let root = try JSONValue(file: path, limit: Self.largestFile)
    guard root["schema"]?.text == "embgap.compare/1", let items = root["runs"]?.items else {
      throw ReportError.wrongLayout(
        path: path, expected: "schema embgap.compare/1", found: root["schema"]?.text ?? "no schema")
    }
    guard items.count <= Self.mostRuns else {
      throw ReportError.wrongLayout(
        path: path, expected: "at most \(Self.mostRuns) runs", found: "\(items.count)")
    }
    runs = try items.map { item in
      guard let arm = item["arm"]?.text, let seed = item["seed"]?.integer, let steps = item["steps"]?.integer,
        let curve = item["curve"]?.items
      else {
        throw ReportError.wrongLayout(
          path: path, expected: "arm, seed, steps and curve of a run", found: "less")
      }
      let varied = (item["varied"]?.pairs ?? []).map { "\($0.key)=\($0.value.text ?? "")" }
      var values: [String: JSONValue] = [:]
      for key in ["metrics", "metrics_instructed", "evaluation"] { values[key] = item[key] }
      return TrainingRecord(
        arm: MessageText.plain(arm, limit: 60), seed: seed, steps: steps,
        setting: varied.joined(separator: ", "),
        readout: item["readout"]?.text,
        secondsPerStep: item["seconds_per_step"]?.number, values: values, curve: curve)
    }
    guard !runs.isEmpty else { throw ReportError.wrongLayout(path: path, expected: "runs", found: "none") }
    ceiling = root["ceiling"]
    floor = root["floor"]
    differences = root["differences"]?.items ?? []
    folders = [(directory, nil)]
    seconds = root["seconds"]?.number
    configuration = root["config"]
    version = root["version"]?.text
    trajectories = try TrajectoryTrack.all(in: directory)
  }

  /// Reads run directories, each an arm of its own name.
  ///
  /// - Throws: `ReportError`, `TensorFileError`.
  public init(runs directories: [String]) throws {
    runs = try directories.map(Self.record)
    folders = directories.map { ($0, Self.name($0)) }
    (ceiling, floor, differences, seconds) = (nil, nil, [], nil)
    (configuration, version) = (nil, nil)
    // Of several runs no basis is shared.
    trajectories = directories.count == 1 ? try TrajectoryTrack.all(in: directories[0]) : []
  }

  private static func name(_ directory: String) -> String {
    directory.split(separator: "/").last.map(String.init) ?? directory
  }

  private static func record(_ directory: String) throws -> TrainingRecord {
    let path = directory + "/" + metricsFile
    guard let data = FileManager.default.contents(atPath: path) else { throw ReportError.missing(path: path) }
    var (curve, values, steps) = ([JSONValue](), [String: JSONValue](), 0)
    var evaluations: [JSONValue.Pair] = []
    var losses: JSONValue?
    for line in data.split(separator: UInt8(ascii: "\n")) {
      let item = try JSONValue(Array(line), at: .init(path: path))
      guard let metrics = item["metrics"] else {
        if item["stage"] == nil {
          steps = item["step"]?.integer ?? steps
          losses = item
        }
        continue
      }
      let stage = item["stage"]?.text
      if let evaluation = item["evaluation"] {
        evaluations.append(.init(key: stage ?? "aligned", value: evaluation))
      }
      if stage == "instructed" {
        values["metrics_instructed"] = metrics
        continue
      }
      values["metrics"] = metrics
      var point: [JSONValue.Pair] = [.init(key: "step", value: item["step"] ?? .integer(0))]
      if let loss = item["evaluation"]?["ntp_loss"] { point.append(.init(key: "ntp_loss", value: loss)) }
      for key in ["contrastive_loss", "temperature"] {
        if let value = losses?[key] { point.append(.init(key: key, value: value)) }
      }
      point.append(.init(key: "metrics", value: metrics))
      curve.append(.object(point))
    }
    guard values["metrics"] != nil else {
      throw ReportError.wrongLayout(
        path: path, expected: "lines of evaluations (evaluation: {pairs: FILE} in RUN.yaml)", found: "none")
    }
    // Of several evaluations of one stage the last one counts.
    var byStage: [String: JSONValue] = [:]
    for evaluation in evaluations { byStage[evaluation.key] = evaluation.value }
    values["evaluation"] = .object(byStage.keys.sorted().map { .init(key: $0, value: byStage[$0] ?? .null) })
    return TrainingRecord(
      arm: name(directory), seed: 0, steps: steps, setting: "", readout: nil, secondsPerStep: nil,
      values: values,
      curve: curve)
  }

  /// What was varied in an entry of `differences`, as `TrainingRecord.setting` words it.
  static func setting(of difference: JSONValue) -> String {
    (difference["varied"]?.pairs ?? []).map { "\($0.key)=\($0.value.text ?? "")" }.joined(separator: ", ")
  }

  // MARK: What there is

  /// In a few words: arms, steps, seeds.
  public var summary: String {
    "\(arms.joined(separator: ", ")); \(budgets.map(String.init).joined(separator: " and ")) steps; \(seeds) "
      + (seeds == 1 ? "seed" : "seeds")
  }

  /// Arms in the order of their first runs.
  var arms: [String] { Self.unique(runs.map(\.arm)) }
  var budgets: [Int] { Array(Set(runs.map(\.steps))).sorted() }
  var settings: [String] { Self.unique(runs.map(\.setting)) }
  var seeds: Int { Set(runs.map(\.seed)).count }
  /// Readouts that a loss was put on, `input` first where nothing says.
  var trainedReadouts: [String] {
    let own = Self.unique(runs.compactMap(\.readout))
    let known = runs.first?.readouts ?? []
    return own.isEmpty ? Array(known.prefix(1)) : own.filter { known.contains($0) }
  }
  /// The readout that figures of one readout show.
  var mainReadout: String {
    runs.first { $0.arm == "joint" }?.readout ?? trainedReadouts.first ?? "input"
  }

  /// Texts in their order, each once.
  public static func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }

  /// The seed whose trajectories are kept.
  var firstSeed: Int { runs.map(\.seed).min() ?? 0 }

  /// Centroid distance of all held-out pairs where a trajectory has a moment.
  func gap(of track: TrajectoryTrack, at step: Int) -> Double? {
    let own = runs.first { run in
      run.seed == firstSeed && (run.arm == track.arm || runs.count == 1)
        && track.run.hasSuffix(", \(run.steps) steps")
    }
    return own?.curve.first { $0["step"]?.integer == step }?
      .number(["metrics", track.readout, "centroid_distance"])
  }

  func runs(_ arm: String, steps: Int? = nil, setting: String? = nil) -> [TrainingRecord] {
    runs.filter {
      $0.arm == arm && (steps == nil || $0.steps == steps) && (setting == nil || $0.setting == setting)
    }
  }
}
