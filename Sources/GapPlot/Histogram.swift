#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Holds counts scaled so that the area under them is 1.
///
/// ```
/// density[k] = counts[k] / (Σ counts · (edges[k+1] − edges[k]))
/// ```
struct Histogram: Equatable {
  let edges: [Double]
  let density: [Double]

  /// Scales counts; they are not all zero and the edges increase.
  init(edges: [Double], counts: [Int]) {
    let total = Double(counts.reduce(0, +))
    self.edges = edges
    density = counts.indices.map { Double(counts[$0]) / total / (edges[$0 + 1] - edges[$0]) }
  }

  /// Counts values in equal bins over a span that holds them all.
  init(of values: [Double], span: ValueSpan, bins: Int) {
    var counts = [Int](repeating: 0, count: bins)
    let extent = span.upper - span.lower
    for value in values {
      let share = (value - span.lower) / extent
      counts[min(bins - 1, max(0, Int(share * Double(bins))))] += 1
    }
    let edges = (0...bins).map { span.lower + extent * (Double($0) / Double(bins)) }
    self.init(edges: edges, counts: counts)
  }

  /// The outline: up the first filled bin, along the tops, and down the last one.
  var outline: [PlotPoint] {
    guard let first = density.firstIndex(where: { $0 > 0 }), let last = density.lastIndex(where: { $0 > 0 })
    else { return [] }
    var points = [PlotPoint(x: edges[first], y: 0)]
    for bin in first...last {
      points.append(PlotPoint(x: edges[bin], y: density[bin]))
      points.append(PlotPoint(x: edges[bin + 1], y: density[bin]))
    }
    points.append(PlotPoint(x: edges[last + 1], y: 0))
    return points
  }

  /// Chooses the number of bins of a sample.
  ///
  /// ```
  /// width = 2 · (q₇₅ − q₂₅) / ∛n
  /// ```
  ///
  /// - Returns: 10…100.
  /// - Complexity: O(n log n).
  /// - Source: Freedman & Diaconis, *On the histogram as a density estimator* (1981).
  static func binCount(for values: [Double], span: ValueSpan) -> Int {
    let sorted = values.sorted()
    let (quarter, threeQuarters) = (sorted[sorted.count / 4], sorted[sorted.count - 1 - sorted.count / 4])
    let width = 2 * (threeQuarters - quarter) / cbrt(Double(sorted.count))
    guard width > 0 else { return 40 }
    return Int(min(100, max(10, ((span.upper - span.lower) / width).rounded(.up))))
  }
}
