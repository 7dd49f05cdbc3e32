public import GapMetrics
public import GapTensorFiles

/// A tensor [n, d] in a file as a source of embedding rows.
public struct TensorRows: EmbeddingRows {
  /// The tensor that the rows are read from.
  public let tensor: Tensor
  /// What messages call it.
  public let label: String

  /// The first axis.
  public var count: Int { tensor.shape[0] }
  /// The second axis.
  public var dimension: Int { tensor.shape[1] }

  /// Takes a tensor as rows.
  ///
  /// - Parameters:
  ///   - tensor: [n, d] of a floating-point type.
  ///   - label: what messages call it.
  /// - Throws: `DatasetError.wrongShape` when it has not two axes or has empty rows; `TensorFileError` when its
  ///   elements are not floating-point numbers.
  public init(_ tensor: Tensor, label: String) throws {
    try tensor.requireNumbers()
    guard tensor.shape.count == 2, tensor.shape[1] > 0 else {
      throw DatasetError.wrongShape(label: label, expected: "(pairs, dimensions)", found: tensor.shape)
    }
    self.tensor = tensor
    self.label = label
  }

  /// Reads rows from the file, whatever type it stores.
  ///
  /// - Throws: `TensorFileError` when the bytes cannot be read.
  public func read(_ rows: Range<Int>, into target: inout MutableSpan<Double>) throws {
    try tensor.read(rows: rows, into: &target)
  }

  /// Gives the mapped pages of these rows back.
  public func release(_ rows: Range<Int>) { tensor.release(rows: rows) }
}
