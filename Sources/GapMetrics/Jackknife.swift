import GapLinearAlgebra

/// Jackknife intervals of the metrics that a bootstrap would bias: norms of means and means over i ≠ j.
///
/// ```
/// se² = (G−1)/G Σ_g (θ_(g) − mean θ_(·))²,   interval θ ± 1.96 se
/// ```
///
/// Every θ_(g), the metric without unit g, is exact and costs O(1) once the inner products of the rows with the sums
/// are known. A unit is a pair; with ids, an image with all its captions. `centroid_distance` takes its ends from the
/// unbiased square, the lower one cut at 0.
///
/// - Source: Efron & Stein, *The jackknife estimate of variance*, Ann. Statist. 1981.
public struct Jackknife: Sendable, Equatable {
  /// Intervals by metric key; metrics that are not defined without one unit are left out.
  public let intervals: [String: Interval]
  /// The metric without each unit in turn, by key; nil where it is not defined without that unit.
  ///
  /// `centroid_distance` too, so that two models on the same pairs can be compared unit by unit.
  public let leaveOneOut: [String: [Double?]]

  static let normalQuantile = 1.959963984540054

  /// Leaves out every unit in turn.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(n), with ids O(n d).
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let units = try LeaveOneOut(of: pair)
    var intervals: [String: Interval] = [:]
    func add(_ key: String, _ full: Double?, _ values: [Double?]) {
      guard let full, let interval = Self.interval(full, values) else { return }
      intervals[key] = interval
    }
    let gap = try CentroidGap(of: pair)
    let cone = try ModalityCone(of: pair)
    add("centroid_distance_squared_unbiased", gap.squaredUnbiased, units.squaredUnbiased)
    add("image_cone", cone.image, units.imageCone)
    add("text_cone", cone.text, units.textCone)
    add("relative_modality_gap", try RelativeModalityGap(of: pair).value, units.relativeGap)
    if let squared = intervals["centroid_distance_squared_unbiased"] {
      intervals["centroid_distance"] = Interval(
        low: max(0, squared.low).squareRoot(), high: max(0, squared.high).squareRoot())
    }
    self.intervals = intervals
    leaveOneOut = [
      "centroid_distance": units.distance, "centroid_distance_squared_unbiased": units.squaredUnbiased,
      "image_cone": units.imageCone, "text_cone": units.textCone, "relative_modality_gap": units.relativeGap,
    ]
  }

  /// `full ± 1.96 se` from the values without each unit; nil when one of them is not defined.
  public static func interval(_ full: Double, _ values: [Double?]) -> Interval? {
    let present = values.compactMap { $0 }
    guard present.count == values.count, values.count > 1 else { return nil }
    let g = Double(present.count)
    let mean = present.reduce(0, +) / g
    let squares = present.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let reach = normalQuantile * ((g - 1) / g * squares).squareRoot()
    return Interval(low: full - reach, high: full + reach)
  }
}

/// The four metrics without each unit in turn.
private struct LeaveOneOut {
  private(set) var distance: [Double?] = []
  private(set) var squaredUnbiased: [Double?] = []
  private(set) var imageCone: [Double?] = []
  private(set) var textCone: [Double?] = []
  private(set) var relativeGap: [Double?] = []

  init(of pair: EmbeddingPair) throws {
    let m = pair.moments
    let n = Double(pair.count)
    let units = try Unit.all(of: pair)
    let difference = n * n * Vector.squaredLength(Vector.difference(m.imageMean, m.textMean))
    let squares = m.squaredDistances.reduce(0, +)
    let textSquare = n * n * Vector.squaredLength(m.textMean)
    let imageSquare = Vector.squaredLength(m.uniqueImageSum)
    let images = Double(pair.groupRepresentatives.count)
    let cosines = m.cosines.reduce(0, +)
    for unit in units {
      let left = n - unit.pairs
      let hasTwo = left >= 2
      let leftDifference = max(0, difference - 2 * unit.differenceOnTotal + unit.differenceSquare)
      distance.append(left >= 1 ? leftDifference.squareRoot() / left : nil)
      squaredUnbiased.append(
        hasTwo ? (leftDifference - (squares - unit.squares)) / (left * (left - 1)) : nil)
      let text =
        hasTwo
        ? (textSquare - 2 * unit.textOnTotal + unit.textSquare - left) / (left * (left - 1)) : nil
      let image =
        images >= 3
        ? (imageSquare - 2 * unit.imageOnTotal + 1 - (images - 1)) / ((images - 1) * (images - 2)) : nil
      textCone.append(text)
      imageCone.append(image)
      relativeGap.append(
        text.flatMap { text in
          image.flatMap { image in
            RelativeModalityGap.value(
              pairedCosine: (cosines - unit.cosines) / left, imageCone: image, textCone: text)
          }
        })
    }
  }

  /// What the sums hold of one unit; z = x̂ − ŷ.
  private struct Unit: Sendable {
    var pairs = 0.0
    var cosines = 0.0
    /// `Σ ‖z‖²`.
    var squares = 0.0
    /// `(Σ_unit z) · (Σ_all z)` and `‖Σ_unit z‖²`.
    var differenceOnTotal = 0.0
    var differenceSquare = 0.0
    /// `(Σ_unit ŷ) · (Σ_all ŷ)` and `‖Σ_unit ŷ‖²`.
    var textOnTotal = 0.0
    var textSquare = 0.0
    /// The image's row on the sum of all images, one row an image.
    var imageOnTotal = 0.0

    static func all(of pair: EmbeddingPair) throws -> [Unit] {
      let m = pair.moments
      let p = pair.projections
      let n = Double(pair.count)
      var units = [Unit](repeating: Unit(), count: pair.groupRepresentatives.count)
      for i in 0..<pair.count {
        let g = pair.groups[i]
        units[g].pairs += 1
        units[g].cosines += m.cosines[i]
        units[g].squares += m.squaredDistances[i]
        units[g].differenceOnTotal +=
          n * (p.imageOnImage[i] - p.imageOnText[i] - p.textOnImage[i] + p.textOnText[i])
        units[g].textOnTotal += n * p.textOnText[i]
        if !pair.hasIDs {
          units[g].differenceSquare = m.squaredDistances[i]
          units[g].textSquare = 1
          units[g].imageOnTotal = n * p.imageOnImage[i]
        }
      }
      if pair.hasIDs { try addGroupSquares(of: pair, to: &units) }
      return units
    }

    /// What several pairs of one image need: the lengths of their summed rows.
    private static func addGroupSquares(of pair: EmbeddingPair, to units: inout [Unit]) throws {
      var members = [[Int]](repeating: [], count: units.count)
      for (i, g) in pair.groups.enumerated() { members[g].append(i) }
      let total = Buffer(pair.moments.uniqueImageSum)
      let lists = members
      let squares = try pair.image.scattered(lists.count).flatMap { run in
        let pieces = Pieces(of: run, size: 16)
        defer {
          pair.image.releaseScattered()
          pair.text.releaseScattered()
        }
        return try pair.pool.map(pieces.count) { _, piece in
          try pieces[piece].map { try groupSquares(of: pair, lists[$0], total) }
        }.flatMap { $0 }
      }
      for g in units.indices {
        units[g].differenceSquare = squares[g].0
        units[g].textSquare = squares[g].1
        units[g].imageOnTotal = squares[g].2
      }
    }

    /// `‖Σ (x̂ − ŷ)‖²`, `‖Σ ŷ‖²` over an image's pairs, and its row times the total of images.
    private static func groupSquares(
      of pair: EmbeddingPair, _ members: [Int], _ total: Buffer<Double>
    ) throws -> (Double, Double, Double) {
      let d = pair.imageDimension
      let scratch = Buffer<Double>(repeating: 0, count: d)
      var difference = [Double](repeating: 0, count: d)
      var text = difference
      for i in members {
        try pair.image.withRow(i, scratch: scratch) { row in for k in 0..<d { difference[k] += row[k] } }
        try pair.text.withRow(i, scratch: scratch) { row in for k in 0..<d { text[k] += row[k] } }
      }
      for k in 0..<d { difference[k] -= text[k] }
      // The pairs of an image share its row.
      let onTotal = try pair.image.withRow(members[0], scratch: scratch) { row in
        total.read(0..<d) { RowKernels.dot(row, $0) }
      }
      return (Vector.squaredLength(difference), Vector.squaredLength(text), onTotal)
    }
  }
}
