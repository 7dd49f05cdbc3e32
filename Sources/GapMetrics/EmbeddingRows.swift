import GapLinearAlgebra

/// A source of embedding rows that can be read in any order, as often as wanted.
///
/// A file, an array, a model's output: metrics ask no more of it. Reads from several threads at once must be safe.
public protocol EmbeddingRows: Sendable {
  /// Number of rows.
  var count: Int { get }
  /// Numbers in a row.
  var dimension: Int { get }
  /// What messages call it: a path and a key, or a name.
  var label: String { get }

  /// Writes rows, row-major, into `target`, whose count is `rows.count * dimension`.
  ///
  /// - Throws: whatever keeps the source from being read.
  func read(_ rows: Range<Int>, into target: inout MutableSpan<Double>) throws

  /// Says that these rows are not needed for now, so that a mapped file may give its pages back.
  func release(_ rows: Range<Int>)
}

extension EmbeddingRows {
  /// Does nothing: memory that the source owns stays.
  public func release(_ rows: Range<Int>) {}
}

/// Embedding rows in memory.
public struct EmbeddingMatrix: EmbeddingRows {
  /// Number of rows.
  public let count: Int
  /// Numbers in a row.
  public let dimension: Int
  /// What messages call it.
  public let label: String
  private let elements: [Double]

  /// Wraps row-major numbers.
  ///
  /// - Parameters:
  ///   - elements: [count, dimension], row-major.
  ///   - dimension: numbers in a row; must divide the number of elements (programmer error otherwise).
  ///   - label: what messages call it.
  public init(_ elements: [Double], dimension: Int, label: String = "embeddings") {
    precondition(dimension > 0 && elements.count % dimension == 0, "rows of \(dimension) numbers")
    self.elements = elements
    self.dimension = dimension
    self.label = label
    count = elements.count / dimension
  }

  /// Copies rows.
  public func read(_ rows: Range<Int>, into target: inout MutableSpan<Double>) {
    let start = rows.lowerBound * dimension
    for i in 0..<rows.count * dimension { target[i] = elements[start + i] }
  }
}
