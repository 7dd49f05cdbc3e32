package import GapLinearAlgebra

/// Vectors read off a model as a source of embedding rows, row i that of pair i.
public struct VectorRows: EmbeddingRows {
  /// Number of pairs.
  public var count: Int { places.count }
  /// Numbers in a row.
  public var dimension: Int { vectors.columns }
  /// What messages call it.
  public let label: String
  private let vectors: Block<Float>
  /// For each pair, its row in the block.
  private let places: [Int]

  package init(_ vectors: Block<Float>, places: [Int], label: String) {
    self.vectors = vectors
    self.places = places
    self.label = label
  }

  /// Copies rows.
  public func read(_ rows: Range<Int>, into target: inout MutableSpan<Double>) {
    var next = 0
    for place in rows {
      vectors.row(places[place]) { row in
        for k in row.indices { target[next + k] = Double(row[k]) }
      }
      next += dimension
    }
  }

  /// All rows, [count · dimension].
  package var numbers: [Float] {
    places.flatMap { place in vectors.row(place) { row in row.indices.map { row[$0] } } }
  }
}
