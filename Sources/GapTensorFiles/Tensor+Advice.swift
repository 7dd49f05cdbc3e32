extension Tensor {
  /// Above so many runs a row, releasing costs more than it gives.
  private static let mostRuns = 1 << 16

  /// Tells the system that the pages of these rows are not needed now.
  ///
  /// A streamed file then does not count as resident memory. The pages are read again from the file if they are asked for again.
  ///
  /// Rows that do not lie side by side (Fortran order) are released run by run. Compressed members stay in memory.
  ///
  /// - Parameter rows: indices of the first axis; outside it is a programmer error.
  public func release(rows: Range<Int>) {
    precondition(
      !shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0], "rows outside the tensor")
    guard let bytes = region.fileBytes, let size = elementType.byteCount, !rows.isEmpty,
      elementCount > 0
    else { return }
    let first = offset + rows.lowerBound * strides[0]
    let last = first + (rows.count - 1) * strides[0]
    let inner = zip(shape, strides).dropFirst()
    let reach = inner.reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    func give(_ elements: Range<Int>) {
      bytes.advise(
        .notNeeded, region.start + elements.lowerBound * size..<region.start + elements.upperBound * size)
    }
    if strides[0] > reach || shape.count == 1 || rows.count == shape[0] {
      return give(first..<last + reach + 1)
    }
    var starts = [0]
    for (count, stride) in inner where count > 1 {
      if count > Self.mostRuns / starts.count { return }
      starts = starts.flatMap { start in (0..<count).map { start + $0 * stride } }
    }
    for start in starts { give(first + start..<last + start + 1) }
  }

  /// Tells the system that reads will jump about, so that it does not read ahead.
  public func adviseRandom() { advise(.random) }

  /// Tells the system that reads will go from the first row to the last, so that it reads far ahead.
  public func adviseSequential() { advise(.sequential) }

  private func advise(_ advice: StoredBytes.Advice) {
    guard let bytes = region.fileBytes, let size = elementType.byteCount, elementCount > 0 else { return }
    let reach = zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    let start = region.start + offset * size
    bytes.advise(advice, start..<start + (reach + 1) * size)
  }
}
