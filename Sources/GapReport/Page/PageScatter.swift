import GapLinearAlgebra

/// Pairs on principal components: sets of pairs, and views of them that the reader switches between.
struct PageScatter: Encodable, Sendable {
  /// Pairs with what people call them.
  struct PairSet: Encodable, Sendable {
    /// Pairs that are drawn, and pairs that there are.
    let count: Int
    let total: Int
    /// Numbers of the pairs that are drawn, Int32, little-endian, base64; nil when they are the first ones.
    let numbers: String?
    let ids: [String]?
    let captions: [String]?
    /// For each pair the number of its thumbnail, −1 without one, Int32, little-endian, base64.
    var thumbnails: String?
    /// Numbers of the pairs that are drawn.
    fileprivate let members: [Int]

    private enum CodingKeys: String, CodingKey { case count, total, numbers, ids, captions, thumbnails }
  }

  /// Clouds on one basis, at one step or at several.
  struct View: Encodable, Sendable {
    let name: String
    /// What is drawn, and what the axes are.
    let says: String
    /// Number of the set of its pairs.
    let set: Int
    /// Share of the variance along each component; as many as can be looked at.
    let variance: [Double]
    /// What a coordinate of 32767 stands for, component by component.
    let scales: [Double]
    /// Texts that are where they are in every frame: Int16, little-endian, base64, [component][pair].
    let text: String?
    let frames: [Frame]
  }

  /// One arm at one step.
  struct Frame: Encodable, Sendable {
    /// Number of the arm.
    let arm: Int
    /// nil where nothing is trained.
    let step: Int?
    /// As the view's `text`.
    let image: String
    /// nil where the view has them.
    let text: String?
    /// Paired cosines in units of 1/32767, Int16, little-endian, base64.
    let cosines: String?
    /// Centres: [component][side].
    let centres: [[Double]]
    /// Distance of the centres of all measured pairs, as text.
    let gap: String?
  }

  var sets: [PairSet]
  let views: [View]
  /// Names of the arms; one without a name where nothing is compared.
  let arms: [String]

  /// The most pairs that are drawn; of more, a seeded sample.
  static let pairLimit = 20_000
  /// The most components that can be looked at.
  static let componentLimit = 6
  /// The most bytes that names and captions of a set may take, as they stand in the page.
  static let idBytes = 600_000
  static let captionBytes = 1_100_000
  /// The same where a set is a small one beside another.
  static let fewLabelBytes = 200_000
  /// The most frames of trajectories.
  static let frameLimit = 320

  /// The pairs that are drawn of many.
  static func chosen(_ count: Int, seed: UInt64) -> [Int] {
    var generator = SeededGenerator(seed: seed, purpose: "page")
    return generator.sample(pairLimit, of: count)
  }

  /// A measurement's pairs, layers that were read beside it, and where held-out pairs lay during training; nil when
  /// there is nothing of them.
  init?(
    _ drawable: DrawableReport?, labels: PairLabels, layers: [LayerProjection] = [],
    training: ComparisonReport? = nil
  ) {
    var (sets, views) = ([PairSet](), [View]())
    if let drawable, let (set, view) = Self.measured(drawable, labels) {
      sets.append(set)
      views.append(view)
    }
    if let first = layers.first {
      let number = sets.count
      let total = drawable?.report.pairs ?? first.pairs.count
      if sets.first?.count != first.pairs.count || first.pairs.count < total {
        sets.append(Self.few(first.pairs, total: total, labels))
      }
      views += layers.map { Self.view($0, set: min(number, sets.count - 1)) }
    }
    var arms = [""]
    if let training {
      let tracks = training.trajectories
      let pairs = tracks.map(\.pairs).max() ?? 0
      if pairs > 0 {
        arms = ComparisonReport.unique(tracks.map(\.arm))
        if views.isEmpty { sets = [] }
        sets.append(
          Self.few(Array(0..<pairs), total: labels.captions?.count ?? drawable?.report.pairs ?? pairs, labels))
        views += Self.views(tracks, training, arms: arms, set: sets.count - 1)
      }
    }
    guard !views.isEmpty else { return nil }
    self.sets = sets
    self.views = views
    self.arms = arms
  }

  /// Numbers of the pairs of each set.
  var members: [[Int]] { sets.map(\.members) }

  /// Adds which thumbnail each pair has.
  mutating func add(_ thumbnails: PageThumbnails) {
    for place in sets.indices {
      let own = sets[place].members.map { pair in Int32(clamping: thumbnails.ofPair(pair) ?? -1) }
      if own.contains(where: { $0 >= 0 }) { sets[place].thumbnails = PackedNumbers.text(own) }
    }
  }

  private static func measured(_ drawable: DrawableReport, _ labels: PairLabels) -> (PairSet, View)? {
    let n = drawable.report.pairs
    let stored = drawable.projections.components
    let values = drawable.projections.values
    guard stored > 0, n > 0, values.count == 2 * n * stored else { return nil }
    let chosen = chosen(n, seed: drawable.report.seed)
    let shown = min(stored, componentLimit)
    func value(_ component: Int, _ side: Int, _ pair: Int) -> Double {
      values[(side * n + pair) * stored + component]
    }
    let scales = (0..<shown).map { k in
      (0..<2).reduce(0.0) { most, side in chosen.reduce(most) { max($0, value(k, side, $1).magnitude) } }
    }
    func packed(_ side: Int) -> String {
      PackedNumbers.text(
        (0..<shown).flatMap { k in
          chosen.map { PackedNumbers.sixteenBits(value(k, side, $0), of: scales[k]) }
        })
    }
    let paired = drawable.details.perPair["paired_cosine"] ?? []
    let cosines = chosen.map { PackedNumbers.sixteenBits($0 < paired.count ? paired[$0] : 0, of: 1) }
    let centres = (0..<shown).map { k in
      (0..<2).map { side in (0..<n).reduce(0.0) { $0 + value(k, side, $1) } / Double(n) }
    }
    let set = PairSet(
      count: chosen.count, total: n,
      numbers: chosen.count == n ? nil : PackedNumbers.text(chosen.map { Int32(clamping: $0) }),
      ids: fitting(labels.ids, chosen, idBytes), captions: fitting(labels.captions, chosen, captionBytes),
      members: chosen)
    let says =
      chosen.count == n
      ? "All \(Decimal.grouped(n)) pairs."
      : "A seeded sample of \(Decimal.grouped(chosen.count)) of \(Decimal.grouped(n)) pairs is drawn; the numbers on "
        + "this page are of all pairs."
    let read = drawable.report.readout.map { $0 == "layers" ? "input" : $0 }
    let view = View(
      name: read.map { "readout \($0), all pairs" } ?? "all pairs", says: says, set: 0,
      variance: Array(drawable.varianceFractions.prefix(shown)), scales: scales, text: packed(1),
      frames: [
        Frame(
          arm: 0, step: nil, image: packed(0), text: nil, cosines: PackedNumbers.text(cosines),
          centres: centres, gap: nil)
      ])
    return (set, view)
  }

  private static func view(_ layer: LayerProjection, set: Int) -> View {
    let rows = [layer.image, layer.text].map { $0.map(Double.init) }
    let packed = Packed(rows, components: layer.variance.count)
    return View(
      name: "readout \(layer.readout)",
      says: "\(Decimal.grouped(layer.pairs.count)) pairs at readout \(layer.readout), on a basis of its own: "
        + "places of two layers cannot be compared, shapes can.",
      set: set, variance: layer.variance, scales: packed.scales, text: packed.clouds[1],
      frames: [
        Frame(
          arm: 0, step: nil, image: packed.clouds[0], text: nil,
          cosines: PackedNumbers.text(layer.cosines.map { PackedNumbers.sixteenBits(Double($0), of: 1) }),
          centres: packed.centres(0, 1), gap: nil)
      ])
  }

  /// A view for each readout and number of steps.
  private static func views(
    _ tracks: [TrajectoryTrack], _ training: ComparisonReport, arms: [String], set: Int
  ) -> [View] {
    // The longest training first, as everywhere on the page.
    let lengths = ComparisonReport.unique(
      tracks.sorted { ($0.steps.last ?? 0) > ($1.steps.last ?? 0) }.map {
        String($0.run.dropFirst($0.arm.count))
      })
    let all = ComparisonReport.unique(tracks.map(\.readout)).flatMap { readout in
      lengths.map { length in
        tracks.filter { $0.readout == readout && $0.run == $0.arm + length }
      }
    }.filter { !$0.isEmpty }
    let moments = all.reduce(0) { $0 + $1.reduce(0) { $0 + $1.steps.count } }
    let stride = max(1, (moments + frameLimit - 1) / frameLimit)
    return all.map { own in
      let first = own[0]
      let kept = own.map { track in
        track.steps.indices.filter { $0 % stride == 0 || $0 == track.steps.count - 1 }
      }
      let shared = own.allSatisfy { track in track.text.allSatisfy { $0 == first.text[0] } }
      var rows: [[Double]] = shared ? [first.text[0].map(Double.init)] : []
      for (track, places) in zip(own, kept) {
        for place in places {
          rows.append(track.image[place].map(Double.init))
          if !shared { rows.append(track.text[place].map(Double.init)) }
        }
      }
      let packed = Packed(rows, components: first.components)
      var frames: [Frame] = []
      var cloud = shared ? 1 : 0
      for (track, places) in zip(own, kept) {
        for place in places {
          let text = shared ? 0 : cloud + 1
          frames.append(
            Frame(
              arm: arms.firstIndex(of: track.arm) ?? 0, step: track.steps[place], image: packed.clouds[cloud],
              text: shared ? nil : packed.clouds[text],
              cosines: PackedNumbers.text(
                track.cosines[place].map { PackedNumbers.sixteenBits(Double($0), of: 1) }),
              centres: packed.centres(cloud, text),
              gap: training.gap(of: track, at: track.steps[place]).map { Decimal.text($0, places: 3) }))
          cloud += shared ? 1 : 2
        }
      }
      let steps = first.run.dropFirst(first.arm.count).drop { $0 == "," || $0 == " " }
      return View(
        name: "training, readout \(first.readout)" + (lengths.count > 1 ? ", \(steps)" : ""),
        says: "\(Decimal.grouped(first.pairs)) held-out pairs at each evaluation"
          + (arms.count > 1 ? " of seed \(training.firstSeed) in every arm" : "")
          + ", all on one basis: that of their images and texts before the first step"
          + (arms.count > 1 ? ", which all arms share" : "") + "."
          + (stride > 1 ? " Of the evaluations every \(stride)th is kept." : ""),
        set: set, variance: first.variance, scales: packed.scales, text: shared ? packed.clouds[0] : nil,
        frames: frames)
    }
  }

  private static func few(_ pairs: [Int], total: Int, _ labels: PairLabels) -> PairSet {
    let areFirst = pairs == Array(0..<pairs.count)
    return PairSet(
      count: pairs.count, total: total, numbers: areFirst ? nil : PackedNumbers.text(pairs.map { Int32($0) }),
      ids: fitting(labels.ids, pairs, fewLabelBytes), captions: fitting(labels.captions, pairs, fewLabelBytes),
      members: pairs)
  }

  /// Labels of the chosen pairs, all cut to one length at which they fit.
  private static func fitting(_ labels: [String]?, _ chosen: [Int], _ bytes: Int) -> [String]? {
    guard let labels, labels.count > chosen.last ?? 0 else { return nil }
    for limit in [400, 200, 120, 80, 50, 30, 16, 10, 6] {
      let short = chosen.map { PairLabels.shortened(labels[$0], to: limit) }
      if short.reduce(0, { $0 + pageBytes($1) }) <= bytes { return short }
    }
    return nil
  }

  /// Bytes of a text in the page, with quotes, comma and escapes.
  private static func pageBytes(_ text: String) -> Int {
    text.utf8.reduce(3) { sum, byte in
      switch byte {
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), 0..<0x20: sum + 6
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): sum + 2
      case 0xE2: sum + 4
      default: sum + 1
      }
    }
  }
}

/// Clouds of one view, packed on scales that they share.
private struct Packed {
  let scales: [Double]
  /// Int16, little-endian, base64, [component][pair].
  let clouds: [String]
  /// Mean of each cloud along each component.
  private let means: [[Double]]

  /// - Parameter rows: each cloud's coordinates, [pairs, components] row-major.
  init(_ rows: [[Double]], components k: Int) {
    let scales = (0..<k).map { c in
      rows.reduce(0.0) { most, own in
        stride(from: c, to: own.count, by: k).reduce(most) { max($0, own[$1].magnitude) }
      }
    }
    self.scales = scales
    clouds = rows.map { own in
      PackedNumbers.text(
        (0..<k).flatMap { c in
          stride(from: c, to: own.count, by: k).map { PackedNumbers.sixteenBits(own[$0], of: scales[c]) }
        })
    }
    means = rows.map { own in
      (0..<k).map { c in
        stride(from: c, to: own.count, by: k).reduce(0.0) { $0 + own[$1] } / Double(max(own.count / k, 1))
      }
    }
  }

  /// Centres of two clouds: [component][side].
  func centres(_ image: Int, _ text: Int) -> [[Double]] {
    scales.indices.map { [means[image][$0], means[text][$0]] }
  }
}
