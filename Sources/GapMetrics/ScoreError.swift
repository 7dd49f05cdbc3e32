import GapLinearAlgebra

/// How far a score of unit rows in whole numbers may lie from the exact one, and what that says about thresholds.
///
/// ```
/// |q/S² − x·y| ≤ e_x + (1 + e_x) e_y + d · 2⁻⁵⁰,   S = 32767
/// ```
///
/// The first terms are the rounding of the rows (`FixedPointRows`; `CoarseRows` has others of its own); the last covers the
/// Double arithmetic of the exact scores and of the rounding errors themselves. It is a bound, not an estimate: whatever
/// lies outside the band is decided, whatever lies inside is scored again.
struct ScoreError {
  let bound: Double
  /// What a score of 1 is in whole numbers.
  private let scale: Double

  /// Of fixed-point rows.
  ///
  /// - Parameters:
  ///   - left: the largest rounding error of the rows on one side.
  ///   - right: the same on the other side.
  init(left: Double, right: Double, dimension: Int) {
    bound = (left + (1 + left) * right) * (1 + 1e-9) + Double(dimension + 8) * 0x1p-50
    scale = FixedPointRows.one * FixedPointRows.one
  }

  /// Of coarse rows: the first `rows` and `columns` of them.
  init(_ left: CoarseRows, of rows: Int, _ right: CoarseRows, of columns: Int) {
    let rounding = CoarseRows.bound(left, of: rows, right, of: columns)
    // Centres are not longer than rows by much: four products of two rows make up a score.
    bound = rounding * (1 + 1e-9) + 4 * Double(left.dimension + 8) * 0x1p-50
    scale = left.rounding.one
  }

  /// A score under this one is surely below `threshold`.
  func low(_ threshold: Double) -> Int32 { Self.clamped(((threshold - bound) * scale).rounded(.down) - 1) }

  /// A score over this one is surely above `threshold`.
  func high(_ threshold: Double) -> Int32 { Self.clamped(((threshold + bound) * scale).rounded(.up) + 1) }

  /// A score under this one is surely below every item that scored `score`.
  func low(belowScore score: Int32) -> Int32 { low(Double(score) / scale - bound) }

  private static func clamped(_ score: Double) -> Int32 {
    Int32(min(max(score, -0x1p31), 0x1p31 - 1))
  }
}
