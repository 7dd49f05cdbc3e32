import GapTensorFiles

/// One training run as tables and figures need it, from `compare.json` or a run directory.
struct TrainingRecord: Sendable {
  /// The arm, or the directory's name.
  let arm: String
  let seed: Int
  /// Steps of the first stage.
  let steps: Int
  /// What was varied: `key=value`, several with commas; empty where nothing was.
  let setting: String
  /// Where the contrastive loss was put on; nil without one.
  let readout: String?
  let secondsPerStep: Double?
  /// `metrics`, `metrics_instructed` and `evaluation` as `compare.json` has them.
  let values: [String: JSONValue]
  /// Places on the way, in the order of their steps.
  let curve: [JSONValue]

  /// A number by its dotted path, such as `metrics.input.centroid_distance`.
  func number(_ path: String) -> Double? {
    let parts = path.split(separator: ".").map(String.init)
    guard let first = parts.first, let root = values[first] else { return nil }
    return root.number(parts.dropFirst())
  }

  /// Readouts that were measured, in their order.
  var readouts: [String] { values["metrics"]?.pairs?.map(\.key) ?? [] }

  /// Kinds of questions that were asked.
  var kinds: [String] {
    (values["evaluation"]?["aligned"]?.pairs ?? []).compactMap { pair in
      pair.key.hasPrefix("questions_") ? String(pair.key.dropFirst("questions_".count)) : nil
    }
  }
}

extension JSONValue {
  /// A number on a path of keys.
  func number(_ path: some Collection<String>) -> Double? {
    guard let key = path.first else { return number }
    return self[key]?.number(path.dropFirst())
  }

  /// The number that it is.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
