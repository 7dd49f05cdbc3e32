import GapLinearAlgebra
import Testing

@testable import GapMetrics

@Suite struct ScoreErrorTests {
  /// The bound holds, and it is not so wide that it would decide nothing.
  @Test(arguments: [2, 33, 768])
  func everyScoreLiesWithinTheBound(dimension: Int) throws {
    let pair = try MadePairs.pair(MadePairs.numbers(70, dimension, seed: 10), dimension: dimension)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let left = FixedPointRows(.left, capacity: 70, dimension: dimension)
    let right = FixedPointRows(.right, capacity: 70, dimension: dimension)
    for i in 0..<70 {
      let (image, text) = (x[i], y[i])
      left.set(i, to: image.span)
      right.set(i, to: text.span)
    }
    let scores = Buffer<Int32>(repeating: 0, count: 72 * 96)
    let found = FixedPointProducts.inner(left, 0..<70, right, 0..<70, into: scores)
    let error = ScoreError(
      left: left.largestError(of: 70), right: right.largestError(of: 70), dimension: dimension)
    #expect(error.bound < 7e-4)
    var outside = 0
    for i in 0..<70 {
      for j in 0..<70 {
        let score = found.buffer[i * found.stride + j]
        let exact = exactDot(x[i], y[j])
        if abs(Double(score) / (32767 * 32767) - exact) > error.bound { outside += 1 }
        // A score is never outside the band of its own exact value.
        if !(error.low(exact)...error.high(exact)).contains(score) { outside += 1 }
      }
    }
    #expect(outside == 0)
  }

  /// The same of coarse scores, with and without the centre that most of a row is.
  @Test(arguments: [2, 33, 768])
  func everyCoarseScoreLiesWithinTheBound(dimension: Int) throws {
    guard CoarseRows.isSupported else { return }
    let pair = try MadePairs.pair(MadePairs.numbers(70, dimension, seed: 10), dimension: dimension)
    let (x, y) = (try pair.image.rowsOfNumbers(), try pair.text.rowsOfNumbers())
    let mean = (0..<dimension).map { k in x.reduce(0) { $0 + $1[k] } / 70 }
    for centre in [mean, [Double](repeating: 0, count: dimension)] {
      let rounding = CoarseRows.Rounding(
        leftCentre: centre, leftScale: 127, rightCentre: centre, rightScale: 200)
      let left = CoarseRows(.left, capacity: 70, rounding: rounding)
      let right = CoarseRows(.right, capacity: 70, rounding: rounding)
      for i in 0..<70 {
        let (image, text) = (x[i], y[i])
        left.set(i, to: image.span)
        right.set(i, to: text.span)
      }
      let scores = Buffer<Int32>(repeating: 0, count: 72 * 96)
      let found = CoarseRows.inner(left, 0..<70, right, 0..<70, into: scores)
      let error = ScoreError(left, of: 70, right, of: 70)
      var outside = 0
      for i in 0..<70 {
        for j in 0..<70 {
          let score = found.buffer[i * found.stride + j]
          let exact = exactDot(x[i], y[j])
          if abs(Double(score) / rounding.one - exact) > error.bound { outside += 1 }
          if !(error.low(exact)...error.high(exact)).contains(score) { outside += 1 }
        }
      }
      #expect(outside == 0)
    }
  }
}
