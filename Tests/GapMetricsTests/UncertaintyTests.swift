import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct UncertaintyTests {
  @Test(arguments: ["clouds", "overlap"])
  func jackknifeAgreesWithTheOracle(name: String) throws {
    let golden = try Golden(Golden.fixture("\(name).golden.json"))
    let jackknife = try #require(golden.whole["jackknife"] as? [String: Any])
    let found = try Jackknife(of: Golden.pair(Golden.fixture("\(name).npy"))).intervals
    let intervals = try #require(jackknife["intervals"] as? [String: [Double]])
    #expect(Set(intervals.keys) == Set(found.keys))
    for (key, ends) in intervals {
      let interval = try #require(found[key])
      #expect(abs(interval.low - ends[0]) <= 1e-9 && abs(interval.high - ends[1]) <= 1e-9, "\(key)")
    }
  }

  /// Without each unit in turn, by measuring again what is left.
  @Test(arguments: [1, 3])
  func leavingOutAgreesWithMeasuringAgain(captions: Int) throws {
    let (rows, d) = (24, 5)
    var numbers = MadePairs.numbers(rows, d, seed: 11)
    for i in 0..<rows {
      for k in 0..<d { numbers.image[i * d + k] = numbers.image[i / captions * captions * d + k] }
    }
    let ids = (0..<rows).map { String($0 / captions) }
    let pair = try MadePairs.pair(numbers, dimension: d, ids: captions == 1 ? nil : ids)
    let found = try Jackknife(of: pair).leaveOneOut
    for unit in 0..<rows / captions {
      let kept = (0..<rows).filter { $0 / captions != unit }
      func rest(_ all: [Double]) -> [Double] { kept.flatMap { i in all[i * d..<(i + 1) * d] } }
      let left = try MadePairs.pair(
        (rest(numbers.image), rest(numbers.text)), dimension: d, ids: captions == 1 ? nil : kept.map { ids[$0] }
      )
      let gap = try CentroidGap(of: left)
      let cone = try ModalityCone(of: left)
      let expected: [String: Double?] = [
        "centroid_distance": gap.distance, "centroid_distance_squared_unbiased": gap.squaredUnbiased,
        "image_cone": cone.image, "text_cone": cone.text,
        "relative_modality_gap": try RelativeModalityGap(of: left).value,
      ]
      for (key, value) in expected {
        let mine = try #require(found[key]?[unit])
        #expect(abs(mine - (try #require(value))) <= 1e-12, "\(key) without unit \(unit)")
      }
    }
  }

  /// Resamples drawn literally: rows of the drawn pairs, metrics by their definitions.
  @Test func bootstrapAgreesWithLiteralResampling() throws {
    let (rows, d, resamples) = (30, 4, 60)
    let numbers = MadePairs.numbers(rows, d, seed: 12)
    let pair = try MadePairs.pair(numbers, dimension: d)
    let found = try PairBootstrap(of: pair, resamples: resamples, seed: 5).intervals
    var replicates: [String: [Double]] = [:]
    for b in 0..<resamples {
      var generator = SeededGenerator(seed: 5, purpose: "bootstrap", index: UInt64(b))
      let drawn = (0..<rows).map { _ in generator.index(below: rows) }
      func drawnRows(_ all: [Double]) -> [Double] { drawn.flatMap { all[$0 * d..<($0 + 1) * d] } }
      let resample = try MadePairs.pair(
        (drawnRows(numbers.image), drawnRows(numbers.text)), dimension: d)
      let paired = try PairedCosine(of: resample)
      let distance = try PairDistance(of: resample)
      let norm = NormStatistics(of: resample)
      let values = [
        "paired_cosine.mean": paired.mean, "cosine_gap": paired.gap, "mean_pair_distance": distance.mean,
        "norm.image": norm.image, "norm.text": norm.text, "norm.image_std": norm.imageStd,
        "norm.text_std": norm.textStd, "norm.ratio": norm.ratio,
      ]
      for (key, value) in values { replicates[key, default: []].append(value) }
    }
    for (key, values) in replicates {
      let expected = Interval(percentilesOf: values)
      let interval = try #require(found[key], "\(key)")
      #expect(
        abs(interval.low - expected.low) <= 1e-12 && abs(interval.high - expected.high) <= 1e-12, "\(key)")
    }
  }

  /// The margin's interval has the width that the spread of its influence values foretells.
  @Test func marginIntervalHasTheWidthOfItsLinearPart() throws {
    let (rows, d) = (400, 6)
    let pair = try MadePairs.pair(MadePairs.numbers(rows, d, seed: 13), dimension: d)
    let found = try #require(try PairBootstrap(of: pair, resamples: 4000).intervals["matching_margin"])
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let influence = x.indices.map { i in
      exactDot(x[i], y[i]) - x.indices.reduce(0.0) { $0 + exactDot(x[i], y[$1]) + exactDot(x[$1], y[i]) }
        / Double(rows)
    }
    let mean = influence.reduce(0, +) / Double(rows)
    let variance = influence.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
    let width = 2 * 1.96 * (variance / Double(rows)).squareRoot()
    // 4,000 resamples place each end to 3% of the width or so (one standard deviation).
    #expect(abs((found.high - found.low) / width - 1) <= 0.1)
  }
}
