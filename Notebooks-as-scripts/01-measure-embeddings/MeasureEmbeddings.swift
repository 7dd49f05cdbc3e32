import EmbeddingGap
import Notebook

/// Measure embeddings.
///
/// What the numbers of the modality gap mean, shown where the right answer is known. The pairs are
/// `Fixtures/demo/pairs.safetensors`, 400 images and texts of width 32, made so that most metrics have a closed form: every
/// image has +0.4 and every text −0.4 along one direction, and in the other directions a text agrees with its image to 0.65
/// on average. Each later cell breaks one thing on purpose and says which number sees it and which does not.
@main struct MeasureEmbeddings {
  // Nothing is trained here, and every reduction runs in Double: what is left is the last printed place.
  static func main() { Notebook.run(#filePath, tolerance: Tolerance(absolute: 1e-4), cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. The centres of the two modalities are 0.8 apart, as they were made
    //
    // `EmbeddingPair` reads and validates both sides; a metric is a value made of a pair. The distance is that between the
    // means of the unit rows, 2 · 0.4, and the two means point in opposite directions. `squaredUnbiased` takes away what two
    // equal clouds of 400 rows would show by chance.
    notebook.cell()
    let reference = TensorReference(parsing: notebook.fixture("demo/pairs.safetensors"))
    let files = try EmbeddingFiles(pairs: reference)
    let pair = try EmbeddingPair(image: files.image, text: files.text)
    let gap = try CentroidGap(of: pair)
    notebook.show("centroid distance", gap.distance)
    notebook.show("cosine of the centres", gap.cosine ?? .nan)
    notebook.show("squared distance, unbiased", gap.squaredUnbiased)
    notebook.claim("the distance is 0.8 to 1e-6", abs(gap.distance - 0.8) < 1e-6)
    let unbiased = 0.64 - (2 - 2 * 0.386 - 0.64) / 399
    notebook.claim("the unbiased square is that of the closed form", abs(gap.squaredUnbiased - unbiased) < 1e-6)

    // MARK: - 2. A pair is nearer than strangers by the margin of the closed form
    //
    // A paired cosine says nothing alone: an image and a text that do not belong together have a cosine too. The margin is
    // what pairs have beyond that. `GapMeasurement` takes every metric at once, with intervals (bootstrap over pairs) and
    // the share of 1,000 random pairings that score as high.
    notebook.cell()
    let measurement = try GapMeasurement(of: pair)
    let margin = measurement["matching_margin"]
    for key in ["paired_cosine.mean", "unpaired_cosine.mean", "matching_margin"] {
      notebook.show(key, measurement[key])
    }
    let interval = measurement.intervals["matching_margin"]
    notebook.show("matching_margin, 95% interval from", interval?.low ?? .nan)
    notebook.show("matching_margin, 95% interval to", interval?.high ?? .nan)
    notebook.show("share of random pairings as high", measurement.permutationP["matching_margin"] ?? .nan)
    let closed = 0.386 + (400 * 0.16 + 0.386) / 399
    notebook.claim("the margin is that of the closed form to 1e-6", abs(margin - closed) < 1e-6)
    notebook.claim("the interval holds it", interval.map { $0.low < closed && closed < $0.high } ?? false)
    let own = try DrawableReport("demo", pair, measurement)
    try notebook.figure(
      "pca", GapFigure.pca.figure(of: [own]),
      "Both modalities on two principal components. Each thin line joins a pair; the large marks are the centres."
    )
    try notebook.figure(
      "cosines", GapFigure.cosines.figure(of: [own]),
      "Cosines of pairs and of strangers. The distance between the two means is the matching margin.")

    // MARK: - 3. With texts of other images the distance stays and the margin is gone
    //
    // The centroid distance sees where the clouds lie, not who belongs to whom. The texts are shuffled five times.
    notebook.cell()
    let (images, texts) = (try Rows(of: files.image), try Rows(of: files.text))
    var generator = SeededGenerator(seed: 1, purpose: "shuffles")
    let shuffles = try (0..<5).map { _ in
      try GapMeasurement(
        of: EmbeddingPair(image: images.matrix, text: texts.shuffled(using: &generator).matrix))
    }
    let seen = ["centroid_distance", "matching_margin", "retrieval.image_to_text.r10", "linear_cka"]
    notebook.table(
      ["metric", "right texts", "shuffle 1", "2", "3", "4", "5"],
      seen.map { key in (key, [measurement[key]] + shuffles.map { $0[key] }) }, places: 4)
    notebook.claim(
      "the distance is the same to 1e-6", shuffles.allSatisfy { abs($0["centroid_distance"] - 0.8) < 1e-6 })
    notebook.claim(
      "no shuffle leaves a tenth of the margin",
      shuffles.allSatisfy { abs($0["matching_margin"]) < margin / 10 })

    // MARK: - 4. A paired cosine near 1 can mean that nothing is told apart
    //
    // One long vector is added to all rows. Pairs now agree nearly perfectly, and so do strangers: both modalities lie in one
    // narrow cone. The centroid distance falls with it, though nobody was brought nearer to anybody. A small `cosine_gap` or
    // a small distance alone is no good news; look at the margin, and at the distance in units of the spread.
    notebook.cell()
    let push = (0..<32).map { $0 == 5 ? 20.0 : 0 }
    let narrow = try GapMeasurement(
      of: EmbeddingPair(image: images.adding(push).matrix, text: texts.adding(push).matrix))
    let told = [
      "paired_cosine.mean", "unpaired_cosine.mean", "matching_margin", "image_cone", "centroid_distance",
      "standardized_centroid_distance",
    ]
    notebook.table(
      ["metric", "as made", "pushed"], told.map { ($0, [measurement[$0], narrow[$0]]) }, places: 4)
    notebook.claim("pairs agree to 0.99", narrow["paired_cosine.mean"] > 0.99)
    notebook.claim("the margin is below 0.01", narrow["matching_margin"] < 0.01)
    notebook.claim(
      "the distance in units of the spread moves by less than a tenth",
      abs(narrow["standardized_centroid_distance"] / measurement["standardized_centroid_distance"] - 1) < 0.1)
    notebook.claim(
      "the measurement warns that images collapsed", narrow.warnings.contains { $0.code == "collapsed_image" })

    // MARK: - 5. Cosines cannot see that images are ten times as long
    //
    // A decoder sees lengths; a cosine does not. Image rows are multiplied by ten, as an untrained or long trained projector
    // may do. Only `norm` and the distance before scaling tell.
    notebook.cell()
    let long = try GapMeasurement(of: EmbeddingPair(image: images.scaled(by: 10).matrix, text: texts.matrix))
    let lengths = [
      "norm.image", "norm.text", "norm.ratio", "centroid_distance_raw", "centroid_distance", "matching_margin",
    ]
    notebook.table(
      ["metric", "as made", "images × 10"], lengths.map { ($0, [measurement[$0], long[$0]]) }, places: 4)
    notebook.claim("the ratio of lengths is 10", abs(long["norm.ratio"] - 10) < 1e-5)
    notebook.claim(
      "distance and margin are the same to 1e-6",
      ["centroid_distance", "matching_margin"].allSatisfy { abs(long[$0] - measurement[$0]) < 1e-6 })

    // MARK: - 6. A rotation of both modalities together changes no metric
    //
    // Metrics look at angles and lengths, not at axes. Both sides are mirrored in one random hyperplane. What does depend on
    // axes is the figure of dimensions: there the question is which coordinates hold the gap.
    notebook.cell()
    let normal = (0..<32).map { _ in Double.random(in: -1...1, using: &generator) }
    let mirrored = try GapMeasurement(
      of: EmbeddingPair(
        image: images.reflected(in: normal).matrix, text: texts.reflected(in: normal).matrix))
    let keys = [
      "centroid_distance", "matching_margin", "frechet_distance", "energy_distance", "modality_mixing",
      "linear_cka", "effective_rank.joint", "retrieval.image_to_text.r1",
    ]
    notebook.table(
      ["metric", "as made", "mirrored"], keys.map { ($0, [measurement[$0], mirrored[$0]]) }, places: 4)
    notebook.claim(
      "none of \(keys.count) metrics moves by 1e-6",
      keys.allSatisfy { abs(measurement[$0] - mirrored[$0]) < 1e-6 })
  }
}
