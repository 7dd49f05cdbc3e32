import GapLinearAlgebra

/// Student's t distribution.
package enum StudentT {
  /// The value that a share of the distribution, above one half, lies below.
  package static func quantile(_ share: Double, degrees: Int) -> Double {
    precondition(share > 0.5 && share < 1 && degrees > 0)
    var (low, high) = (0.0, 1.0)
    while below(high, degrees: degrees) < share { high *= 2 }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if below(middle, degrees: degrees) < share { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The share that lies below t ≥ 0.
  ///
  /// - Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4: finite sums in
  ///   θ = arctan(t / √ν).
  static func below(_ t: Double, degrees: Int) -> Double {
    let nu = Double(degrees)
    let square = nu / (nu + t * t)
    let (cosine, sine) = (square.squareRoot(), t / (nu + t * t).squareRoot())
    var (term, sum) = (degrees % 2 == 0 ? 1.0 : cosine, 0.0)
    var k = degrees % 2 == 0 ? 0 : 1
    while k <= degrees - 2 {
      sum += term
      term *= square * Double(k + 1) / Double(k + 2)
      k += 2
    }
    let both = degrees % 2 == 0 ? sine * sum : 2 / Double.pi * (arcTangent(t / nu.squareRoot()) + sine * sum)
    return 0.5 + both / 2
  }

  /// The 95% interval of the mean of some numbers, n − 1 degrees of freedom; nil for fewer than two.
  package static func interval(_ values: [Double]) -> Interval? {
    guard values.count > 1 else { return nil }
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let half = quantile(0.975, degrees: values.count - 1) * (variance / n).squareRoot()
    return Interval(low: mean - half, high: mean + half)
  }
}
