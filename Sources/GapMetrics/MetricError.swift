/// Why a pair of embeddings cannot be measured.
public enum MetricError: Error, CustomStringConvertible, Equatable {
  /// The two sides have different numbers of rows.
  case countsDiffer(image: String, imageRows: Int, text: String, textRows: Int)
  /// The two sides have rows of different widths.
  case dimensionsDiffer(image: String, imageWidth: Int, text: String, textWidth: Int)
  /// Rows so wide that their second moments do not fit into memory.
  case tooWide(label: String, width: Int, needed: Double, available: Int)
  /// Fewer than two pairs (after dropping).
  case tooFewPairs(label: String, found: Int, dropped: Int)
  /// A row with a NaN or an infinity, or of length zero.
  case badRow(label: String, row: Int, reason: String)
  /// A list of ids whose length is not the number of pairs.
  case idsDiffer(label: String, ids: Int, pairs: Int)
  /// A basis of another width than the embeddings.
  case basisDiffers(basisWidth: Int, width: Int)
  /// A fix that would leave no dimension.
  case tooManyDimensions(asked: Int, width: Int)
  /// Tokens of a modality that no distance can be taken of.
  case badCloud(modality: String, reason: String)

  /// One line: what, where, expected, found, hint.
  public var description: String {
    switch self {
    case .countsDiffer(let image, let imageRows, let text, let textRows):
      "the two sides must have one row for each pair: \(image) has \(imageRows) rows, \(text) has \(textRows)"
    case .dimensionsDiffer(let image, let imageWidth, let text, let textWidth):
      "the two sides must have rows of one width: \(image) has \(imageWidth), \(text) has \(textWidth)"
        + " (--different-dimensions reports mutual_knn and linear_cka, which are defined all the same)"
    case .tooWide(let label, let width, let needed, let available):
      "\(label): rows of \(width) numbers need \(Int(needed / 1e6)) MB for their second moments, found"
        + " \(available / 1_000_000) MB of memory"
    case .tooFewPairs(let label, let found, let dropped):
      "\(label): at least 2 pairs are needed, found \(found)"
        + (dropped > 0 ? " after dropping \(dropped) bad pairs" : "")
    case .badRow(let label, let row, let reason):
      "\(label): row \(row): \(reason) (--drop-bad-pairs leaves such pairs out and counts them)"
    case .idsDiffer(let label, let ids, let pairs):
      "\(label): one id for each pair is needed: expected \(pairs), found \(ids)"
    case .basisDiffers(let basisWidth, let width):
      "the PCA basis is for rows of \(basisWidth) numbers, these have \(width)"
    case .tooManyDimensions(let asked, let width):
      "drop-dimensions:\(asked): expected 1 to \(width - 1), fewer than the \(width) that rows have, found \(asked)"
    case .badCloud(let modality, let reason):
      "the \(modality) tokens have no distribution: \(reason) (--mir-mode none leaves mir out)"
    }
  }
}
