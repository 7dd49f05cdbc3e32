import GapDatasets
import GapLinearAlgebra
import GapMetrics

/// What a page of a measurement shows, as its script reads it.
struct PageData: Encodable, Sendable {
  let title: String
  let version: String
  let schema: String
  let measured: String
  let seed: String
  let inputs: [String]
  let cards: [PageCard]
  let warnings: [PageWarning]
  let metrics: [PageMetric]
  /// What was done before the second column of values; null without fixes.
  let fixes: String?
  let layers: PageLayers?
  let scatter: PageScatter?
  /// Curves of the training that led here.
  let curves: [PageCurve]
  let thumbnails: PageThumbnails?
  let cosines: PageHistogram?
  let dimensions: PageDimensions?
  let shift: PageShift?
  let pairs: [PagePairs]

  init(_ report: GapReport, _ material: ReportPage.Material) throws {
    let (drawable, labels) = (material.drawable, material.labels)
    let warnings = report.warnings.map(PageWarning.init)
    title = "Modality gap: " + (report.inputs.first?.path ?? "embeddings")
    version = report.version
    schema = report.schema
    measured = Self.measured(report)
    seed = String(report.seed)
    inputs = report.inputs.map(Self.line)
    cards = PageCard.all(report, warnings: warnings)
    self.warnings = warnings
    metrics = PageMetric.all(report, warnings: warnings)
    fixes = report.fixed?.title
    layers = PageLayers(report)
    var scatter = PageScatter(
      drawable, labels: labels, layers: material.layers, training: material.training)
    curves = material.training.map { PageCurve.all($0, steps: nil) } ?? []
    cosines = drawable.flatMap { PageHistogram($0.details) }
    dimensions = drawable.map { PageDimensions($0.details) }
    shift = drawable.flatMap { PageShift($0.details) }
    var pairs =
      drawable.map { PagePairs.all($0.details, failures: material.failures, labels: labels) } ?? []
    thumbnails = try labels.images.map { paths in
      try PageThumbnails(
        of: paths, wanted: PagePairs.shown(pairs), drawn: scatter?.members.flatMap { $0 } ?? [],
        seed: report.seed, pool: WorkerPool(threads: material.threads))
    }
    if let thumbnails {
      scatter?.add(thumbnails)
      for place in pairs.indices { pairs[place].add(thumbnails) }
    }
    self.scatter = scatter
    self.pairs = pairs
  }

  private static func measured(_ report: GapReport) -> String {
    let read = report.readout.map { ", readout \($0 == "layers" ? "input, and every layer" : $0)" } ?? ""
    let dropped =
      report.droppedPairs > 0 ? ", \(Decimal.grouped(report.droppedPairs)) bad pairs left out" : ""
    return
      "\(Decimal.grouped(report.pairs)) image-text pairs in \(Decimal.grouped(report.dimension)) dimensions"
      + read + dropped
  }

  private static func line(_ input: InputRecord) -> String {
    let shape = input.shape.map(String.init).joined(separator: " × ")
    return "\(input.path) (\(input.dtype), \(shape); \(Decimal.grouped(input.bytes)) bytes"
      + (input.sha256.map { "; SHA-256 \($0)" } ?? "") + ")"
  }
}

/// Something a careful reviewer would raise, and the numbers that it concerns.
struct PageWarning: Encodable, Sendable {
  let code: String
  let message: String
  /// Keys of metrics, the first words of their paths or whole paths; none: it concerns all.
  let about: [String]

  init(_ warning: GapWarning) {
    self.init(code: warning.code, message: warning.message, about: Self.concerns(warning))
  }

  init(code: String, message: String, about: [String]) {
    self.code = code
    self.message = message
    self.about = about
  }

  /// Whether it is about a metric, by its dotted path.
  func isAbout(_ path: String) -> Bool {
    about.contains { path == $0 || path.hasPrefix($0 + ".") || path.hasPrefix($0 + "[") }
  }

  private static func concerns(_ warning: GapWarning) -> [String] {
    switch warning.code {
    case "fewer_pairs_than_dimensions": ["frechet_distance"]
    case "duplicate_image_rows", "duplicate_text_rows", "single_id": ["retrieval"]
    case "ids_with_different_images", "shared_images": ["retrieval", "image_cone"]
    case "unnormalised_image": ["norm.image", "centroid_distance_raw"]
    case "unnormalised_text": ["norm.text", "centroid_distance_raw"]
    case "collapsed_image": ["image_cone", "centroid_distance", "matching_margin", "paired_cosine"]
    case "collapsed_text": ["text_cone", "centroid_distance", "matching_margin", "paired_cosine"]
    case "no_bos_sink": ["layers"]
    case "mir_reference_fast": ["mir"]
    default: named(in: warning.message)
    }
  }

  /// Metrics that a message begins with, such as `retrieval.text_to_image: …` or `uniformity, mmd2_rbf: …`.
  private static func named(in message: String) -> [String] {
    let isPart = { (c: Character) in c.isLetter || c.isNumber || c == "_" || c == "." || c == "[" || c == "]" }
    let head = message.prefix { $0 != ":" }
    let words = head.split { !isPart($0) }.map { String($0) }
    return words.filter { word in
      MetricReading.all.contains { $0.path == word || $0.path.hasPrefix(word + ".") } || word.contains("_")
        || word.hasPrefix("layers[")
    }
  }
}

/// A line of the table of metrics.
struct PageMetric: Encodable, Sendable {
  let section: String
  let path: String
  /// As the terminal shows it.
  let text: String
  /// With every digit; null where it is not defined.
  let value: Double?
  /// Of a list of numbers, all of them.
  let list: [Double]?
  let low: Double?
  let high: Double?
  let interval: String
  /// After the fixes.
  let after: PageAfter?
  let p: Double?
  let note: String
  let reading: String
  /// Numbers of the warnings that concern it.
  let warnings: [Int]

  /// Every number of a report but those of layers, which have a table of their own: first those that the terminal
  /// shows, in its order.
  static func all(_ report: GapReport, warnings: [PageWarning]) -> [PageMetric] {
    let found = report.metrics.flattened.filter { !$0.path.hasPrefix("layers[") }
    let places = Dictionary(
      MetricReading.all.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
    let known = found.filter { places[$0.path] != nil }
      .sorted { places[$0.path] ?? 0 < places[$1.path] ?? 0 }
    let rest = found.filter { places[$0.path] == nil }
    return (known + rest).map { PageMetric($0.path, $0.value, report, warnings) }
      + lists(report.metrics).map { PageMetric($0.path, list: $0.values, report, warnings) }
  }

  private static func lists(_ entries: [MetricEntry], under prefix: String = "") -> [(
    path: String, values: [Double]
  )] {
    entries.flatMap { entry -> [(path: String, values: [Double])] in
      switch entry.value {
      case .list(let values): [(prefix + entry.key, values)]
      case .object(let inner): lists(inner, under: prefix + entry.key + ".")
      case .number, .table: []
      }
    }
  }

  private init(
    _ path: String, _ value: Double? = nil, list: [Double]? = nil, _ report: GapReport,
    _ warnings: [PageWarning]
  ) {
    let finite = value.flatMap { $0.isFinite ? $0 : nil }
    let interval = report.intervals[path]
    let known = MetricReading.byPath[path]
    section = known?.section ?? "Further numbers"
    self.path = path
    self.list = list?.filter(\.isFinite)
    text = list.map(Self.beginning) ?? finite.map(Decimal.text) ?? "undefined"
    self.value = finite
    low = interval?.low
    high = interval?.high
    self.interval = interval.map(PageCard.text) ?? ""
    after = list == nil ? report.fixed.flatMap { PageAfter(path, $0) } : nil
    p = report.permutationP[path]
    note = Self.sample(path, report).map { "sample of \(Decimal.grouped($0))" } ?? ""
    reading = known?.reading ?? list.map { "\($0.count) numbers; the CSV holds them all" } ?? ""
    self.warnings = warnings.indices.filter { warnings[$0].isAbout(path) }
  }

  private static func beginning(of list: [Double]) -> String {
    list.prefix(4).map { Decimal.text($0, places: 3) }.joined(separator: " ") + (list.count > 4 ? " …" : "")
  }

  private static func sample(_ path: String, _ report: GapReport) -> Int? {
    let parts = path.split(separator: ".")
    return (1...max(parts.count, 1)).lazy
      .compactMap { report.sampled[parts.prefix($0).joined(separator: ".")] }.first
  }
}

/// What fixes made of a metric.
struct PageAfter: Encodable, Sendable {
  let text: String
  let value: Double?
  let low: Double?
  let high: Double?
  let interval: String

  /// nil where the metric has no finite value after the fixes.
  init?(_ path: String, _ fixed: FixedReport) {
    guard let value = fixed.metrics.number(path), value.isFinite else { return nil }
    let interval = fixed.intervals[path]
    text = Decimal.text(value)
    self.value = value
    (low, high) = (interval?.low, interval?.high)
    self.interval = interval.map(PageCard.text) ?? ""
  }
}
