import GapLinearAlgebra
import Testing

@Suite struct CoarseRowsTests {
  private typealias Rounding = CoarseRows.Rounding

  private static func packed(
    _ rows: Block<Double>, _ role: FixedPointRows.Role, _ rounding: CoarseRows.Rounding
  )
    -> CoarseRows
  {
    let packed = CoarseRows(role, capacity: rows.rows, rounding: rounding)
    for i in 0..<rows.rows { rows.row(i) { packed.set(i, to: $0) } }
    return packed
  }

  /// Centres that lie far from the rows, scales that cut numbers, and a scale beyond any use.
  private static func roundings(_ dimension: Int) -> [CoarseRows.Rounding] {
    let centre = (0..<dimension).map { 0.5 * Double($0 % 3 - 1) / Double(dimension).squareRoot() }
    let none = [Double](repeating: 0, count: dimension)
    return [
      CoarseRows.Rounding(leftCentre: none, leftScale: 127, rightCentre: none, rightScale: 127),
      CoarseRows.Rounding(leftCentre: centre, leftScale: 400, rightCentre: none, rightScale: 90),
      CoarseRows.Rounding(
        leftCentre: none, leftScale: 31, rightCentre: centre, rightScale: CoarseRows.largestScale),
    ]
  }

  /// The sums themselves against the formula in whole numbers, and the bound against exact scores.
  @Test(arguments: [(1, 1, 1), (13, 101, 2), (8, 48, 37), (17, 49, 255), (9, 95, 257), (30, 50, 768)])
  func sumsAreExactAndWithinTheBound(rows: Int, columns: Int, dimension: Int) {
    guard CoarseRows.isSupported else { return }
    let (a, b) = (Samples.unit(rows, dimension, seed: 1), Samples.unit(columns, dimension, seed: 2))
    let (x, y) = (Samples.elements(a), Samples.elements(b))
    for rounding in Self.roundings(dimension) {
      let (left, right) = (Self.packed(a, .left, rounding), Self.packed(b, .right, rounding))
      let scores = Buffer<Int32>(
        repeating: -1,
        count: FixedPointProducts.paddedRows(rows) * FixedPointProducts.paddedColumns(columns))
      let found = CoarseRows.inner(left, 0..<rows, right, 0..<columns, into: scores)
      let bound = CoarseRows.bound(left, of: rows, right, of: columns)
      var (wrong, beyond) = (0, 0)
      for i in 0..<rows {
        for j in 0..<columns {
          var (sum, ofLeft, ofRight, exact) = (0, 0.0, 0.0, 0.0)
          for k in 0..<dimension {
            let (p, q) = (x[i * dimension + k], y[j * dimension + k])
            sum +=
              rounded(p - rounding.leftCentre[k], rounding.leftScale)
              * rounded(q - rounding.rightCentre[k], rounding.rightScale)
            ofLeft += (p - rounding.leftCentre[k]) * rounding.rightCentre[k]
            ofRight += rounding.leftCentre[k] * q
            exact += p * q
          }
          let score = Int(found.buffer[i * found.stride + j])
          let expected =
            sum + Int((ofLeft * rounding.one).rounded()) + Int((ofRight * rounding.one).rounded())
          // The offsets' sums may run in another order, and round to the other side.
          if abs(score - expected) > 1 { wrong += 1 }
          if abs(Double(score) / rounding.one - exact) > bound + 1e-12 { beyond += 1 }
        }
      }
      #expect(wrong == 0 && beyond == 0, "scales \(rounding.leftScale), \(rounding.rightScale)")
    }
  }

  private func rounded(_ x: Double, _ scale: Double) -> Int {
    Int(min(max(x * scale, -127), 127).rounded(.toNearestOrAwayFromZero))
  }

  @Test func aRunOfPanelsIsThatPartOfTheWhole() {
    guard CoarseRows.isSupported else { return }
    let rounding = Self.roundings(33)[1]
    let left = Self.packed(Samples.unit(40, 33, seed: 3), .left, rounding)
    let right = Self.packed(Samples.unit(200, 33, seed: 4), .right, rounding)
    let (whole, part) = (
      Buffer<Int32>(repeating: 0, count: 40 * 240), Buffer<Int32>(repeating: 0, count: 40 * 240)
    )
    let all = CoarseRows.inner(left, 0..<40, right, 0..<200, into: whole)
    let some = CoarseRows.inner(left, 16..<37, right, 96..<199, into: part)
    #expect(some.rows == 21 && some.columns == 103)
    for i in 0..<21 {
      for j in 0..<103 {
        #expect(some.buffer[i * some.stride + j] == all.buffer[(i + 16) * all.stride + j + 96])
      }
    }
  }

  /// Rows that lie apart give what panels give.
  @Test(arguments: [1, 2, 33, 768]) func rowsApart(dimension: Int) {
    let (a, b) = (Samples.unit(5, dimension, seed: 5), Samples.unit(7, dimension, seed: 6))
    func packed(_ rows: Block<Double>, _ role: FixedPointRows.Role) -> FixedPointRows {
      let packed = FixedPointRows(role, capacity: rows.rows, dimension: dimension)
      for i in 0..<rows.rows { rows.row(i) { packed.set(i, to: $0) } }
      return packed
    }
    let scores = Buffer<Int32>(repeating: 0, count: 8 * 48)
    let found = FixedPointProducts.inner(packed(a, .left), 0..<5, packed(b, .right), 0..<7, into: scores)
    let (left, right) = (packed(a, .apart), packed(b, .apart))
    for i in 0..<5 { for j in 0..<7 { #expect(left.dot(i, right, j) == found.buffer[i * found.stride + j]) } }
    #expect(left.largestError(of: 5) == packed(a, .left).largestError(of: 5))
  }
}
