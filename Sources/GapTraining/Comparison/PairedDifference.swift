import GapLinearAlgebra

/// What an arm differs by from another, seed by seed.
package struct PairedDifference: Sendable {
  package let mean: Double
  /// 95% interval of the mean, Student's t with n − 1 degrees of freedom; nil for one seed.
  package let interval: (low: Double, high: Double)?
  package let count: Int

  /// - Parameter differences: one a seed, at least one.
  package init(_ differences: [Double]) {
    let n = Double(differences.count)
    let mean = differences.reduce(0, +) / n
    self.mean = mean
    count = differences.count
    guard differences.count > 1 else {
      interval = nil
      return
    }
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let half = StudentT.quantile(0.975, degrees: differences.count - 1) * (variance / n).squareRoot()
    interval = (mean - half, mean + half)
  }
}

/// Student's t distribution.
enum StudentT {
  /// The value that a share of the distribution, above one half, lies below.
  static func quantile(_ share: Double, degrees: Int) -> Double {
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
}
