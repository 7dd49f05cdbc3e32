/// Something a careful reviewer would raise about a measurement.
public struct GapWarning: Sendable, Equatable {
  /// Stable name for scripts, such as `duplicate_text_rows`.
  public let code: String
  /// One sentence for people.
  public let message: String

  /// A warning from its parts.
  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

extension GapWarning {
  /// What the pair itself gives reason to say, whatever is measured.
  static func about(_ pair: EmbeddingPair) -> [GapWarning] {
    var warnings: [GapWarning] = []
    func add(_ code: String, _ message: String) { warnings.append(GapWarning(code: code, message: message)) }
    let n = pair.count
    if pair.droppedPairs > 0 {
      add(
        "dropped_pairs",
        "\(pair.droppedPairs) pairs with a row that is not finite or of length zero were left out")
    }
    if pair.hasEqualDimensions && n < pair.imageDimension {
      add(
        "fewer_pairs_than_dimensions",
        "\(n) pairs in \(pair.imageDimension) dimensions: frechet_distance depends on n; compare only at equal n"
      )
    }
    let images = Set(pair.groupRepresentatives.map { pair.imageClasses[$0] }).count
    let imageDuplicates = pair.groupRepresentatives.count - images
    if imageDuplicates > 0 {
      add(
        "duplicate_image_rows",
        "\(imageDuplicates) of \(pair.groupRepresentatives.count) image rows repeat an earlier one; retrieval counts"
          + " their ties against the model" + (pair.hasIDs ? "" : " (--ids says which pairs share an image)"))
    }
    let textDuplicates = n - Set(pair.textClasses).count
    if textDuplicates > 0 {
      add(
        "duplicate_text_rows",
        "\(textDuplicates) of \(n) text rows repeat an earlier one (equal captions?); retrieval counts their ties"
          + " against the model")
    }
    if pair.hasIDs && pair.groupRepresentatives.count == 1 {
      add("single_id", "every pair has the same id: there is one image and nothing to retrieve it from")
    }
    if pair.groupsWithDifferentRows > 0 {
      add(
        "ids_with_different_images",
        "\(pair.groupsWithDifferentRows) ids have pairs whose image rows differ; retrieval and image_cone use the first"
      )
    }
    for (name, norms) in [("image", pair.image.norms), ("text", pair.text.norms)] {
      let sample = Sample(norms)
      if norms.contains(where: { abs($0 - 1) > 1e-2 }) {
        add(
          "unnormalised_\(name)",
          "\(name) rows are not of length 1 (mean \(rounded(sample.mean)), std \(rounded(sample.standardDeviation)));"
            + " all metrics but norm.* and *_raw use them scaled to length 1")
      }
    }
    return warnings
  }

  /// What collapsed cones and sampling give reason to say.
  static func collapsed(_ cone: ModalityCone) -> [GapWarning] {
    [("image", cone.image), ("text", cone.text)].compactMap { name, value in
      guard let value, value > 0.99 else { return nil }
      return GapWarning(
        code: "collapsed_\(name)",
        message:
          "\(name)_cone is \(rounded(value)): nearly all \(name) rows share one direction; cosines say little")
    }
  }

  private static func rounded(_ value: Double) -> String {
    let digits = value.magnitude >= 100 ? 1.0 : 1e4
    let text = "\((value * digits).rounded() / digits)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
