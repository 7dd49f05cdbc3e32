import GapLinearAlgebra

/// How far a fixed-point score of unit rows may lie from the exact one, and what that says about thresholds.
///
/// ```
/// |q/S² − x·y| ≤ e_x + (1 + e_x) e_y + d · 2⁻⁵⁰,   S = 32767
/// ```
///
/// The first terms are the rounding of the rows (`FixedPointRows`); the last covers the Double arithmetic of the exact
/// scores and of the rounding errors themselves. It is a bound, not an estimate: whatever lies outside the band is
/// decided, whatever lies inside is scored again in Double.
struct ScoreError {
  let bound: Double

  private static let scale = FixedPointRows.one * FixedPointRows.one

  /// - Parameters:
  ///   - left: the largest rounding error of the rows on one side.
  ///   - right: the same on the other side.
  init(left: Double, right: Double, dimension: Int) {
    bound = (left + (1 + left) * right) * (1 + 1e-9) + Double(dimension + 8) * 0x1p-50
  }

  /// A score under this one is surely below `threshold`.
  func low(_ threshold: Double) -> Int32 { Self.clamped(((threshold - bound) * Self.scale).rounded(.down) - 1) }

  /// A score over this one is surely above `threshold`.
  func high(_ threshold: Double) -> Int32 { Self.clamped(((threshold + bound) * Self.scale).rounded(.up) + 1) }

  /// A score under this one is surely below every item that scored `score`.
  func low(belowScore score: Int32) -> Int32 { low(Double(score) / Self.scale - bound) }

  private static func clamped(_ score: Double) -> Int32 {
    Int32(min(max(score, -0x1p31), 0x1p31 - 1))
  }
}
