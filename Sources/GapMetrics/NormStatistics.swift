/// The lengths of the rows before they are scaled.
///
/// Cosine metrics cannot see that one modality is ten times longer than the other; a decoder that reads both can.
public struct NormStatistics: Sendable, Equatable {
  /// `mean ‖x‖`, in the units of the input.
  public let image: Double
  /// `mean ‖y‖`.
  public let text: Double
  /// Standard deviation of `‖x‖` (ddof 1).
  public let imageStd: Double
  /// Standard deviation of `‖y‖` (ddof 1).
  public let textStd: Double
  /// `mean ‖x‖ / mean ‖y‖`: 1 when the lengths match.
  public let ratio: Double

  /// Sums up the lengths of a pair of embeddings.
  ///
  /// - Complexity: O(n), n pairs.
  public init(of pair: EmbeddingPair) {
    let images = Sample(pair.image.norms)
    let texts = Sample(pair.text.norms)
    image = images.mean
    text = texts.mean
    imageStd = images.standardDeviation
    textStd = texts.standardDeviation
    ratio = images.mean / texts.mean
  }
}
