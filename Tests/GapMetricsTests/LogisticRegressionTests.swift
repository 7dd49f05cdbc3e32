import Foundation
import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct LogisticRegressionTests {
  /// The gradient of `½‖w‖² + Σ log(1 + exp(−y f))` by its definition.
  private static func gradient(_ rows: [[Double]], _ labels: [Double], _ weights: [Double]) -> [Double] {
    let d = rows[0].count
    var gradient = weights
    gradient[d] = 0
    for (row, label) in zip(rows, labels) where label != 0 {
      let f = zip(row, weights).reduce(weights[d]) { $0 + $1.0 * $1.1 }
      let slope = -label / (1 + exp(label * f))
      for k in 0..<d { gradient[k] += slope * row[k] }
      gradient[d] += slope
    }
    return gradient
  }

  private static func overlapping(_ count: Int, _ d: Int) -> (rows: [[Double]], labels: [Double]) {
    var generator = SeededGenerator(seed: 16)
    let labels = (0..<count).map { $0 < count / 2 ? 1.0 : -1.0 }
    return (labels.map { label in (0..<d).map { _ in generator.normal() + label / 3 } }, labels)
  }

  @Test(arguments: [(40, 3), (300, 70), (130, 1)])
  func theGradientVanishesAtTheOptimum(count: Int, dimension: Int) throws {
    let (rows, labels) = Self.overlapping(count, dimension)
    let block = Block(Buffer(rows.flatMap { $0 }), rows: count, columns: dimension)
    let model = try LogisticRegression(rows: block, labels: labels, pool: WorkerPool(threads: 2))
    let slope = Self.gradient(rows, labels, model.weights).reduce(0) { max($0, abs($1)) }
    #expect(slope <= 1e-9 * Double(count))
  }

  @Test func aStartNearbyLeadsToTheSameOptimum() throws {
    let (rows, labels) = Self.overlapping(200, 12)
    let block = Block(Buffer(rows.flatMap { $0 }), rows: 200, columns: 12)
    let pool = WorkerPool(threads: 2)
    let whole = try LogisticRegression(rows: block, labels: labels, pool: pool)
    let curvature = try whole.curvature(times: 0.8, block, labels, pool: pool)
    let training = labels.indices.map { $0 % 5 == 2 ? 0 : labels[$0] }
    let cold = try LogisticRegression(rows: block, labels: training, pool: pool)
    let warm = try LogisticRegression(
      rows: block, labels: training, start: whole.weights, curvature: curvature, pool: pool)
    let worst = zip(cold.weights, warm.weights).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= 1e-7)
    let slope = Self.gradient(rows, training, warm.weights).reduce(0) { max($0, abs($1)) }
    #expect(slope <= 1e-9 * 160)
  }

  @Test func areaUnderTheCurveCountsTiesHalf() {
    #expect(LinearSeparability.areaUnderCurve(positive: [2, 3], negative: [0, 1]) == 1)
    #expect(LinearSeparability.areaUnderCurve(positive: [1, 1], negative: [1, 1]) == 0.5)
    #expect(LinearSeparability.areaUnderCurve(positive: [1, 2], negative: [1, 0]) == 0.875)
  }
}
