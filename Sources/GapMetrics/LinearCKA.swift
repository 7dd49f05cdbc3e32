/// Whether the two modalities arrange the same items alike, up to rotation and one scale.
///
/// ```
/// ‖X_cᵀ Y_c‖_F² / (‖X_cᵀ X_c‖_F ‖Y_cᵀ Y_c‖_F)
/// ```
///
/// 1: the same arrangement, 0: unrelated ones. It is blind to the gap (both sides are centred) and defined for sides
/// of different widths. With few pairs in many dimensions it is high by chance: read it with its permutation p.
///
/// - Source: Kornblith et al., *Similarity of Neural Network Representations Revisited*, ICML 2019.
public struct LinearCKA: Sendable, Equatable {
  /// 0…1; nil when a side has no spread.
  public let value: Double?

  /// Takes it from the second moments of the pair.
  ///
  /// - Complexity: O(d²), d the width.
  public init(of pair: EmbeddingPair) {
    let m = pair.moments
    let image = Vector.dot(m.imageScatter, m.imageScatter).squareRoot()
    let text = Vector.dot(m.textScatter, m.textScatter).squareRoot()
    let cross = Vector.dot(m.crossScatter, m.crossScatter)
    value = image > 0 && text > 0 ? cross / (image * text) : nil
  }
}
