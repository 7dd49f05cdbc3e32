/// What a table says of a metric: its section, and a word on direction.
struct MetricReading: Sendable {
  let section: String
  let path: String
  let reading: String

  /// The rows of the table, in order; what is not here is in the JSON.
  static let all: [MetricReading] = [
    MetricReading(section: "The gap", path: "centroid_distance", reading: "0: one centre … 2; lower is closer"),
    MetricReading(
      section: "The gap", path: "centroid_distance_squared_unbiased", reading: "0 on average for equal clouds"),
    MetricReading(
      section: "The gap", path: "standardized_centroid_distance",
      reading: "distance in units of the spread; lower is closer"),
    MetricReading(section: "The gap", path: "centroid_distance_raw", reading: "before scaling to length 1"),
    MetricReading(section: "The gap", path: "centroid_cosine", reading: "-1 … 1; higher is closer"),
    MetricReading(
      section: "The gap", path: "relative_modality_gap", reading: "0 … 1; 0.5: as far as two of a kind"),
    MetricReading(
      section: "The gap", path: "gap_decomposition.centroid_fraction",
      reading: "share that centring would remove"),
    MetricReading(section: "Pairs", path: "paired_cosine.mean", reading: "-1 … 1; higher is closer"),
    MetricReading(section: "Pairs", path: "unpaired_cosine.mean", reading: "the baseline of the row above"),
    MetricReading(
      section: "Pairs", path: "matching_margin", reading: "paired minus unpaired; higher is better"),
    MetricReading(section: "Pairs", path: "cosine_gap", reading: "1 minus paired cosine; lower is closer"),
    MetricReading(section: "Pairs", path: "mean_pair_distance", reading: "0 … 2; lower is closer"),
    MetricReading(section: "Pairs", path: "alignment", reading: "mean squared pair distance; lower is closer"),
    MetricReading(section: "Within a modality", path: "image_cone", reading: "0: spread out … 1: collapsed"),
    MetricReading(section: "Within a modality", path: "text_cone", reading: "0: spread out … 1: collapsed"),
    MetricReading(
      section: "Within a modality", path: "uniformity_image", reading: "0: collapsed; lower is more even"),
    MetricReading(
      section: "Within a modality", path: "uniformity_text", reading: "0: collapsed; lower is more even"),
    MetricReading(
      section: "Within a modality", path: "cross_uniformity", reading: "the same across modalities"),
    MetricReading(
      section: "Within a modality", path: "effective_rank.image", reading: "directions in use, 1 … d"),
    MetricReading(
      section: "Within a modality", path: "effective_rank.text", reading: "directions in use, 1 … d"),
    MetricReading(
      section: "Within a modality", path: "effective_rank.joint", reading: "both stacked; a gap lowers it"),
    MetricReading(section: "Within a modality", path: "norm.image", reading: "mean length before scaling"),
    MetricReading(section: "Within a modality", path: "norm.text", reading: "mean length before scaling"),
    MetricReading(section: "Within a modality", path: "norm.ratio", reading: "1: equal lengths"),
    MetricReading(
      section: "Distributions", path: "frechet_distance", reading: "0: equal Gaussians; lower is closer"),
    MetricReading(
      section: "Distributions", path: "energy_distance", reading: "0: equal clouds; lower is closer"),
    MetricReading(section: "Distributions", path: "mmd2_rbf", reading: "0: equal clouds; lower is closer"),
    MetricReading(
      section: "Distributions", path: "sliced_wasserstein", reading: "0: equal clouds; lower is closer"),
    MetricReading(
      section: "Distributions", path: "linear_separability.accuracy",
      reading: "0.5: no gap a line sees … 1: disjoint"),
    MetricReading(
      section: "Distributions", path: "centroid_separability", reading: "0.5: no gap centres see … 1: disjoint"),
    MetricReading(section: "Distributions", path: "modality_mixing", reading: "0: separated … 0.5: mixed"),
    MetricReading(
      section: "Retrieval", path: "retrieval.image_to_text.r1", reading: "share found first; higher is better"),
    MetricReading(section: "Retrieval", path: "retrieval.image_to_text.r5", reading: "share among the first 5"),
    MetricReading(
      section: "Retrieval", path: "retrieval.image_to_text.r10", reading: "share among the first 10"),
    MetricReading(section: "Retrieval", path: "retrieval.image_to_text.median_rank", reading: "1 is best"),
    MetricReading(
      section: "Retrieval", path: "retrieval.text_to_image.r1", reading: "share found first; higher is better"),
    MetricReading(section: "Retrieval", path: "retrieval.text_to_image.r5", reading: "share among the first 5"),
    MetricReading(
      section: "Retrieval", path: "retrieval.text_to_image.r10", reading: "share among the first 10"),
    MetricReading(section: "Retrieval", path: "retrieval.text_to_image.median_rank", reading: "1 is best"),
    MetricReading(
      section: "Structure", path: "mutual_knn", reading: "shared neighbours, 0 … 1; higher is more alike"),
    MetricReading(
      section: "Structure", path: "linear_cka", reading: "0 … 1; higher is more alike; blind to the gap"),
    MetricReading(
      section: "Inside the model", path: "mir",
      reading: "log10 of the token clouds' distances over layers 1…L; lower: more integrated"),
    MetricReading(section: "Inside the model", path: "mir_with_layer_0", reading: "the same with layer 0"),
    MetricReading(
      section: "Inside the model", path: "vocabulary_lens.mean_top1_cosine",
      reading: "visual token to its nearest word, -1 … 1"),
    MetricReading(
      section: "Inside the model", path: "vocabulary_lens.top1_entropy",
      reading: "nats; low: few words stand for all tokens"),
    MetricReading(
      section: "Inside the model", path: "vocabulary_lens.share_of_five_commonest",
      reading: "tokens on the 5 commonest words, 0 … 1"),
    MetricReading(
      section: "Inside the model", path: "vocabulary_lens.caption_words_found",
      reading: "captions' words among their image's nearest"),
  ]

  static let byPath = Dictionary(all.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
}
