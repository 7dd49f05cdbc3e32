import EmbeddingGap
import Foundation
import Notebook

/// Where the gap lives.
///
/// A gap may lie in a few dimensions, in the centres alone, or in the lengths, and for each there is a fix that trains
/// nothing: leave dimensions out, subtract the means, match the lengths. What do they give on vectors of a trained projector,
/// and are they what joint training gives?
///
/// The vectors are those of the embedded miniature at readout `input`, on held-out scenes, after 100 steps of next-token
/// training and after 100 steps of joint training; three seeds, each printed where it matters. Means and lengths that a fix
/// needs are those of the held-out pairs themselves: the most that such a fix can do, since a user has to estimate them.
@main struct WhereTheGapLives {
  static func main() { Notebook.run(#filePath, tolerance: .training, cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. The gap lies in no few dimensions: it is spread like a random direction
    //
    // The squared distance of the centres is a sum over the 128 dimensions. What share do the largest hold? A gap along one
    // axis would lie in one dimension; random directions say what no preference for any axis at all gives.
    notebook.cell()
    let experiment = try EmbeddedExperiment(scenes: notebook.work + "/scenes", isQuick: true)
    let data = try experiment.drawScenes { _, _ in }
    let ntp = try TrainedPairs(experiment, data, "ntp", notebook)
    let joint = try TrainedPairs(experiment, data, "joint", notebook)
    let both = [ntp, joint]
    let head = ["seed 0", "seed 1", "seed 2"]
    let largest = [1, 10, 20]
    let random = DimensionShares.ofRandomDirections(width: 128, count: 200)
    notebook.table(
      ["share of the largest"] + largest.map { "\($0)" },
      try both.flatMap { trained in
        try (0..<3).map { seed in
          ("\(trained.objective), seed \(seed)", try largest.map { try trained.shares(seed).largest($0) })
        }
      } + [
        (
          "random directions, mean of 200",
          largest.map { count in Notebook.mean(random.map { $0.largest(count) }) }
        )
      ])
    notebook.claim(
      "no dimension holds a tenth of the squared gap, in any seed of either",
      try both.allSatisfy { trained in try (0..<3).allSatisfy { try trained.shares($0).largest(1) < 0.1 } })
    let drawnShare = Notebook.mean(random.map { $0.largest(20) })
    notebook.claim(
      "the 20 largest hold no more than those of random directions on average, in any seed of either",
      try both.allSatisfy { trained in
        try (0..<3).allSatisfy { try trained.shares($0).largest(20) <= drawnShare }
      })
    let drawn = try both.map { try DrawableReport($0.objective, $0.pairs[0], $0.measurements[0]) }
    try notebook.figure(
      "dimensions", GapFigure.dimensions.figure(of: drawn),
      "Difference of the centres, dimension by dimension, largest first; first seed.")

    // MARK: - 2. Fixes before and after: a closed gap is no match
    //
    // Means over three seeds. `raw` is the distance of the centres before scaling to unit length, `line` the accuracy of
    // a fitted line that tells the modalities apart (0.5 is chance), `mixing` the share of neighbours from the other modality
    // (0.5 is full).
    //
    // Subtracting the means after next-token training brings the centres together and leaves the line at chance; yet
    // hardly any image finds its caption, and its neighbours are images still. After joint training the same fix lets half as many again be found: a gap was left
    // that hid matches which are there.
    notebook.cell()
    let fixes: [(name: String, fixes: [GapFix])] = [
      ("before", []), ("center", [.center]), ("match-norm", [.matchNorm]),
      ("match-norm, center", [.matchNorm, .center]), ("shift:0.5", [.shift(0.5)]),
      ("drop-dimensions:10", [.dropDimensions(10)]), ("drop-dimensions:40", [.dropDimensions(40)]),
    ]
    let keys = [
      "centroid_distance", "centroid_distance_raw", "norm.ratio", "matching_margin",
      "retrieval.image_to_text.r1", "linear_separability.accuracy", "modality_mixing",
    ]
    let columns = ["distance", "raw", "norm ratio", "margin", "R@1", "line", "mixing"]
    let fixed = try both.map { trained in
      Dictionary(uniqueKeysWithValues: try fixes.map { ($0.name, try trained.fixed(by: $0.fixes)) })
    }
    /// A number after a fix, seed by seed.
    func values(_ arm: Int, _ fix: String, _ key: String) -> [Double] {
      (fixed[arm][fix] ?? []).map { $0[key] }
    }
    for (arm, trained) in both.enumerated() {
      notebook.table(
        [trained.objective] + columns,
        fixes.map { fix in (fix.name, keys.map { Notebook.mean(values(arm, fix.name, $0)) }) })
    }
    let (distance, recall) = ("centroid_distance", "retrieval.image_to_text.r1")
    notebook.claim(
      "centring leaves less than a tenth of the distance, in every seed of either",
      (0..<2).allSatisfy { arm in
        zip(values(arm, "before", distance), values(arm, "center", distance)).allSatisfy { $1 < 0.1 * $0 }
      })
    notebook.claim(
      "after centring no line does better than 0.55, in any seed of either",
      (0..<2).allSatisfy { values($0, "center", "linear_separability.accuracy").allSatisfy { $0 < 0.55 } })
    notebook.table(
      ["R@1, image to text"] + head,
      (0..<2).flatMap { arm in
        ["before", "center", "shift:0.5"].map { ("\(both[arm].objective), \($0)", values(arm, $0, recall)) }
      })
    notebook.claim(
      "centred next-token vectors find less than a fifth of what joint ones find as they are, in every seed",
      zip(values(0, "center", recall), values(1, "before", recall)).allSatisfy { $0 < $1 / 5 })
    notebook.claim(
      "centring raises what joint vectors find, in every seed",
      zip(values(1, "before", recall), values(1, "center", recall)).allSatisfy { $1 > $0 })
    notebook.claim(
      "leaving out 40 of 128 dimensions leaves over half of the distance, in every seed of either",
      (0..<2).allSatisfy { arm in
        zip(values(arm, "before", distance), values(arm, "drop-dimensions:40", distance))
          .allSatisfy { $1 > 0.5 * $0 }
      })

    // MARK: - 3. Lengths are a gap of their own, and cosines do not see it
    //
    // What a decoder is fed has a length. Next-token training makes image tokens many times as long as the rows of
    // the embedding table; `match-norm` scales that away. Since one factor is applied to all images, no cosine changes,
    // not even when centring follows.
    notebook.cell()
    notebook.table(
      ["norm.ratio"] + head,
      both.indices.map { (both[$0].objective, values($0, "before", "norm.ratio")) }, places: 2)
    notebook.claim(
      "next-token training leaves images over ten times as long as captions, in every seed",
      values(0, "before", "norm.ratio").allSatisfy { $0 > 10 })
    notebook.claim(
      "joint training leaves them shorter than that, seed by seed",
      zip(values(0, "before", "norm.ratio"), values(1, "before", "norm.ratio")).allSatisfy { $1 < $0 })
    notebook.claim(
      "match-norm brings the ratio to 1",
      (0..<2).allSatisfy { values($0, "match-norm", "norm.ratio").allSatisfy { abs($0 - 1) < 1e-6 } })
    let unseen = [distance, "matching_margin", recall, "modality_mixing"]
    notebook.claim(
      "match-norm moves none of \(unseen.count) metrics by 1e-6, alone or before centring",
      (0..<2).allSatisfy { arm in
        [("before", "match-norm"), ("center", "match-norm, center")].allSatisfy { plain, matched in
          unseen.allSatisfy { key in
            zip(values(arm, plain, key), values(arm, matched, key)).allSatisfy { abs($0 - $1) < 1e-6 }
          }
        }
      })

    // MARK: - 4. Shift sweep: joint training stops before its own loss is lowest
    //
    // Both modalities are moved along the gap by a share of it (0 as trained, 0.5 centre on centre) and the contrastive loss is
    // taken at each place, at the temperature at which training begins. For CLIP it is lowest near 0: the loss keeps the gap.
    // Here 100 steps of joint training leave the loss falling towards 0.5, while vectors of next-token training stay near
    // chance, the logarithm of the batch, wherever they are moved.
    notebook.cell()
    let sweeps = try both.map { try $0.pairs.map { try ShiftSweep(of: $0, temperature: 0.07) } }
    let chance = log(Double(ntp.pairs[0].count))
    for (trained, own) in zip(both, sweeps) {
      notebook.table(
        ["\(trained.objective): loss at shift"] + head,
        [-0.25, 0, 0.25, 0.5, 0.75, 1].map { shift in
          (Decimal.text(shift, places: 2), own.map { Sweep.loss($0, at: shift) })
        })
    }
    notebook.show("chance", chance, places: 3)
    notebook.claim(
      "joint: the loss is lower centre on centre than as trained, in every seed",
      sweeps[1].allSatisfy { Sweep.loss($0, at: 0.5) < Sweep.loss($0, at: 0) })
    notebook.claim(
      "joint: it is lowest at a shift between 0.4 and 0.7, in every seed",
      sweeps[1].allSatisfy { (0.4...0.7).contains(Sweep.lowest($0)) })
    notebook.claim(
      "next-token: no shift brings the loss a tenth of the way from chance to 0, in any seed",
      sweeps[0].allSatisfy { $0.points.allSatisfy { $0.loss > 0.9 * chance } })
    try notebook.figure(
      "shift", Sweep.figure(zip(both, sweeps).map { ($0.objective, $1) }),
      "Contrastive loss along the shift: mean of three seeds, bands span them. Vertical lines: as trained, and centre on centre."
    )
  }
}
