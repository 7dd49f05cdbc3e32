/// A post-hoc change of embeddings that is said to narrow the modality gap, without any training.
///
/// What it does is fixed by the pairs that it is applied to (their means, their lengths); rows keep their order and
/// their number. `EmbeddingPair.fixed(by:)` applies one, and measuring the result says what it is good for: the centre
/// distance falls by construction, so look at retrieval and the matching margin beside it.
public enum GapFix: Sendable, Hashable {
  /// Subtracts each modality's own mean: `x − mean(X)`, `y − mean(Y)`, of the rows as they are, before any scaling.
  ///
  /// A row that is its modality's mean to 12 digits becomes zero, and thereby a bad row.
  case center
  /// Scales all image rows by one factor so that both modalities are equally long: `x · mean‖y‖ / mean‖x‖`, texts stay.
  ///
  /// Texts stay because a frozen decoder was trained on them. Directions do not change: of all metrics only `norm` and
  /// `centroid_distance_raw` do, unless another fix follows.
  case matchNorm
  /// Moves both modalities along the gap by a share of it: `‖x‖ normalise(x̂ − δ Δ)`, `‖y‖ normalise(ŷ + δ Δ)`.
  ///
  /// The step of `ShiftSweep`: 0 changes nothing, ½ brings the centres together (but for the scaling back to the
  /// sphere), 1 exchanges them. Lengths stay.
  case shift(Double)
  /// Leaves out the dimensions in which the centres are furthest apart: the `count` largest `|Δ_k|`, the lower index
  /// first where several are equal.
  case dropDimensions(Int)

  /// The ways to write one, for messages.
  public static let spelling = "center, match-norm, shift:δ with a number δ, drop-dimensions:k with k from 1"

  /// Reads `center`, `match-norm`, `shift:δ` or `drop-dimensions:k`; nil for anything else, a δ that is not finite, or
  /// k below 1.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("center", 1): self = .center
    case ("match-norm", 1): self = .matchNorm
    case ("shift", 2):
      guard let shift = Double(parts[1]), shift.isFinite else { return nil }
      self = .shift(shift)
    case ("drop-dimensions", 2):
      guard let count = Int(parts[1]), count >= 1 else { return nil }
      self = .dropDimensions(count)
    default: return nil
    }
  }
}

extension GapFix: CustomStringConvertible {
  /// As `init(_:)` reads it.
  public var description: String {
    switch self {
    case .center: "center"
    case .matchNorm: "match-norm"
    case .shift(let share): "shift:\(share)"
    case .dropDimensions(let count): "drop-dimensions:\(count)"
    }
  }
}
