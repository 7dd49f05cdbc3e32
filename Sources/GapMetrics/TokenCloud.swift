import GapLinearAlgebra

/// The tokens of one modality at one layer, scaled, with those of unusual length replaced by the median token.
///
/// ```
/// z = s x;   where |‖z‖ − median ‖z‖| > 3 std ‖z‖ (ddof 1), z is the median of every dimension
/// ```
///
/// The median of an even count is the lower of the middle two, as PyTorch has it.
///
/// - Source: Huang et al., ICCV 2025, the authors' code.
struct TokenCloud: Sendable {
  /// Tokens that were replaced.
  let outliers: Int
  private let tokens: Block<Float>
  private let scale: Double
  private let isOutlier: [Bool]
  private let median: [Double]

  /// - Parameters:
  ///   - tokens: [n, d], which must not change while the cloud is used.
  ///   - norms: the length of each, unscaled.
  ///   - scale: s.
  init(_ tokens: Block<Float>, norms: [Double], scale: Double, pool: WorkerPool) throws {
    self.tokens = tokens
    self.scale = scale
    let lengths = norms.map { $0 * scale }
    var sorted = lengths
    let middle = Selection.element((lengths.count - 1) / 2, of: &sorted)
    let limit = 3 * Sample(lengths).standardDeviation
    let flags = lengths.map { abs($0 - middle) > limit }
    isOutlier = flags
    outliers = flags.count { $0 }
    median = outliers == 0 ? [] : try Self.medians(tokens, pool).map { $0 * scale }
  }

  /// The lower median of every column.
  private static func medians(_ tokens: Block<Float>, _ pool: WorkerPool) throws -> [Double] {
    try pool.map(tokens.columns) { _, column in
      var values = (0..<tokens.rows).map { i in tokens.row(i) { Double($0[column]) } }
      return Selection.element((values.count - 1) / 2, of: &values)
    }
  }

  /// The length of every token.
  static func norms(_ tokens: Block<Float>, _ pool: WorkerPool) throws -> [Double] {
    let pieces = Pieces(of: 0..<tokens.rows, size: 256)
    return try pool.map(pieces.count) { _, piece in
      pieces[piece].map { i in
        tokens.row(i) { row in
          var sum = 0.0
          for k in row.indices { sum += Double(row[k]) * Double(row[k]) }
          return sum.squareRoot()
        }
      }
    }.flatMap { $0 }
  }

  /// Mean of the tokens and `Σ (z − z̄)(z − z̄)ᵀ`; the latter only where there are more tokens than dimensions.
  func moments(_ pool: WorkerPool) throws -> (mean: [Double], scatter: Block<Double>, spread: Double) {
    let d = dimension
    let row = Buffer<Double>(repeating: 0, count: d)
    let total = Buffer<Double>(repeating: 0, count: d)
    for i in 0..<count {
      row.write(0..<d) { copyRow(i, into: &$0) }
      row.read(0..<d) { row in total.write(0..<d) { RowKernels.add(row, to: &$0) } }
    }
    let mean = total.array().map { $0 / Double(count) }
    let isWide = count <= d
    let side = isWide ? 0 : d
    let scatter = Block(Buffer<Double>(repeating: 0, count: side * side), rows: side, columns: side)
    var spread = 0.0
    for range in Pieces(of: 0..<count, size: 512).all {
      let centred = try CentredFactors.centredRows(self, range, mean: mean)
      for i in 0..<centred.rows { spread += centred.row(i) { RowKernels.dot($0, $0) } }
      if !isWide { try Products.add([.gram(centred, to: scatter)], on: pool) }
    }
    Products.mirrorUpper(scatter)
    return (mean, scatter, spread)
  }
}

extension TokenCloud: FactoredRows {
  var count: Int { tokens.rows }
  var dimension: Int { tokens.columns }

  func copyRow(_ index: Int, into target: inout MutableSpan<Double>) {
    if isOutlier[index] {
      for k in target.indices { target[k] = median[k] }
    } else {
      tokens.row(index) { row in for k in row.indices { target[k] = Double(row[k]) * scale } }
    }
  }

  func release(_ rows: Range<Int>) {}
}
