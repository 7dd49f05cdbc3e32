extension Tensor {
  /// The same elements with the two axes of a matrix exchanged; no bytes move.
  ///
  /// A tensor that is no matrix is a programmer error.
  package var transposed: Tensor {
    precondition(shape.count == 2, "only a matrix is transposed")
    return Tensor(
      viewing: self, shape: [shape[1], shape[0]], strides: [strides[1], strides[0]], offset: offset)
  }

  /// The rows `range` of the first axis; no bytes move.
  ///
  /// Rows outside the tensor are a programmer error.
  package func rows(_ range: Range<Int>) -> Tensor {
    precondition(
      !shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows outside the tensor")
    return Tensor(
      viewing: self, shape: [range.count] + shape.dropFirst(), strides: strides,
      offset: range.isEmpty ? offset : offset + range.lowerBound * strides[0])
  }

  /// A matrix of the first axis against all others taken together.
  ///
  /// No bytes move where the others lie side by side; where they do not (a kernel that was saved in PyTorch's
  /// `channels_last`), it is a copy in single precision.
  ///
  /// - Throws: `TensorFileError` when a copy is needed and these are no numbers.
  package func flattenedRows() throws -> Tensor {
    precondition(shape.count >= 2, "no axes to take together")
    let inner = Array(shape.dropFirst())
    let isSideBySide = zip(zip(inner, strides.dropFirst()), TensorShape.rowMajorStrides(inner)).allSatisfy {
      $0.0 <= 1 || $0.1 == $1
    }
    guard !isSideBySide else {
      return Tensor(
        viewing: self, shape: [shape[0], rowElementCount], strides: [strides[0], 1], offset: offset)
    }
    let numbers: [Float] = try elements()
    let bytes = numbers.flatMap { number in
      (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
    }
    return try Tensor(
      name: name, elementType: .float32, shape: [shape[0], rowElementCount],
      region: ByteRegion(StoredBytes(copying: bytes), 0..<bytes.count), path: path)
  }
}
