/// How narrow the cone is that each modality fills.
///
/// ```
/// mean of x̂_i · x̂_j over i ≠ j
/// ```
///
/// 0: directions all around; 1: one direction for everything (a collapsed modality). With ids, each image counts
/// once.
///
/// - Source: the cone effect of Liang et al., *Mind the Gap*, NeurIPS 2022.
public struct ModalityCone: Sendable, Equatable {
  /// Of the images; nil when there is a single image.
  public let image: Double?
  /// Of the texts.
  public let text: Double

  /// Takes both from the sums of the pair: `(‖Σ x̂‖² − n) / (n(n − 1))`.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(d), d the width.
  public init(of pair: EmbeddingPair) throws {
    try pair.requireEqualDimensions()
    let images = Double(pair.groupRepresentatives.count)
    let texts = Double(pair.count)
    image =
      images > 1
      ? (Vector.squaredLength(pair.moments.uniqueImageSum) - images) / (images * (images - 1)) : nil
    text = (texts * texts * Vector.squaredLength(pair.moments.textMean) - texts) / (texts * (texts - 1))
  }
}

/// The distance within pairs, relative to the distances within the modalities.
///
/// ```
/// d(c) = 1 − (c + 1)/2
/// d(mean c) / (d(mean c) + ½ (d(image cone) + d(text cone)))
/// ```
///
/// 0: pairs coincide; ½: a pair lies as far apart as two images or two texts do; towards 1: modalities are tight and
/// apart. Variants in the wild drop the ½, keep the diagonal or use 1 − c: not this.
///
/// - Source: Schrodi et al., *Two Effects, One Trigger*, ICLR 2025, the authors' code.
public struct RelativeModalityGap: Sendable, Equatable {
  /// 0…1; nil when everything coincides or there is a single image.
  public let value: Double?

  /// Takes it from the moments of the pair.
  ///
  /// - Throws: `MetricError.dimensionsDiffer`.
  /// - Complexity: O(n + d).
  public init(of pair: EmbeddingPair) throws {
    let cone = try ModalityCone(of: pair)
    let mean = pair.moments.cosines.reduce(0, +) / Double(pair.count)
    value = cone.image.flatMap { Self.value(pairedCosine: mean, imageCone: $0, textCone: cone.text) }
  }

  static func value(pairedCosine: Double, imageCone: Double, textCone: Double) -> Double? {
    func distance(_ cosine: Double) -> Double { 1 - (cosine + 1) / 2 }
    let across = distance(pairedCosine)
    let total = across + (distance(imageCone) + distance(textCone)) / 2
    return total > 0 ? across / total : nil
  }
}
