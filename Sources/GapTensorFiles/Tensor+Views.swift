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

  /// A matrix of the first axis against all others taken together; the others must lie side by side.
  package var flattenedRows: Tensor {
    precondition(shape.count >= 2, "no axes to take together")
    let inner = Array(shape.dropFirst())
    precondition(
      Array(strides.dropFirst()) == TensorShape.rowMajorStrides(inner) || inner.filter({ $0 > 1 }).count <= 1,
      "axes that do not lie side by side")
    return Tensor(
      viewing: self, shape: [shape[0], rowElementCount], strides: [strides[0], 1], offset: offset)
  }
}
