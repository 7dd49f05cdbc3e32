import GapLinearAlgebra

/// How far a single-precision inner product of unit rows may lie from the exact one.
///
/// ```
/// |fl(x·y) − x·y| ≤ (d + 8) u ‖x‖‖y‖,   u = 2⁻²⁴
/// ```
///
/// d products added in any order lose at most d u of Σ|x_k y_k| ≤ ‖x‖‖y‖ (Higham, *Accuracy and Stability*, §3.1);
/// rounding both rows to single precision loses 2u more; the rest covers the bound's own rounding. It is a bound, not
/// an estimate: whatever lies outside the band is decided, whatever lies inside is scored again in Double.
struct ScoreError {
  let bound: Double

  init(dimension: Int) { bound = Double(dimension + 8) * 0x1p-24 * 1.001 }

  /// Below this single-precision score, the exact one is surely below `threshold`.
  func low(_ threshold: Double) -> Float { Float(threshold - bound).nextDown }

  /// Above this single-precision score, the exact one is surely above `threshold`.
  func high(_ threshold: Double) -> Float { Float(threshold + bound).nextUp }
}
