import GapMetrics
import GapModels
import GapTensorFiles

// Records as text that reads back to the same values, to the last bit. `compare.json` writes null for what is not finite,
// which would not: here these are texts.

extension EvaluationRecord {
  var stored: String {
    JSONText.object([
      ("step", "\(step)"), ("stage", stage.map { JSONText.quoted($0.rawValue) } ?? "null"),
      ("metrics", JSONText.object(metrics.map { ("\($0.readout)", $0.entries.stored) })),
      ("evaluation", evaluation.stored), ("seconds", JSONText.stored(seconds)),
    ])
  }

  /// nil when the text is not what `stored` gives.
  init?(_ value: JSONValue) {
    guard let step = value["step"]?.integer, let seconds = value["seconds"]?.double,
      let evaluation = value["evaluation"].flatMap([MetricEntry].init(stored:)),
      let metrics = value["metrics"]?.pairs
    else { return nil }
    var read: [(readout: Readout, entries: [MetricEntry])] = []
    for pair in metrics {
      guard let readout = Readout(pair.key), let entries = [MetricEntry](stored: pair.value) else { return nil }
      read.append((readout, entries))
    }
    self.init(
      step: step, stage: value["stage"]?.text.flatMap(Stage.init), metrics: read, evaluation: evaluation,
      seconds: seconds)
  }
}

extension StepRecord {
  var stored: String {
    func optional(_ number: Double?) -> String { number.map(JSONText.stored) ?? "null" }
    return JSONText.object([
      ("step", "\(step)"), ("ntp", optional(losses.ntp)), ("contrastive", optional(losses.contrastive)),
      ("temperature", optional(temperature)), ("rate", JSONText.stored(rate)),
      ("norm", JSONText.stored(gradientNorm)), ("skipped", skipped.map { "\($0)" } ?? "null"),
      ("seconds", JSONText.stored(seconds)),
    ])
  }

  /// nil when the text is not what `stored` gives.
  init?(_ value: JSONValue) {
    guard let step = value["step"]?.integer, let rate = value["rate"]?.double, let norm = value["norm"]?.double,
      let seconds = value["seconds"]?.double
    else { return nil }
    self.init(
      step: step, losses: StepLosses(ntp: value["ntp"]?.double, contrastive: value["contrastive"]?.double),
      temperature: value["temperature"]?.double, rate: rate, gradientNorm: norm,
      skipped: value["skipped"]?.integer, seconds: seconds)
  }
}

extension [MetricEntry] {
  /// Numbers and objects as they are; lists and tables as arrays that begin with what they are.
  var stored: String { JSONText.object(map { ($0.key, Self.stored($0.value)) }) }

  private static func stored(_ value: MetricValue) -> String {
    switch value {
    case .number(let number): number.map(JSONText.stored) ?? "null"
    case .object(let entries): entries.stored
    case .list(let numbers): "[" + (["\"list\""] + numbers.map(JSONText.stored)).joined(separator: ", ") + "]"
    case .table(let rows): "[" + (["\"table\""] + rows.map(\.stored)).joined(separator: ", ") + "]"
    }
  }

  /// nil when the text is not what `stored` gives.
  init?(stored value: JSONValue) {
    guard let pairs = value.pairs else { return nil }
    self = []
    for pair in pairs {
      guard let value = Self.value(pair.value) else { return nil }
      append(MetricEntry(pair.key, value))
    }
  }

  private static func value(_ value: JSONValue) -> MetricValue? {
    if value == .null { return .number(nil) }
    if let number = value.double { return .number(number) }
    guard let items = value.items else { return [MetricEntry](stored: value).map { .object($0) } }
    if items.first?.text == "list" {
      let numbers = items.dropFirst().compactMap(\.double)
      return numbers.count == items.count - 1 ? .list(numbers) : nil
    }
    let rows = items.dropFirst().compactMap { [MetricEntry](stored: $0) }
    return items.first?.text == "table" && rows.count == items.count - 1 ? .table(rows) : nil
  }
}

extension JSONText {
  /// A number, or `"nan"`, `"inf"`, `"-inf"`.
  static func stored(_ value: Double) -> String { value.isFinite ? "\(value)" : quoted("\(value)") }
}

extension JSONValue {
  /// A number that `JSONText.stored` wrote.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .string(let text) where ["nan", "-nan", "inf", "-inf"].contains(text): Double(text)
    default: nil
    }
  }
}
