package import GapLinearAlgebra

/// What to do with a pair of which a row is not finite or has length zero.
public enum BadPairs: Sendable {
  /// Stop, naming file, row and reason.
  case refuse
  /// Leave the pair out and count it.
  case drop
}

/// Image and text embeddings of the same pairs, validated and summed up: what every metric is made from.
///
/// ```
/// X, Y [n, d]    x̂ = x/‖x‖    ŷ = y/‖y‖    Δ = mean(x̂) − mean(ŷ)
/// ```
///
/// Making one reads the rows twice, in blocks: once for lengths, validity, sums and second moments, once for what
/// needs the means. Memory is O(d² + n) whatever the size of the source. Reductions run in Double.
public struct EmbeddingPair: Sendable {
  /// Number of pairs that are measured, n.
  public let count: Int
  /// Width of an image row; `textDimension` unless different widths were allowed.
  public let imageDimension: Int
  /// Width of a text row.
  public let textDimension: Int
  /// Pairs left out because a row of theirs was bad.
  public private(set) var droppedPairs: Int
  /// For each pair, the number of its image: equal for captions of one image, ascending by first appearance; without
  /// ids, `0..<n`.
  public let groups: [Int]
  /// For each image, the first pair that holds it.
  public let groupRepresentatives: [Int]
  /// Whether ids were given, so that several pairs may share an image.
  public let hasIDs: Bool
  /// Images whose rows differ between pairs of one id; 0 without ids.
  public let groupsWithDifferentRows: Int

  package let image: UnitRows
  package let text: UnitRows
  package let moments: PairMoments
  package let projections: PairProjections
  /// For each pair, the number of its distinct image row and of its distinct text row (bit-equal unit rows share one).
  package let imageClasses: [Int32]
  package let textClasses: [Int32]
  package let pool: WorkerPool

  /// Reads and validates both sides.
  ///
  /// - Parameters:
  ///   - image: [n, d] image rows.
  ///   - text: [n, d] text rows, row i belonging to image row i.
  ///   - ids: n names; pairs of one name share one image. nil: every pair has its own.
  ///   - badPairs: whether rows that are not finite or of length zero stop or are left out.
  ///   - allowDifferentDimensions: lets the widths differ; then only `MutualNeighbours` and `LinearCKA` are defined.
  ///   - threads: the most threads at work, 0 for all processors.
  ///   - progress: told the share of the rows read so far, 0…1, from the calling thread.
  /// - Throws: `MetricError` when counts or widths differ, a row is bad, or fewer than two pairs are left; what the
  ///   sources throw.
  /// - Complexity: O(n d²) time, O(d² + n) memory; n pairs of width d.
  public init(
    image: any EmbeddingRows, text: any EmbeddingRows, ids: [String]? = nil, badPairs: BadPairs = .refuse,
    allowDifferentDimensions: Bool = false, threads: Int = 0, progress: (Double) -> Void = { _ in }
  ) throws {
    guard image.count == text.count else {
      throw MetricError.countsDiffer(
        image: image.label, imageRows: image.count, text: text.label, textRows: text.count)
    }
    guard image.dimension == text.dimension || allowDifferentDimensions else {
      throw MetricError.dimensionsDiffer(
        image: image.label, imageWidth: image.dimension, text: text.label, textWidth: text.dimension)
    }
    if let ids, ids.count != image.count {
      throw MetricError.idsDiffer(label: image.label, ids: ids.count, pairs: image.count)
    }
    guard image.count >= 2 else {
      throw MetricError.tooFewPairs(label: image.label, found: image.count, dropped: 0)
    }
    try Self.checkMemory(image, text)
    pool = WorkerPool(threads: threads)
    let scan = try PairScan(image: image, text: text, badPairs: badPairs, ids: ids, pool: pool) {
      progress($0 / 2)
    }
    let kept = scan.kept.count == image.count ? nil : scan.kept
    count = scan.kept.count
    imageDimension = image.dimension
    textDimension = text.dimension
    droppedPairs = image.count - count
    hasIDs = ids != nil
    groups = scan.groups
    groupRepresentatives = scan.representatives
    moments = scan.moments
    imageClasses = RowClasses(scan.imageFingerprints).numbers
    textClasses = RowClasses(scan.textFingerprints).numbers
    groupsWithDifferentRows = ids == nil ? 0 : Self.unequalGroups(scan, imageClasses)
    self.image = try UnitRows(source: image, kept: kept, norms: scan.imageNorms, pool: pool)
    self.text = try UnitRows(source: text, kept: kept, norms: scan.textNorms, pool: pool)
    if image.dimension == text.dimension {
      projections = try PairProjections(image: self.image, text: self.text, moments: moments, pool: pool) {
        progress(0.5 + $0 / 2)
      }
    } else {
      projections = PairProjections()
    }
    progress(1)
  }

  /// Refuses widths whose second moments cannot fit, whatever else runs; they are all that grows with the width's square.
  private static func checkMemory(_ image: any EmbeddingRows, _ text: any EmbeddingRows) throws {
    let (a, b) = (Double(image.dimension), Double(text.dimension))
    let needed = 8 * (a * a + b * b + a * b)
    guard needed > 256e6, let available = ControlGroup().largestMemory, needed > Double(available) else {
      return
    }
    throw MetricError.tooWide(
      label: image.label, width: max(image.dimension, text.dimension), needed: needed, available: available)
  }

  /// Whether the two sides have one width, as all but two metrics need.
  public var hasEqualDimensions: Bool { imageDimension == textDimension }

  /// The same pair with some more pairs told as left out.
  func counting(dropped: Int) -> EmbeddingPair {
    var pair = self
    pair.droppedPairs += dropped
    return pair
  }

  private static func unequalGroups(_ scan: PairScan, _ classes: [Int32]) -> Int {
    var unequal = Set<Int>()
    for (pair, group) in scan.groups.enumerated() where classes[pair] != classes[scan.representatives[group]] {
      unequal.insert(group)
    }
    return unequal.count
  }
}

/// Numbers rows so that bit-equal rows share a number.
struct RowClasses {
  let numbers: [Int32]

  init(_ fingerprints: [RowFingerprint]) {
    var known: [RowFingerprint: Int32] = [:]
    known.reserveCapacity(fingerprints.count)
    numbers = fingerprints.map { fingerprint in
      let next = Int32(known.count)
      let number = known[fingerprint, default: next]
      if number == next { known[fingerprint] = next }
      return number
    }
  }
}
