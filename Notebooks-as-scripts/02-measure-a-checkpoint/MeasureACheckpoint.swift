import EmbeddingGap
import Notebook

/// Measure a checkpoint.
///
/// The gap of a vision-language model from image files and captions: at the input of its decoder, layer by layer, and token
/// by token. The model is the embedded miniature: a CLIP-like encoder, a Llama-like decoder of five blocks, and a projector
/// that is trained here for 100 steps with next-token loss alone. Three seeds, each printed; the held-out scenes all mean
/// something else.
@main struct MeasureACheckpoint {
  static func main() { Notebook.run(#filePath, tolerance: .training, cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. A checkpoint is read in parts, and every layer in one pass
    //
    // `CheckpointRequest` names encoder, decoder and projector, a file of images and captions, and where vectors are read
    // off. `MeasuredCheckpoint`, at the end of this page, trains a projector and makes such a request.
    notebook.cell()
    let experiment = try EmbeddedExperiment(scenes: notebook.work + "/scenes", isQuick: true)
    let data = try experiment.drawScenes { _, _ in }
    var seeds: [MeasuredCheckpoint] = []
    for seed in 0..<3 { seeds.append(try MeasuredCheckpoint(experiment, data, seed: seed, notebook)) }
    let first = seeds[0]
    notebook.show("pairs", Double(first.pair.count), places: 0)
    notebook.show("width", Double(first.pair.imageDimension), places: 0)
    notebook.show("readouts", Double(first.embeddings.vectors.count), places: 0)
    notebook.claim(
      "readout input and layers 0 to 5 were read, for every seed",
      seeds.allSatisfy { $0.embeddings.vectors.map(\.readout) == [.input] + (0...5).map { .layer($0) } })

    // MARK: - 2. After next-token training, images lie apart from the language
    //
    // At readout `input` an image is the mean of its projected tokens, a caption the mean of its rows of the embedding table:
    // what the decoder is fed. How far is far? Captions in even places against captions in odd places are two samples of one
    // modality: what chance alone gives.
    notebook.cell()
    let head = ["metric", "seed 0", "seed 1", "seed 2"]
    let keys = [
      "centroid_distance", "standardized_centroid_distance", "paired_cosine.mean", "matching_margin",
      "linear_separability.accuracy", "modality_mixing",
    ]
    notebook.table(head, keys.map { key in (key, seeds.map { $0.measurement[key] }) })
    let chance = try seeds.map { try $0.captionsAmongThemselves(0) }
    notebook.show("captions against captions", chance[0], places: 3)
    notebook.claim(
      "images are at least five times as far from captions as captions among themselves, in every seed",
      zip(seeds, chance).allSatisfy { $0.measurement["centroid_distance"] > 5 * $1 })
    notebook.claim(
      "no image or caption has a tenth of its neighbours in the other modality",
      seeds.allSatisfy { $0.measurement["modality_mixing"] < 0.1 })
    try notebook.figure(
      "pca", GapFigure.pca.figure(of: [DrawableReport("seed 0", first.pair, first.measurement)]),
      "Images and captions of the first seed on two principal components; thin lines join pairs.")

    // MARK: - 3. The decoder itself brings the modalities together, and does not match pairs
    //
    // The same layer by layer: mean of the hidden states over an image's tokens, over a caption's. Layer 0 is what enters
    // the first block, layer 5 lies behind the last norm. Both sequences begin with the same token, so states may become
    // alike for reasons that have nothing to do with the picture: the margin says whether pairs agree.
    notebook.cell()
    let layers = Array(0...5)
    for key in ["centroid_distance", "matching_margin"] {
      notebook.table(
        ["\(key)", "seed 0", "seed 1", "seed 2"],
        layers.map { layer in ("layer \(layer)", seeds.map { $0.layer(layer, key) }) })
    }
    notebook.claim(
      "in every seed the centres are nearest to each other at a later layer than 0",
      seeds.allSatisfy { seed in
        layers.dropFirst().contains { seed.layer($0, "centroid_distance") < seed.layer(0, "centroid_distance") }
      })
    notebook.claim(
      "at no layer of any seed does the margin reach 0.1",
      seeds.allSatisfy { seed in layers.allSatisfy { seed.layer($0, "matching_margin") < 0.1 } })
    try notebook.figure(
      "layers",
      GapFigure.layers.figure(
        of: seeds.enumerated().map {
          try DrawableReport("seed \($0)", $1.pair, $1.measurement, extras: $1.extras)
        }),
      "Centroid distance and matching margin, layer by layer.")

    // MARK: - 4. Projected tokens are no words, and nearly all have the same five words for neighbours
    //
    // `mir` is the distance of the clouds of single tokens over layers 1 to 5 (log10; lower is more integrated). The
    // vocabulary lens holds every projected token against every row of the embedding table: how near is the nearest word,
    // what share of tokens has one of the five commonest as its nearest, and how many of a caption's words are among its image's
    // nearest? A share of found words means little while all images have the same neighbours: common words are in most captions.
    notebook.cell()
    let inside = [
      "mir", "vocabulary_lens.mean_top1_cosine", "vocabulary_lens.share_of_five_commonest",
      "vocabulary_lens.caption_words_found",
    ]
    notebook.table(head, inside.map { key in (key, seeds.map { $0.extras.metrics.number(key) ?? .nan }) })
    notebook.claim(
      "the nearest word is at a cosine below 0.5 on average, in every seed",
      seeds.allSatisfy { ($0.extras.metrics.number("vocabulary_lens.mean_top1_cosine") ?? 1) < 0.5 })
    notebook.claim(
      "five words are nearest to more than nine tenths of all tokens, in every seed",
      seeds.allSatisfy { ($0.extras.metrics.number("vocabulary_lens.share_of_five_commonest") ?? 0) > 0.9 })
  }
}
