import Foundation
import GapLinearAlgebra
import GapMetrics
import Testing

@Suite struct TokenCloudDistanceTests {
  static func cloud(_ rows: Int, _ columns: Int, seed: UInt64, length: Double = 1) -> [[Double]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<rows).map { _ in (0..<columns).map { _ in Double(Float(length * (generator.normal() + 0.3))) } }
  }

  static func block(_ rows: [[Double]]) -> Block<Float> {
    Block(Buffer(rows.flatMap { $0.map { Float($0) } }), rows: rows.count, columns: rows[0].count)
  }

  static let pool = WorkerPool(threads: 2)

  /// The slow way: covariances, and the root of their product by the roots of the eigenvalues of Σₜ^½ Σᵢ Σₜ^½.
  struct Slow {
    var exact = 0.0
    var fast = 0.0
    var outliers = [0, 0]

    init(_ image: [[Double]], _ text: [[Double]]) throws {
      let length = text.reduce(0) { $0 + Self.norm($1) } / Double(text.count)
      var clouds: [[[Double]]] = []
      for (side, cloud) in [image, text].enumerated() {
        let scaled = cloud.map { $0.map { $0 / length } }
        let norms = scaled.map(Self.norm)
        let middle = norms.sorted()[(norms.count - 1) / 2]
        let mean = norms.reduce(0, +) / Double(norms.count)
        let std = (norms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(norms.count - 1)).squareRoot()
        let median = scaled[0].indices.map { k in scaled.map { $0[k] }.sorted()[(scaled.count - 1) / 2] }
        outliers[side] = norms.count { abs($0 - middle) > 3 * std }
        clouds.append(scaled.map { abs(Self.norm($0) - middle) > 3 * std ? median : $0 })
      }
      let (a, b) = (Self.moments(clouds[0]), Self.moments(clouds[1]))
      let shift = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let d = a.mean.count
      let product = (0..<d).reduce(0.0) { sum, i in
        sum + (0..<d).reduce(0.0) { $0 + a.covariance[i][$1] * b.covariance[$1][i] }
      }
      let spread = (0..<d).reduce(0.0) { $0 + a.covariance[$1][$1] + b.covariance[$1][$1] }
      fast = shift + spread - 2 * product
      // Nuclear norm of the centred rows' product: roots of the eigenvalues of (A Bᵀ)(A Bᵀ)ᵀ.
      let m = Self.product(Self.centred(clouds[0], a.mean), Self.centred(clouds[1], b.mean))
      let singular = try Factorization.singularValues(
        destroying: Block(Buffer(m.flatMap { $0 }), rows: m.count, columns: m[0].count))
      exact =
        shift + spread - 2 * singular.reduce(0, +)
        / (Double(image.count - 1) * Double(text.count - 1)).squareRoot()
    }

    static func norm(_ row: [Double]) -> Double { row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    static func centred(_ rows: [[Double]], _ mean: [Double]) -> [[Double]] {
      rows.map { row in zip(row, mean).map { $0 - $1 } }
    }
    static func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
      a.map { x in b.map { y in zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } } }
    }
    static func moments(_ rows: [[Double]]) -> (mean: [Double], covariance: [[Double]]) {
      let mean = rows[0].indices.map { k in rows.reduce(0) { $0 + $1[k] } / Double(rows.count) }
      let c = centred(rows, mean)
      return (
        mean,
        mean.indices.map { i in
          mean.indices.map { j in c.reduce(0) { $0 + $1[i] * $1[j] } / Double(rows.count - 1) }
        }
      )
    }
  }

  @Test(arguments: [(5, 4, 9), (40, 33, 7), (8, 61, 13), (700, 530, 3)])
  func theSlowWayGivesTheSame(image: Int, text: Int, columns: Int) throws {
    var (a, b) = (Self.cloud(image, columns, seed: 1, length: 3), Self.cloud(text, columns, seed: 2))
    if image > 20 { a[3] = a[3].map { $0 * 40 } }
    if text > 30 { b[7] = b[7].map { Double(Float($0 * 30)) } }
    a = a.map { $0.map { Double(Float($0)) } }
    let slow = try Slow(a, b)
    let exact = try TokenCloudDistance(image: Self.block(a), text: Self.block(b), mode: .exact, pool: Self.pool)
    let fast = try TokenCloudDistance(
      image: Self.block(a), text: Self.block(b), mode: .referenceFast, pool: Self.pool)
    #expect(abs(exact.value - slow.exact) < 1e-9 * max(1, slow.exact), "\(exact.value) \(slow.exact)")
    #expect(abs(fast.value - slow.fast) < 1e-9 * max(1, abs(slow.fast)))
    #expect([exact.imageOutliers, exact.textOutliers] == slow.outliers)
    #expect(image <= 20 || slow.outliers[0] > 0)
  }

  @Test func equalCloudsAreNotApartAndAShiftIsItsSquare() throws {
    let rows = Self.cloud(50, 6, seed: 4)
    let same = try TokenCloudDistance(
      image: Self.block(rows), text: Self.block(rows), mode: .exact, pool: Self.pool)
    #expect(same.value < 1e-9)
    let fast = try TokenCloudDistance(
      image: Self.block(rows), text: Self.block(rows), mode: .referenceFast, pool: Self.pool)
    #expect(fast.value > 0.1)
    let moved = rows.map { row in row.enumerated().map { $0.offset == 2 ? $0.element + 0.5 : $0.element } }
    let length = rows.reduce(0) { $0 + Slow.norm($1) } / Double(rows.count)
    let shifted = try TokenCloudDistance(
      image: Self.block(moved), text: Self.block(rows), mode: .exact, pool: Self.pool)
    #expect(abs(shifted.value - 0.25 / (length * length)) < 1e-6)
  }

  @Test func whatIsNoCloudIsAnError() {
    let good = Self.cloud(5, 3, seed: 1)
    var broken = good
    broken[2][1] = .infinity
    let zero = good.map { $0.map { _ in 0.0 } }
    for (image, text) in [([good[0]], good), (good, [good[0]]), (broken, good), (good, broken), (good, zero)] {
      #expect(throws: MetricError.self) {
        try TokenCloudDistance(image: Self.block(image), text: Self.block(text), mode: .exact, pool: Self.pool)
      }
    }
  }
}
