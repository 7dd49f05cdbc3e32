import GapLinearAlgebra
import Testing

@Suite struct FixedPointRowsTests {
  private static func packed(_ rows: Block<Double>, _ role: FixedPointRows.Role) -> FixedPointRows {
    let packed = FixedPointRows(role, capacity: rows.rows, dimension: rows.columns)
    for i in 0..<rows.rows { rows.row(i) { packed.set(i, to: $0) } }
    return packed
  }

  private static func rounded(_ x: Double) -> Int { Int((x * 32767).rounded(.toNearestOrAwayFromZero)) }

  /// Sizes that no panel, chunk or pair of columns divides.
  @Test(arguments: [(1, 1, 1), (13, 101, 2), (8, 48, 37), (17, 49, 255), (9, 95, 257), (30, 50, 768)])
  func everyKernelGivesTheExactProducts(rows: Int, columns: Int, dimension: Int) {
    let a = Samples.unit(rows, dimension, seed: 1)
    let b = Samples.unit(columns, dimension, seed: 2)
    let (x, y) = (Samples.elements(a), Samples.elements(b))
    let (left, right) = (Self.packed(a, .left), Self.packed(b, .right))
    let scores = Buffer<Int32>(
      repeating: 0,
      count: FixedPointProducts.paddedRows(rows) * FixedPointProducts.paddedColumns(columns))
    for kernel in FixedPointProducts.Kernel.allCases {
      scores.fill(-1)
      let found = FixedPointProducts.inner(left, 0..<rows, right, 0..<columns, into: scores, kernel: kernel)
      var wrong = 0
      for i in 0..<rows {
        for j in 0..<columns {
          let expected = (0..<dimension).reduce(0) {
            $0 + Self.rounded(x[i * dimension + $1]) * Self.rounded(y[j * dimension + $1])
          }
          if Int(found.buffer[i * found.stride + j]) != expected { wrong += 1 }
        }
      }
      #expect(wrong == 0, "kernel \(kernel)")
    }
  }

  @Test func aRunOfPanelsIsThatPartOfTheWhole() {
    let (a, b) = (Samples.unit(40, 33, seed: 3), Samples.unit(200, 33, seed: 4))
    let (left, right) = (Self.packed(a, .left), Self.packed(b, .right))
    let whole = Buffer<Int32>(repeating: 0, count: 40 * 240)
    let part = Buffer<Int32>(repeating: 0, count: 40 * 240)
    let all = FixedPointProducts.inner(left, 0..<40, right, 0..<200, into: whole)
    let some = FixedPointProducts.inner(left, 16..<37, right, 96..<199, into: part)
    #expect(some.rows == 21 && some.columns == 103)
    for i in 0..<21 {
      for j in 0..<103 {
        #expect(some.buffer[i * some.stride + j] == all.buffer[(i + 16) * all.stride + j + 96])
      }
    }
  }

  /// Rows whose numbers all lie half-way between two steps lose most; one-hot rows lose nothing.
  @Test func theErrorIsWhatRoundingTook() {
    let d = 64
    let half = (0..<d).map { _ in 0.5 / 32767 }
    let oneHot = (0..<d).map { $0 == 5 ? -1.0 : 0 }
    let rows = FixedPointRows(.left, capacity: 2, dimension: d)
    rows.set(0, to: oneHot.span)
    #expect(rows.largestError(of: 1) == 0)
    rows.set(1, to: half.span)
    let expected = (0.25 * Double(d)).squareRoot() / 32767
    #expect(abs(rows.largestError(of: 2) - expected) <= 1e-15)
  }

  @Test func theLargestScoreDoesNotOverflow() {
    let row = [1.0]
    let (left, right) = (
      FixedPointRows(.left, capacity: 1, dimension: 1), FixedPointRows(.right, capacity: 1, dimension: 1)
    )
    left.set(0, to: row.span)
    right.set(0, to: row.span)
    let scores = Buffer<Int32>(repeating: 0, count: 8 * 48)
    _ = FixedPointProducts.inner(left, 0..<1, right, 0..<1, into: scores)
    #expect(scores[0] == 32767 * 32767)
  }
}
