import CGapKernels

/// Rows as 8-bit numbers about a centre, for products twice as fast as those of `FixedPointRows` and coarser.
///
/// With centres `c_x`, `c_y` and `q_x = round(s_x (x − c_x))`, likewise `q_y`:
///
/// ```
/// x·y = (x − c_x)·(y − c_y) + x·c_y + c_x·y − c_x·c_y
/// |x·y − (q_x·q_y + o_x + o_y) / (s_x s_y)| ≤ e_x l_y + (l_x + e_x) e_y + 1 / (s_x s_y)
/// e = ‖x − c − q / s‖     l = ‖x − c‖     o: the other terms, times s_x s_y, rounded
/// ```
///
/// Centres keep numbers small that all rows share, such as the few large ones of CLIP's embeddings. The bound holds for
/// any centres no longer than unit rows, and any scales.
package final class CoarseRows: Sendable {
  /// Whether this processor has such products.
  package static var isSupported: Bool { gap_coarse_suits() != 0 }
  /// Rows may be this long: no sum of products leaves 32 bits.
  package static let longest = 1 << 15
  /// Scales may be this large: no score of unit rows leaves 32 bits.
  package static let largestScale = 16_384.0

  /// How the rows of both sides are rounded.
  package struct Rounding: Sendable {
    /// Of each side, [dimension].
    package let leftCentre: [Double]
    package let rightCentre: [Double]
    package let leftScale: Double
    package let rightScale: Double

    /// - Parameters:
    ///   - leftScale: what 1 becomes, at most `largestScale`; numbers beyond 127 are cut.
    package init(leftCentre: [Double], leftScale: Double, rightCentre: [Double], rightScale: Double) {
      precondition(leftCentre.count == rightCentre.count)
      // Not for centres of no rows either, which are no numbers.
      precondition([leftCentre, rightCentre].allSatisfy { RowKernels.norm($0.span) <= 1 + 1e-6 })
      precondition(leftScale > 0 && leftScale <= largestScale && rightScale > 0 && rightScale <= largestScale)
      self.leftCentre = leftCentre
      self.rightCentre = rightCentre
      self.leftScale = leftScale
      self.rightScale = rightScale
    }

    /// What a score of 1 becomes.
    package var one: Double { leftScale * rightScale }
  }

  package let role: FixedPointRows.Role
  package let capacity: Int
  package let rounding: Rounding
  private let panels: Buffer<UInt8>
  private let offsets: Buffer<Int32>
  private let errors: Buffer<Double>
  private let lengths: Buffer<Double>

  package var dimension: Int { rounding.leftCentre.count }
  private var words: Int { (dimension + 3) / 4 }
  private var isLeft: Bool { role == .left }

  /// Room for `capacity` rows, left or right.
  package init(_ role: FixedPointRows.Role, capacity: Int, rounding: Rounding) {
    precondition(role != .apart && rounding.leftCentre.count <= Self.longest)
    self.role = role
    self.capacity = capacity
    self.rounding = rounding
    let padded = (capacity + role.lanes - 1) / role.lanes * role.lanes
    panels = Buffer(repeating: 0, count: padded * 4 * ((rounding.leftCentre.count + 3) / 4))
    offsets = Buffer(repeating: 0, count: padded)
    errors = Buffer(repeating: 0, count: capacity)
    lengths = Buffer(repeating: 0, count: capacity)
  }

  /// Rounds a row into place.
  package func set(_ index: Int, to row: Span<Double>) {
    precondition(index >= 0 && index < capacity && row.count == dimension)
    let (panel, lane) = index.quotientAndRemainder(dividingBy: role.lanes)
    let extent = role.lanes * words * 4
    let (centre, other) =
      isLeft ? (rounding.leftCentre, rounding.rightCentre) : (rounding.rightCentre, rounding.leftCentre)
    let scale = isLeft ? rounding.leftScale : rounding.rightScale
    let packed = unsafe row.withUnsafeBufferPointer { row in
      unsafe centre.withUnsafeBufferPointer { centre in
        guard let from = row.baseAddress, let about = centre.baseAddress else { return gap_coarse_row() }
        return unsafe gap_coarse_pack(
          from, about, row.count, scale, panels.pointer(at: panel * extent, reaching: extent), lane,
          isLeft ? 1 : 0)
      }
    }
    errors[index] = packed.error
    lengths[index] = packed.length
    var constant = RowKernels.dot(row, other.span)
    if isLeft { constant -= RowKernels.dot(centre.span, other.span) }
    offsets[index] = Int32((constant * rounding.one).rounded()) - (isLeft ? 0 : 128 * packed.sum)
  }

  /// The largest error and the largest length of the first `count` rows.
  private func largest(of count: Int) -> (error: Double, length: Double) {
    (0..<count).reduce((0, 0)) { (max($0.0, errors[$1]), max($0.1, lengths[$1])) }
  }

  /// How far a score, divided by `one`, may lie from the exact one, but for the rounding of Double.
  package static func bound(_ left: CoarseRows, of rows: Int, _ right: CoarseRows, of columns: Int) -> Double {
    let (x, y) = (left.largest(of: rows), right.largest(of: columns))
    return x.error * y.length + (x.length + x.error) * y.error + 1 / left.rounding.one
  }

  /// `scores[i, j] = left row i · right row j`, times `one`; ranges and room as for `FixedPointProducts.inner`.
  package static func inner(
    _ left: CoarseRows, _ rows: Range<Int>, _ right: CoarseRows, _ columns: Range<Int>,
    into scores: Buffer<Int32>
  ) -> Block<Int32> {
    precondition(left.role == .left && right.role == .right && left.dimension == right.dimension)
    precondition(isSupported, "this processor has no products of 8-bit numbers")
    let stride = FixedPointProducts.paddedColumns(columns.count)
    let (own, other) = (left.panels(holding: rows), right.panels(holding: columns))
    unsafe gap_coarse_products(
      left.pointer(to: own), left.offsets(of: own), own.count, right.pointer(to: other),
      right.offsets(of: other), other.count, left.words,
      scores.pointer(at: 0, reaching: FixedPointProducts.paddedRows(rows.count) * stride), stride)
    return Block(scores, rows: rows.count, columns: columns.count, stride: stride)
  }

  private func panels(holding rows: Range<Int>) -> Range<Int> {
    precondition(rows.lowerBound % role.lanes == 0 && rows.upperBound <= capacity)
    return rows.lowerBound / role.lanes..<(rows.upperBound + role.lanes - 1) / role.lanes
  }

  @unsafe private func pointer(to range: Range<Int>) -> UnsafePointer<UInt8> {
    let extent = role.lanes * words * 4
    return unsafe UnsafePointer(panels.pointer(at: range.lowerBound * extent, reaching: range.count * extent))
  }

  @unsafe private func offsets(of range: Range<Int>) -> UnsafePointer<Int32> {
    unsafe UnsafePointer(
      offsets.pointer(at: range.lowerBound * role.lanes, reaching: range.count * role.lanes))
  }
}
