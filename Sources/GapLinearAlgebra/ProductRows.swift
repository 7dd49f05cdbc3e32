import CGapKernels

/// Rows of activations in the precision that products with frozen weights take them in, [rows, columns], one after the
/// other.
///
/// What lies between two products of a block is written once in that precision, and what the gradient needs is kept in
/// it: with bfloat16, half the memory. Numbers are widened to single precision to be worked on.
package struct ProductRows: Sendable {
  package let rows: Int
  package let columns: Int
  let numbers: Numbers

  enum Numbers: Sendable {
    case single(Buffer<Float>)
    /// The upper halves of single-precision numbers.
    case bfloat16(Buffer<UInt16>)
  }
  /// Index of the first number.
  let offset: Int

  private init(_ numbers: Numbers, offset: Int, rows: Int, columns: Int) {
    self.numbers = numbers
    self.offset = offset
    self.rows = rows
    self.columns = columns
  }

  /// Rows that hold anything: whoever asks for them writes all of them.
  package static func unset(_ rows: Int, _ columns: Int, _ precision: ProductPrecision) -> ProductRows {
    let numbers: Numbers =
      switch precision {
      case .single: .single(Buffer(unset: rows * columns))
      case .bfloat16: .bfloat16(Buffer(unset: rows * columns))
      }
    return ProductRows(numbers, offset: 0, rows: rows, columns: columns)
  }

  /// The rows `range` of these.
  package func rows(_ range: Range<Int>) -> ProductRows {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return ProductRows(
      numbers, offset: offset + range.lowerBound * columns, rows: range.count, columns: columns)
  }

  /// The first `count` rows.
  package func first(_ count: Int) -> ProductRows { rows(0..<count) }

  package var precision: ProductPrecision {
    switch numbers {
    case .single: .single
    case .bfloat16: .bfloat16
    }
  }

  var extent: Int { rows * columns }

  var type: Int32 { precision.type }

  @unsafe var pointer: UnsafeMutableRawPointer {
    switch numbers {
    case .single(let buffer): unsafe UnsafeMutableRawPointer(buffer.pointer(at: offset, reaching: extent))
    case .bfloat16(let buffer): unsafe UnsafeMutableRawPointer(buffer.pointer(at: offset, reaching: extent))
    }
  }

  /// The first of numbers that are bfloat16.
  @unsafe var halves: UnsafeMutablePointer<UInt16> {
    guard case .bfloat16(let buffer) = numbers else {
      preconditionFailure("bfloat16 is asked of single precision")
    }
    return unsafe buffer.pointer(at: offset, reaching: extent)
  }

  /// The same rows, where they are in single precision.
  package var block: Block<Float> {
    guard case .single(let buffer) = numbers else {
      preconditionFailure("single precision is asked of bfloat16")
    }
    return Block(buffer, offset: offset, rows: rows, columns: columns)
  }

  /// Rows in single precision, as they are.
  ///
  /// - Parameter block: one row after the other.
  package init(_ block: Block<Float>) {
    precondition(block.isDense)
    self.init(.single(block.buffer), offset: block.offset, rows: block.rows, columns: block.columns)
  }

  // MARK: Row operations

  /// Writes `f(gate) · up`, or `f(gate)` without `up`, number by number.
  package func activate(_ function: ActivationKernels.Function, gate: ProductRows, up: ProductRows?) {
    precondition(gate.matches(self) && up?.matches(self) ?? true)
    unsafe gap_activated_rows(gate.pointer, up?.pointer, type, pointer, extent, function.code)
  }

  /// The gradient of `activate` from `gradient`, which may be overwritten; these rows become that of the gate.
  ///
  /// - Parameters:
  ///   - gradient: [rows, columns], one after the other.
  ///   - ofUp: written to where there is `up`.
  package func activateGradient(
    _ function: ActivationKernels.Function, gate: ProductRows, up: ProductRows?, from gradient: Block<Float>,
    ofUp: ProductRows?
  ) {
    precondition(gate.matches(self) && up?.matches(self) ?? true && ofUp?.matches(self) ?? true)
    precondition((up == nil) == (ofUp == nil) && gradient.rows == rows && gradient.isDense)
    precondition(gradient.columns == columns)
    unsafe gap_activated_rows_gradient(
      gate.pointer, up?.pointer, type,
      gradient.buffer.pointer(at: gradient.offset, reaching: gradient.extent), pointer, ofUp?.pointer, extent,
      function.code)
  }

  /// Writes rows of x divided by the root of their mean square, as `ActivationKernels.normalizeBySquare` does.
  package func normalizeBySquare(_ x: Block<Float>, weight: [Float], offset: Float, epsilon: Float) {
    precondition(x.rows == rows && x.columns == columns && weight.count == columns)
    let source = unsafe x.buffer.pointer(at: x.offset, reaching: x.extent)
    let target = unsafe pointer
    unsafe weight.withUnsafeBufferPointer { weight in
      guard let factors = weight.baseAddress else { return }
      unsafe gap_rms_norm_rows(source, x.stride, factors, epsilon, offset, target, type, rows, columns)
    }
  }

  /// Rounds rows to this precision.
  package func copy(_ x: Block<Float>) {
    precondition(x.rows == rows && x.columns == columns)
    for i in 0..<rows {
      let source = unsafe x.buffer.pointer(at: x.offset + i * x.stride, reaching: columns)
      let start = offset + i * columns
      switch numbers {
      case .single(let buffer):
        unsafe buffer.pointer(at: start, reaching: columns).update(from: source, count: columns)
      case .bfloat16(let buffer):
        unsafe gap_narrow_bf16(source, buffer.pointer(at: start, reaching: columns), columns)
      }
    }
  }

  /// Adds the same numbers to every row.
  package func add(_ terms: [Float]) {
    precondition(terms.count == columns)
    let scratch = Block(Buffer<Float>(unset: columns), rows: 1, columns: columns)
    for i in 0..<rows {
      let start = offset + i * columns
      switch numbers {
      case .single(let buffer):
        buffer.write(start..<start + columns) { ActivationKernels.add(terms.span, to: &$0) }
      case .bfloat16(let buffer):
        let row = unsafe buffer.pointer(at: start, reaching: columns)
        unsafe gap_widen_bf16_f32(row, scratch.buffer.pointer(at: 0, reaching: columns), columns, 0)
        scratch.writeRow(0) { ActivationKernels.add(terms.span, to: &$0) }
        unsafe gap_narrow_bf16(scratch.buffer.pointer(at: 0, reaching: columns), row, columns)
      }
    }
  }

  private func matches(_ other: ProductRows) -> Bool {
    rows == other.rows && columns == other.columns && type == other.type
  }
}

extension ActivationKernels {
  /// Adds the gradient of `normalizeBySquare` at the rows x to `target`, from that of the outputs.
  ///
  /// - Parameter rounded: written to as well, in bfloat16; nil for none.
  package static func addNormalizeBySquareGradient(
    _ gradient: Block<Float>, at x: Block<Float>, weight: [Float], offset: Float, epsilon: Float,
    to target: Block<Float>, rounded: ProductRows? = nil
  ) {
    precondition(rounded.map { $0.rows == x.rows && $0.columns == x.columns } ?? true)
    precondition(gradient.rows == x.rows && target.rows == x.rows && gradient.isDense)
    precondition(gradient.columns == x.columns && target.columns == x.columns && weight.count == x.columns)
    let source = unsafe x.buffer.pointer(at: x.offset, reaching: x.extent)
    let slope = unsafe gradient.buffer.pointer(at: gradient.offset, reaching: gradient.extent)
    let sum = unsafe target.buffer.pointer(at: target.offset, reaching: target.extent)
    unsafe weight.withUnsafeBufferPointer { weight in
      guard let factors = weight.baseAddress else { return }
      unsafe gap_rms_norm_rows_gradient(
        source, x.stride, factors, epsilon, offset, slope, sum, target.stride, rounded?.halves, x.rows,
        x.columns)
    }
  }

  /// Turns each head of rows by the angles of the row's position: each pair `(x[i], x[i + half])` of a head, half =
  /// `cosines.columns`, by its angle; what is beyond 2 · half is left alone.
  ///
  /// - Parameters:
  ///   - x: [rows, heads · headWidth].
  ///   - cosines: [positions, half the width that is turned], one after the other; so are `sines`.
  ///   - positions: of each row.
  ///   - rounded: becomes the rows, rounded to bfloat16; nil for none.
  package static func rotateHeads(
    of x: Block<Float>, headWidth: Int, cosines: Block<Float>, sines: Block<Float>, positions: ArraySlice<Int>,
    rounded: ProductRows? = nil
  ) {
    precondition(x.columns % headWidth == 0 && 2 * cosines.columns <= headWidth && positions.count == x.rows)
    precondition(cosines.isDense && sines.isDense && sines.rows == cosines.rows)
    precondition(sines.columns == cosines.columns && positions.allSatisfy { (0..<cosines.rows).contains($0) })
    precondition(rounded.map { $0.rows == x.rows && $0.columns == x.columns } ?? true)
    let first = unsafe x.buffer.pointer(at: x.offset, reaching: x.extent)
    let c = unsafe cosines.buffer.pointer(at: cosines.offset, reaching: cosines.extent)
    let s = unsafe sines.buffer.pointer(at: sines.offset, reaching: sines.extent)
    unsafe positions.withUnsafeBufferPointer { positions in
      guard let places = positions.baseAddress else { return }
      unsafe gap_rotate_rows(
        first, x.stride, x.rows, x.columns / headWidth, headWidth, places, c, s, cosines.columns,
        rounded?.halves)
    }
  }
}
