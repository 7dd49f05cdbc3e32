extension Tensor {
  /// Reads rows as `Double`, whatever floating-point type is stored; exact, since `Double` holds every one of them.
  ///
  /// - Parameters:
  ///   - rows: indices of the first axis; outside it is a programmer error, as is a tensor without axes.
  ///   - target: [rows, all other axes], last axis fastest; another length is a programmer error.
  /// - Throws: `notNumbers`, `quantised` or `pickledObjects` for elements that are no floats; faults of a
  ///   compressed member at the first read of it.
  /// - Complexity: O(e) for e elements; one vector loop where rows lie side by side, blocks of 128 otherwise.
  public func read(rows: Range<Int>, into target: inout MutableSpan<Double>) throws {
    try widen(rows: rows, into: &target)
  }

  /// Reads rows as `Float`; F64 elements are rounded to nearest.
  ///
  /// - Parameters:
  ///   - rows: indices of the first axis; outside it is a programmer error, as is a tensor without axes.
  ///   - target: [rows, all other axes], last axis fastest; another length is a programmer error.
  /// - Throws: `notNumbers`, `quantised` or `pickledObjects` for elements that are no floats; faults of a
  ///   compressed member at the first read of it.
  /// - Complexity: O(e) for e elements; one vector loop where rows lie side by side, blocks of 128 otherwise.
  public func read(rows: Range<Int>, into target: inout MutableSpan<Float>) throws {
    try widen(rows: rows, into: &target)
  }

  /// Reads the whole tensor, last axis fastest; for small uses.
  ///
  /// - Throws: as `read(rows:into:)`.
  public func elements() throws -> [Double] { try whole() }

  /// Reads the whole tensor as `Float`, last axis fastest; for small uses.
  ///
  /// - Throws: as `read(rows:into:)`.
  public func elements() throws -> [Float] { try whole() }

  /// Throws the reason why the elements cannot be read as numbers, if they cannot.
  public func requireNumbers() throws {
    let place = TensorFileError.Place(path: path, item: name)
    switch elementType {
    case .float64, .float32, .float16, .bfloat16: return
    case .other("object", _): throw TensorFileError.pickledObjects(place)
    case .other(_, bits: nil) where GGUFElementType.isQuantised(elementType.name):
      throw TensorFileError.quantised(place, type: elementType)
    case .other: throw TensorFileError.notNumbers(place, type: elementType)
    }
  }

  private func whole<T: WorkingNumber>() throws -> [T] {
    try requireNumbers()
    guard elementCount > 0 else { return [] }
    var result = [T](repeating: 0, count: elementCount)
    var target = result.mutableSpan
    try widen(axes: StridedAxis.list(shape, strides), from: offset, into: &target)
    return result
  }

  private func widen<T: WorkingNumber>(rows: Range<Int>, into target: inout MutableSpan<T>) throws {
    precondition(
      !shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0], "rows outside the tensor")
    precondition(target.count == rows.count * rowElementCount, "the target holds another number of elements")
    try requireNumbers()
    guard target.count > 0 else { return }
    let part = [rows.count] + shape.dropFirst()
    try widen(axes: StridedAxis.list(part, strides), from: offset + rows.lowerBound * strides[0], into: &target)
  }

  private func widen<T: WorkingNumber>(
    axes: [StridedAxis], from first: Int, into target: inout MutableSpan<T>
  ) throws {
    guard target.count > 0 else { return }
    let copy = StridedCopy(
      bytes: try region.bytes(), start: region.start, first: first, type: elementType, swapped: isBigEndian,
      axes: axes)
    unsafe target.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { unsafe copy.run(into: base) }
    }
  }
}
