import GapLinearAlgebra

/// The stages of a measurement, each adding its keys.
struct MeasurementStages {
  let pair: EmbeddingPair
  let options: MeasurementOptions
  let progress: (String, Double) -> Void
  private var entries: [String: MetricValue] = [:]
  private(set) var intervals: [String: Interval] = [:]
  private(set) var sampled: [String: Int] = [:]
  private(set) var permutationP: [String: Double] = [:]
  private(set) var warnings: [GapWarning] = []
  private(set) var retrieval: Retrieval?
  private var neighbours: Neighbourhoods?

  /// Keys in the order of METRICS.
  static let order = [
    "paired_cosine", "unpaired_cosine", "cosine_gap", "matching_margin", "centroid_distance",
    "centroid_distance_squared_unbiased", "centroid_distance_raw", "centroid_cosine",
    "standardized_centroid_distance", "mean_pair_distance", "relative_modality_gap", "image_cone", "text_cone",
    "alignment", "uniformity_image", "uniformity_text", "cross_uniformity", "gap_decomposition", "norm",
    "frechet_distance", "energy_distance", "mmd2_rbf", "mmd2_bandwidth", "sliced_wasserstein",
    "linear_separability", "centroid_separability", "modality_mixing", "retrieval", "mutual_knn", "linear_cka",
    "effective_rank", "participation_ratio", "pca",
  ]

  init(pair: EmbeddingPair, options: MeasurementOptions, progress: @escaping (String, Double) -> Void) {
    self.pair = pair
    self.options = options
    self.progress = progress
  }

  /// The entries in the order of METRICS, nil included.
  func ordered() -> [MetricEntry] { Self.order.compactMap { key in entries[key].map { MetricEntry(key, $0) } } }

  mutating func core() throws {
    let paired = try PairedCosine(of: pair)
    let unpaired = try UnpairedCosine(of: pair)
    let gap = try CentroidGap(of: pair)
    let distance = try PairDistance(of: pair)
    let decomposition = try GapDecomposition(of: pair)
    let cone = try ModalityCone(of: pair)
    let norm = NormStatistics(of: pair)
    warnings += GapWarning.collapsed(cone)
    entries["paired_cosine"] = .object([
      MetricEntry("mean", paired.mean), MetricEntry("std", paired.std), MetricEntry("min", paired.min),
      MetricEntry("p05", paired.p05), MetricEntry("p25", paired.p25), MetricEntry("median", paired.median),
      MetricEntry("p75", paired.p75), MetricEntry("p95", paired.p95), MetricEntry("max", paired.max),
    ])
    entries["unpaired_cosine"] = .object([MetricEntry("mean", unpaired.mean), MetricEntry("std", unpaired.std)])
    entries["cosine_gap"] = .number(paired.gap)
    entries["matching_margin"] = .number(paired.mean - unpaired.mean)
    entries["centroid_distance"] = .number(gap.distance)
    entries["centroid_distance_squared_unbiased"] = .number(gap.squaredUnbiased)
    entries["centroid_distance_raw"] = .number(gap.rawDistance)
    set("centroid_cosine", gap.cosine, "a modality's mean is zero")
    set("standardized_centroid_distance", gap.standardizedDistance, "neither modality has any spread")
    entries["mean_pair_distance"] = .number(distance.mean)
    set(
      "relative_modality_gap", try RelativeModalityGap(of: pair).value,
      cone.image == nil ? "there is a single image" : "all rows coincide")
    set("image_cone", cone.image, "there is a single image")
    entries["text_cone"] = .number(cone.text)
    entries["alignment"] = .number(distance.alignment)
    entries["gap_decomposition"] = .object([
      MetricEntry("centroid", decomposition.centroid), MetricEntry("residual", decomposition.residual),
      MetricEntry("centroid_fraction", decomposition.centroidFraction),
    ])
    warnIfUndefined(
      "gap_decomposition.centroid_fraction", decomposition.centroidFraction, "every pair coincides")
    entries["norm"] = .object([
      MetricEntry("image", norm.image), MetricEntry("text", norm.text), MetricEntry("image_std", norm.imageStd),
      MetricEntry("text_std", norm.textStd), MetricEntry("ratio", norm.ratio),
    ])
  }

  /// The uniformities, the part of the core that looks at every two rows.
  mutating func uniformities() throws {
    let uniformity = try Uniformity(of: pair, limit: options.exactLimit, seed: options.seed)
    set(uniformity.image, uniformity.text, uniformity.cross)
    if uniformity.sampledPairs < pair.count {
      for key in Self.uniformityKeys { sampled[key] = uniformity.sampledPairs }
    }
  }

  private static let uniformityKeys = ["uniformity_image", "uniformity_text", "cross_uniformity"]

  private mutating func set(_ image: Double, _ text: Double, _ cross: Double) {
    for (key, value) in zip(Self.uniformityKeys, [image, text, cross]) { entries[key] = .number(value) }
  }

  mutating func distributions() throws {
    progress("distances between rows", 0.05)
    let limit = options.exactLimit
    let distances = try PairwiseDistances(of: pair, limit: limit, seed: options.seed)
    set(distances.uniformityImage, distances.uniformityText, distances.crossUniformity)
    entries["energy_distance"] = .number(distances.energyDistance)
    set("mmd2_rbf", distances.mmd2, "the median distance, its bandwidth, is zero")
    entries["mmd2_bandwidth"] = .number(distances.bandwidth)
    progress("sliced Wasserstein distance", 0.1)
    let wasserstein = try SlicedWasserstein(of: pair, limit: limit, seed: options.seed)
    entries["sliced_wasserstein"] = .number(wasserstein.value)
    progress("linear separability", 0.12)
    let separability = try LinearSeparability(of: pair, limit: limit, seed: options.seed)
    entries["linear_separability"] = .object([
      MetricEntry("accuracy", separability.accuracy), MetricEntry("auc", separability.auc),
    ])
    entries["centroid_separability"] = .number(try CentroidSeparability(of: pair).accuracy)
    if distances.sampledPairs < pair.count {
      let others = [
        "energy_distance", "mmd2_rbf", "mmd2_bandwidth", "sliced_wasserstein", "linear_separability",
      ]
      for key in Self.uniformityKeys + others { sampled[key] = distances.sampledPairs }
      warnSampled(
        "uniformities, energy_distance, mmd2_rbf, sliced_wasserstein and linear_separability",
        distances.sampledPairs,
        "pairs")
    }
  }

  mutating func spectra() throws {
    progress("spectra", 0.17)
    let factors = try CentredFactors(of: pair)
    // One factorisation each, on a thread each.
    let pair = pair
    let results = try pair.pool.map(2) { _, piece -> (spectrum: Spectrum?, distance: Double) in
      piece == 0
        ? (try Spectrum(of: pair, factors: factors), 0)
        : (nil, try FrechetDistance(of: pair, factors: factors).value)
    }
    guard let spectrum = results[0].spectrum else { return }
    entries["frechet_distance"] = .number(results[1].distance)
    for (key, value) in [
      ("effective_rank", Spectrum.effectiveRank), ("participation_ratio", Spectrum.participationRatio),
    ] {
      entries[key] = .object([
        MetricEntry("image", value(spectrum.image)), MetricEntry("text", value(spectrum.text)),
        MetricEntry("joint", value(spectrum.joint)),
      ])
      for (name, side) in [("image", spectrum.image), ("text", spectrum.text), ("joint", spectrum.joint)] {
        warnIfUndefined("\(key).\(name)", value(side), "these rows have no spread")
      }
    }
    let fitted =
      switch options.projectionFit {
      case .joint: spectrum.joint
      case .image: spectrum.image
      case .text: spectrum.text
      }
    let fractions = Array(Spectrum.varianceFractions(fitted).prefix(50))
    entries["pca"] = .object([MetricEntry("explained_variance_ratio", .list(fractions))])
  }

  mutating func retrieve() throws {
    progress("retrieval", 0.2)
    let retrieval = try Retrieval(of: pair, queryLimit: options.retrievalQueries, seed: options.seed) {
      progress("retrieval", 0.2 + 0.4 * $0)
    }
    func entry(_ key: String, _ direction: RetrievalDirection) -> MetricEntry {
      MetricEntry(
        key,
        .object([
          MetricEntry("r1", direction.r1), MetricEntry("r5", direction.r5), MetricEntry("r10", direction.r10),
          MetricEntry("median_rank", direction.medianRank), MetricEntry("mrr", direction.mrr),
        ]))
    }
    entries["retrieval"] = .object([
      entry("image_to_text", retrieval.imageToText), entry("text_to_image", retrieval.textToImage),
    ])
    if retrieval.isSampled {
      sampled["retrieval.image_to_text"] = retrieval.imageToText.ranks.count
      sampled["retrieval.text_to_image"] = retrieval.textToImage.ranks.count
      warnSampled("retrieval", retrieval.textToImage.ranks.count, "queries, against the full gallery")
    }
    self.retrieval = retrieval
  }

  mutating func neighbourhoods() throws {
    progress("neighbourhoods", 0.6)
    let neighbours = try Neighbourhoods(of: pair, limit: options.exactLimit, seed: options.seed) {
      progress("neighbourhoods", 0.6 + 0.2 * $0)
    }
    entries["mutual_knn"] = .number(MutualNeighbours(of: neighbours).value)
    set("linear_cka", LinearCKA(of: pair).value, "a modality has no spread")
    if let mixing = ModalityMixing(of: neighbours) { entries["modality_mixing"] = .number(mixing.value) }
    if neighbours.sampledPairs < pair.count {
      sampled["mutual_knn"] = neighbours.sampledPairs
      if pair.hasEqualDimensions { sampled["modality_mixing"] = neighbours.sampledPairs }
      warnSampled(
        pair.hasEqualDimensions ? "mutual_knn and modality_mixing" : "mutual_knn", neighbours.sampledPairs,
        "queries, against the full set")
    }
    self.neighbours = neighbours
  }

  mutating func uncertainty() throws {
    if pair.hasEqualDimensions {
      progress("intervals", 0.8)
      intervals.merge(
        try PairBootstrap(of: pair, resamples: options.resamples, seed: options.seed).intervals
      ) { _, new in new }
      intervals.merge(try Jackknife(of: pair).intervals) { _, new in new }
      try rankIntervals()
    }
    guard let neighbours else { return }
    progress("permutation tests", 0.85)
    let test = try PermutationTest(
      of: pair, neighbourhoods: neighbours, permutations: options.resamples, limit: options.exactLimit,
      seed: options.seed
    ) { progress("permutation tests", 0.85 + 0.15 * $0) }
    permutationP["matching_margin"] = test.matchingMargin
    permutationP["mutual_knn"] = test.mutualNeighbours
    permutationP["linear_cka"] = test.linearCKA
    if test.sampledPairs < pair.count {
      for key in permutationP.keys { sampled["permutation_p." + key] = test.sampledPairs }
      warnSampled("permutation tests", test.sampledPairs, "pairs")
    }
  }

  private mutating func rankIntervals() throws {
    guard let retrieval else { return }
    for (key, direction) in [
      ("retrieval.image_to_text", retrieval.imageToText), ("retrieval.text_to_image", retrieval.textToImage),
    ] {
      let bootstrap = try RankBootstrap(
        of: direction, name: key, resamples: options.resamples, seed: options.seed, threads: pair.pool.threads)
      for (name, interval) in bootstrap.intervals { intervals[key + "." + name] = interval }
    }
  }

  private mutating func set(_ key: String, _ value: Double?, _ reason: String) {
    entries[key] = .number(value)
    warnIfUndefined(key, value, reason)
  }

  private mutating func warnIfUndefined(_ key: String, _ value: Double?, _ reason: String) {
    guard value == nil else { return }
    warnings.append(GapWarning(code: "undefined", message: "\(key) is not defined: \(reason)"))
  }

  private mutating func warnSampled(_ what: String, _ count: Int, _ unit: String) {
    warnings.append(
      GapWarning(code: "sampled", message: "\(what): a seeded sample of \(count) \(unit) of \(pair.count)"))
  }
}
