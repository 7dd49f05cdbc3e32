/// Counts points in the cells of an upright grid, for clouds of too many points to draw one by one.
///
/// It is filled point by point, so that data may stream through it.
public struct DensityGrid: Equatable, Sendable {
  /// The number of cells in a row.
  public let columns: Int

  /// The number of rows, the first one at the smallest y.
  public let rows: Int

  /// The horizontal range of the grid.
  public let x: ClosedRange<Double>

  /// The vertical range of the grid.
  public let y: ClosedRange<Double>

  /// Points in each cell, [rows, columns].
  public private(set) var counts: [Int]

  /// Points added so far, with those outside the grid.
  public private(set) var total = 0

  /// Makes an empty grid.
  ///
  /// - Parameters:
  ///   - columns: 1…4096; any other is a programmer error.
  ///   - rows: 1…4096; any other is a programmer error.
  ///   - x: the horizontal range, not empty.
  ///   - y: the vertical range, not empty.
  /// - Throws: `PlotError.range` for a range that is empty or not finite.
  public init(columns: Int, rows: Int, x: ClosedRange<Double>, y: ClosedRange<Double>) throws(PlotError) {
    precondition((1...4096).contains(columns) && (1...4096).contains(rows), "1 to 4096 cells a side")
    for (name, range) in [("x", x), ("y", y)] {
      guard range.upperBound - range.lowerBound > 0, (range.upperBound - range.lowerBound).isFinite else {
        throw .range(axis: name, lower: range.lowerBound, upper: range.upperBound)
      }
    }
    self.columns = columns
    self.rows = rows
    self.x = x
    self.y = y
    counts = Array(repeating: 0, count: columns * rows)
  }

  /// Counts one point; one outside the grid, or NaN, adds to the total only.
  public mutating func add(_ point: PlotPoint) {
    total += 1
    guard x.contains(point.x), y.contains(point.y) else { return }
    let across = (point.x - x.lowerBound) / (x.upperBound - x.lowerBound)
    let up = (point.y - y.lowerBound) / (y.upperBound - y.lowerBound)
    let column = min(columns - 1, Int(across * Double(columns)))
    let row = min(rows - 1, Int(up * Double(rows)))
    counts[row * columns + column] += 1
  }

  /// The opacity of each cell, [rows, columns] with the first row at the top: clear without a point, and rising with
  /// the square root of the count, so that thin parts of a cloud stay visible beside its core.
  func opacity() -> [UInt8] {
    let largest = Double(counts.max() ?? 0)
    var opacity: [UInt8] = []
    opacity.reserveCapacity(counts.count)
    for row in (0..<rows).reversed() {
      for count in counts[(row * columns)..<((row + 1) * columns)] {
        let share = count == 0 ? 0 : 0.1 + 0.82 * (Double(count) / largest).squareRoot()
        opacity.append(UInt8((share * 255).rounded()))
      }
    }
    return opacity
  }
}
