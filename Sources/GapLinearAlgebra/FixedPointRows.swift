import CGapKernels

/// Unit rows as 16-bit fixed-point numbers: a number x becomes `round(32767 x)`.
///
/// ```
/// |x·y − (q_x·q_y) / 32767²| ≤ e_x + (1 + e_x) e_y,   e = ‖x − q_x / 32767‖
/// ```
///
/// Their products are whole numbers, added exactly, so that rounding the rows is the only error and is known for
/// every row (about √d · 9e-6). Made to decide comparisons of scores quickly; what it cannot decide is for the caller
/// to score again.
package final class FixedPointRows: Sendable {
  /// Which factor of a product the rows are, which settles how they lie in memory.
  package enum Role: Sendable {
    case left, right
    /// Neither: each lies by itself, to be multiplied by `dot`.
    case apart

    /// Rows that lie side by side in a panel; pieces of work begin at its multiples.
    package var lanes: Int {
      switch self {
      case .left: Int(GAP_FIXED_LEFT)
      case .right: Int(GAP_FIXED_RIGHT)
      case .apart: 1
      }
    }
  }

  /// What 1 becomes.
  package static let one = Double(GAP_FIXED_ONE)

  package let role: Role
  /// The most rows that fit.
  package let capacity: Int
  package let dimension: Int
  private let panels: Buffer<Int16>
  private let errors: Buffer<Double>

  /// Room for `capacity` rows, all zero.
  package init(_ role: Role, capacity: Int, dimension: Int) {
    self.role = role
    self.capacity = capacity
    self.dimension = dimension
    let panelCount = (capacity + role.lanes - 1) / role.lanes
    panels = Buffer(repeating: 0, count: panelCount * role.lanes * 2 * ((dimension + 1) / 2))
    errors = Buffer(repeating: 0, count: capacity)
  }

  /// 32-bit words of a row.
  fileprivate var words: Int { (dimension + 1) / 2 }

  /// Rounds a unit row into place.
  package func set(_ index: Int, to row: Span<Double>) {
    precondition(index >= 0 && index < capacity && row.count == dimension)
    let (panel, lane) = index.quotientAndRemainder(dividingBy: role.lanes)
    let extent = role.lanes * words * 2
    errors[index] = unsafe row.withUnsafeBufferPointer { row in
      guard let base = row.baseAddress else { return 0 }
      let target = unsafe panels.pointer(at: panel * extent, reaching: extent)
      return unsafe gap_fixed_pack(base, row.count, target, lane, role.lanes)
    }
  }

  /// One row times a row of `other`, times 32767²; both lie apart.
  package func dot(_ index: Int, _ other: FixedPointRows, _ otherIndex: Int) -> Int32 {
    precondition(role == .apart && other.role == .apart && dimension == other.dimension)
    precondition(index >= 0 && index < capacity && otherIndex >= 0 && otherIndex < other.capacity)
    return unsafe gap_fixed_dot(
      pointer(to: index..<index + 1), other.pointer(to: otherIndex..<otherIndex + 1), words)
  }

  /// The largest rounding error of the first `count` rows.
  package func largestError(of count: Int) -> Double {
    errors.read(0..<count) { errors in
      var largest = 0.0
      for i in errors.indices { largest = max(largest, errors[i]) }
      return largest
    }
  }

  /// The panels that hold `rows`, which begins at the start of one.
  fileprivate func panels(holding rows: Range<Int>) -> Range<Int> {
    precondition(rows.lowerBound % role.lanes == 0 && rows.upperBound <= capacity)
    return rows.lowerBound / role.lanes..<(rows.upperBound + role.lanes - 1) / role.lanes
  }

  @unsafe fileprivate func pointer(to panelRange: Range<Int>) -> UnsafePointer<Int16> {
    let extent = role.lanes * words * 2
    return unsafe UnsafePointer(
      panels.pointer(at: panelRange.lowerBound * extent, reaching: panelRange.count * extent))
  }
}

/// Products of fixed-point rows.
package enum FixedPointProducts {
  /// The instructions to use: all give the same numbers.
  package enum Kernel: Int32, Sendable, CaseIterable {
    /// The fastest that the processor has.
    case fastest = 0
    /// At most AVX2.
    case avx2 = 1
    /// No special instructions.
    case plain = 2
  }

  /// The rows of scores that hold `rows` left rows: whole panels.
  package static func paddedRows(_ rows: Int) -> Int { padded(rows, FixedPointRows.Role.left.lanes) }
  /// The columns of scores that hold `columns` right rows: whole panels.
  package static func paddedColumns(_ columns: Int) -> Int { padded(columns, FixedPointRows.Role.right.lanes) }

  private static func padded(_ count: Int, _ lanes: Int) -> Int { (count + lanes - 1) / lanes * lanes }

  /// `scores[i, j] = left row i · right row j`, times 32767².
  ///
  /// - Parameters:
  ///   - rows: left rows; the range begins at a multiple of the left lanes.
  ///   - columns: right rows; the range begins at a multiple of the right lanes.
  ///   - scores: at least [paddedRows, paddedColumns], padding included; scores beyond the ranges mean nothing.
  /// - Returns: the scores as [rows, columns].
  package static func inner(
    _ left: FixedPointRows, _ rows: Range<Int>, _ right: FixedPointRows, _ columns: Range<Int>,
    into scores: Buffer<Int32>, kernel: Kernel = .fastest
  ) -> Block<Int32> {
    precondition(left.role == .left && right.role == .right && left.dimension == right.dimension)
    let stride = paddedColumns(columns.count)
    let (leftPanels, rightPanels) = (left.panels(holding: rows), right.panels(holding: columns))
    unsafe gap_fixed_products(
      left.pointer(to: leftPanels), leftPanels.count, right.pointer(to: rightPanels), rightPanels.count,
      left.words, scores.pointer(at: 0, reaching: paddedRows(rows.count) * stride), stride, kernel.rawValue)
    return Block(scores, rows: rows.count, columns: columns.count, stride: stride)
  }
}
