import GapMetrics

/// Paired against unpaired cosines, counted in equal bins.
struct PageHistogram: Encodable, Sendable {
  let low: Double
  let high: Double
  let paired: [Int]
  let unpaired: [Int]
  let means: [Double]

  init?(_ details: GapDetails) {
    let paired = (details.perPair["paired_cosine"] ?? []).filter(\.isFinite)
    let unpaired = details.unpairedCosines.filter(\.isFinite)
    guard let first = paired.first, !unpaired.isEmpty else { return nil }
    let (least, most) = (paired + unpaired).reduce((first, first)) { (min($0.0, $1), max($0.1, $1)) }
    let room = max((most - least) * 0.02, 1e-6)
    let (low, high) = (least - room, most + room)
    // As many bins as the pairs can fill.
    let bins = min(60, max(12, Int(2 * Double(paired.count).squareRoot())))
    func counted(_ values: [Double]) -> [Int] {
      var counts = [Int](repeating: 0, count: bins)
      for value in values { counts[min(bins - 1, Int((value - low) / (high - low) * Double(bins)))] += 1 }
      return counts
    }
    self.low = low
    self.high = high
    self.paired = counted(paired)
    self.unpaired = counted(unpaired)
    means = [paired, unpaired].map { $0.reduce(0, +) / Double($0.count) }
  }
}

/// `|Δ|` dimension by dimension, largest first.
struct PageDimensions: Encodable, Sendable {
  /// The most dimensions that are drawn.
  static let limit = 4096
  let total: Int
  let numbers: [Int]
  let values: [Double]
  /// How many of the largest hold half of the squared distance; 0 when there is none.
  let half: Int

  init(_ details: GapDetails) {
    let all = details.absoluteDifferences.enumerated().filter(\.element.isFinite)
      .sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
    total = details.absoluteDifferences.count
    let shown = all.prefix(Self.limit)
    numbers = shown.map(\.offset)
    values = shown.map { rounded($0.element) }
    let squares = all.map { $0.element * $0.element }
    let sum = squares.reduce(0, +)
    var running = 0.0
    let middle = squares.firstIndex { square in
      running += square
      return running >= sum / 2
    }
    half = sum > 0 ? (middle ?? 0) + 1 : 0
  }
}

/// Contrastive loss as the modalities are moved along the gap.
struct PageShift: Encodable, Sendable {
  let distance: [Double]
  let loss: [Double]
  let pairs: Int
  let temperature: Double

  init?(_ details: GapDetails) {
    let points = zip(details.shift.distance, details.shift.loss).filter { $0.isFinite && $1.isFinite }
    guard points.count > 1 else { return nil }
    distance = points.map { rounded($0.0) }
    loss = points.map { rounded($0.1) }
    pairs = details.shiftBatch.pairs
    temperature = details.shiftBatch.temperature
  }
}

/// Every number of every layer.
struct PageLayers: Encodable, Sendable {
  let paths: [String]
  /// [layer][path]; null where it is not defined.
  let values: [[Double?]]

  init?(_ report: GapReport) {
    guard let layers = report.metrics.table("layers"), let first = layers.first else { return nil }
    let paths = first.flattened.map(\.path)
    self.paths = paths
    values = layers.map { layer in
      paths.map { path in layer.number(path).flatMap { $0.isFinite ? $0 : nil } }
    }
  }
}

/// A number to seven significant places: more than a picture shows.
private func rounded(_ value: Double) -> Double {
  guard value != 0 else { return 0 }
  return Double(Float(value).description) ?? value
}
