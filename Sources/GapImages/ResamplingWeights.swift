/// Says which source pixels a resized axis mixes, and with what fixed-point weights.
///
/// ```
/// scale = source / target, reach = support · max(scale, 1), centre = (x + ½) · scale
/// weights[x, k] ∝ filter((start + k + ½ - centre) / max(scale, 1)), normalised in Double, then rounded to 2⁻²²
/// ```
/// The order of the operations is Pillow's, so that every weight is bit-equal to its.
///
/// - Source: Pillow 13.0.0, `Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
struct ResamplingWeights {
  /// Bits behind the point of a weight.
  static let fractionBits = 22

  /// The first source pixel of each target pixel.
  let starts: [Int32]
  /// How many source pixels each target pixel mixes.
  let counts: [Int32]
  /// The longest that a run of weights may be.
  let taps: Int
  /// [target, taps]; behind a run's count there are zeros.
  let weights: [Int32]

  /// Prepares one axis; the sizes are at least 1.
  init(_ filter: ImageResampling, from source: Int, to target: Int) {
    let scale = Double(source) / Double(target)
    let filterScale = max(scale, 1)
    let reach = filter.support * filterScale
    let taps = Int(reach.rounded(.up)) * 2 + 1
    var starts: [Int32] = []
    var counts: [Int32] = []
    var weights = [Int32](repeating: 0, count: target * taps)
    var run = [Double](repeating: 0, count: taps)
    let inverse = 1 / filterScale
    for place in 0..<target {
      let centre = (Double(place) + 0.5) * scale
      let start = max(Int(centre - reach + 0.5), 0)
      let count = min(Int(centre + reach + 0.5), source) - start
      var sum = 0.0
      for k in 0..<count {
        run[k] = filter.weight(at: (Double(k + start) - centre + 0.5) * inverse)
        sum += run[k]
      }
      for k in 0..<count {
        let share = sum == 0 ? run[k] : run[k] / sum
        weights[place * taps + k] = Int32((share < 0 ? -0.5 : 0.5) + share * Double(1 << Self.fractionBits))
      }
      starts.append(Int32(start))
      counts.append(Int32(count))
    }
    (self.starts, self.counts, self.taps, self.weights) = (starts, counts, taps, weights)
  }

  /// The source pixels that any target pixel mixes.
  var reach: Range<Int> {
    let last = starts.count - 1
    return Int(starts[0])..<Int(starts[last] + counts[last])
  }
}
