import Foundation
import GapDatasets
import GapMetrics
import GapTensorFiles
import Testing

/// Values written by the independent Python oracle, and the data they belong to.
struct Golden {
  let metrics: [String: Any]
  let whole: [String: Any]

  init(_ path: String) throws {
    let data = try Data(contentsOf: URL(filePath: path))
    whole = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    metrics = whole["metrics"] as? [String: Any] ?? whole
  }

  /// Numbers by dotted path; lists by path and index.
  static func flattened(_ object: [String: Any], prefix: String = "") -> [String: Double] {
    var numbers: [String: Double] = [:]
    for (key, value) in object {
      if let inner = value as? [String: Any] {
        numbers.merge(flattened(inner, prefix: prefix + key + ".")) { $1 }
      } else if let list = value as? [Double] {
        for (i, number) in list.enumerated() { numbers["\(prefix)\(key).\(i)"] = number }
      } else if let number = value as? Double {
        numbers[prefix + key] = number
      }
    }
    return numbers
  }

  static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  static func fixture(_ name: String) -> String { repository + "/Fixtures/metrics/" + name }

  static func pair(_ path: String, ids: String? = nil, threads: Int = 2) throws -> EmbeddingPair {
    let files = try EmbeddingFiles(pairs: TensorReference(path: path))
    return try EmbeddingPair(
      image: files.image, text: files.text, ids: try ids.map { try PairIDs(path: $0).ids }, threads: threads)
  }
}

/// Compares by key; reports the worst with expected, found and relative error.
func expectAgreement(
  _ found: [String: Double], _ expected: [String: Double], relative: Double, absolute: Double = 1e-12,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var worst = (key: "", expected: 0.0, found: 0.0, error: -1.0)
  for (key, value) in expected {
    guard let mine = found[key] else {
      Issue.record("\(key) is missing", sourceLocation: sourceLocation)
      continue
    }
    let tolerance = key.hasPrefix("linear_separability") ? 1e-3 : relative
    let error = abs(mine - value) <= absolute ? 0 : abs(mine - value) / max(abs(value), 1e-300)
    if error / tolerance > worst.error { worst = (key, value, mine, error / tolerance) }
  }
  #expect(
    worst.error <= 1,
    "worst \(worst.key): expected \(worst.expected), found \(worst.found), \(worst.error) tolerances",
    sourceLocation: sourceLocation)
}

extension [MetricEntry] {
  /// Numbers by dotted path; lists by path and index.
  var numbers: [String: Double] {
    var result: [String: Double] = [:]
    func add(_ prefix: String, _ entries: [MetricEntry]) {
      for entry in entries {
        switch entry.value {
        case .number(let value): if let value { result[prefix + entry.key] = value }
        case .table(let rows):
          for (i, row) in rows.enumerated() { add("\(prefix)\(entry.key)[\(i)].", row) }
        case .list(let values):
          for (i, value) in values.enumerated() { result["\(prefix)\(entry.key).\(i)"] = value }
        case .object(let inner): add(prefix + entry.key + ".", inner)
        }
      }
    }
    add("", self)
    return result
  }
}
