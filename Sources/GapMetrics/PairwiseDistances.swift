import GapLinearAlgebra

/// The metrics that need every distance between two rows, within a modality and across.
///
/// ```
/// uniformity        log mean_{i<j} exp(−2 ‖z_i − z_j‖²)
/// cross uniformity  the same over (x̂_i, ŷ_j), i ≠ j
/// energy distance   2 mean ‖x̂ − ŷ'‖ − mean ‖x̂ − x̂'‖ − mean ‖ŷ − ŷ'‖, over all n² ordered pairs
/// MMD²              mean_{i<j} k(x̂, x̂') + mean_{i<j} k(ŷ, ŷ') − 2 mean_all k(x̂, ŷ'),
///                   k(a, b) = exp(−‖a − b‖² / 2h²), h the median of all pooled distances
/// ```
///
/// Uniformity: 0 for a collapsed cloud, about −4 for one spread over the whole sphere. Energy distance and MMD²: 0
/// for equal clouds, larger the farther apart their whole distributions lie, not only their centres. MMD² may fall
/// slightly below 0.
///
/// Distances are taken from blocked products of rows moved to their common mean, in Double: differences of nearly
/// equal kernel means are wanted to many digits, and the sample bounds the cost. Where cancellation leaves a squared
/// distance few digits (under 1e-8 of the lengths), it is taken again from the rows.
///
/// - Source: Wang & Isola 2020 (uniformity, t = 2); Székely & Rizzo 2013; Gretton et al. 2012.
public struct PairwiseDistances: Sendable, Equatable {
  /// Uniformity of the images, of the texts, and across; nil when fewer than two rows are there to compare.
  public let uniformityImage: Double
  /// Uniformity of the texts.
  public let uniformityText: Double
  /// Uniformity across modalities, own partner left out.
  public let crossUniformity: Double
  /// Energy distance (V-statistic), 0…4.
  public let energyDistance: Double
  /// Squared maximum mean discrepancy with an RBF kernel; nil when the bandwidth is 0.
  public let mmd2: Double?
  /// The kernel's width h: the median of the pooled distances.
  public let bandwidth: Double
  /// Pairs looked at; fewer than n above the limit.
  public let sampledPairs: Int

  /// Measures all distances of (a sample of) the pairs.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - limit: above this many pairs, a seeded sample of that many is used.
  ///   - seed: of the sample.
  /// - Throws: `MetricError.dimensionsDiffer`; what the sources throw.
  /// - Complexity: O(m² d) time, O(m d) memory; m = min(n, limit) pairs of width d.
  public init(of pair: EmbeddingPair, limit: Int = 5000, seed: UInt64 = 0) throws {
    try pair.requireEqualDimensions()
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "pairs")
    let m = sample.indices.count
    let rows = try sample.pooledRows(of: pair)
    bandwidth = try MedianDistance(of: rows, seed: seed, pool: pair.pool).value
    sampledPairs = m
    let pass = DistancePass(rows: rows, pairs: m, pool: pair.pool)
    let width = bandwidth > 0 ? 1 / (2 * bandwidth * bandwidth) : 0
    let sums = try pass.sums(bandwidthFactor: width)
    let within = Double(m) * Double(m - 1) / 2
    let across = Double(m) * Double(m)
    let uniformity = Uniformity(sums, pass, pairs: m)
    uniformityImage = uniformity.image
    uniformityText = uniformity.text
    crossUniformity = uniformity.cross
    energyDistance = 2 * sums.cross.roots / across - 2 * (sums.image.roots + sums.text.roots) / across
    mmd2 =
      bandwidth > 0
      ? sums.image.kernels / within + sums.text.kernels / within - 2 * sums.cross.kernels / across : nil
  }
}

/// The uniformities alone, for what is measured layer by layer.
struct Uniformity {
  let image: Double
  let text: Double
  let cross: Double
  /// Pairs looked at; fewer than n above the limit.
  let sampledPairs: Int

  /// As `PairwiseDistances`, at half its cost.
  init(of pair: EmbeddingPair, limit: Int, seed: UInt64) throws {
    let sample = PairSample(of: pair.count, limit: max(limit, 2), seed: seed, purpose: "pairs")
    let m = sample.indices.count
    let pass = DistancePass(rows: try sample.pooledRows(of: pair), pairs: m, pool: pair.pool)
    self.init(try pass.sums(bandwidthFactor: 0), pass, pairs: m)
  }

  init(_ sums: DistancePass.Totals, _ pass: DistancePass, pairs m: Int) {
    let within = Double(m) * Double(m - 1) / 2
    image = logarithm(sums.image.exponentials / within)
    text = logarithm(sums.text.exponentials / within)
    cross = logarithm(
      (sums.cross.exponentials - pass.partnerExponentials()) / (Double(m) * Double(m) - Double(m)))
    sampledPairs = m
  }
}

/// A pass over all distances of 2m pooled rows, tile by tile.
struct DistancePass {
  private let rows: Block<Double>
  private let squares: [Double]
  private let pairs: Int
  private let pool: WorkerPool
  private let tiles: [(kind: Kind, tile: Tile)]
  private static let side = 256
  private static let lostDigits = 1e-8

  enum Kind { case image, text, cross }

  /// Sums over one kind of distances.
  struct Sums: Sendable {
    /// `Σ d`.
    var roots = 0.0
    /// `Σ exp(−2 d²)`.
    var exponentials = 0.0
    /// `Σ exp(−factor d²)`.
    var kernels = 0.0

    static func += (total: inout Sums, part: Sums) {
      total.roots += part.roots
      total.exponentials += part.exponentials
      total.kernels += part.kernels
    }
  }

  /// Sums by kind.
  struct Totals: Sendable {
    var image = Sums()
    var text = Sums()
    var cross = Sums()
  }

  /// Moves the rows to their mean, in place.
  init(rows: Block<Double>, pairs: Int, pool: WorkerPool) {
    self.rows = rows
    self.pairs = pairs
    self.pool = pool
    Self.centre(rows)
    squares = (0..<rows.rows).map { i in rows.row(i) { RowKernels.dot($0, $0) } }
    let m = pairs
    func moved(_ tile: Tile, _ down: Int, _ right: Int) -> Tile {
      Tile(
        rows: tile.rows.lowerBound + down..<tile.rows.upperBound + down,
        columns: tile.columns.lowerBound + right..<tile.columns.upperBound + right)
    }
    let square = Tile.covering(rows: m, columns: m, side: Self.side)
    let upper = Tile.covering(rows: m, columns: m, side: Self.side, upperOnly: true)
    tiles =
      upper.map { (.image, $0) } + upper.map { (.text, moved($0, m, m)) }
      + square.map { (.cross, moved($0, 0, m)) }
  }

  private static func centre(_ rows: Block<Double>) {
    var mean = [Double](repeating: 0, count: rows.columns)
    for i in 0..<rows.rows {
      rows.row(i) { row in
        var span = mean.mutableSpan
        RowKernels.add(row, to: &span)
      }
    }
    for k in mean.indices { mean[k] /= Double(rows.rows) }
    for i in 0..<rows.rows { rows.writeRow(i) { RowKernels.subtract(mean.span, from: &$0) } }
  }

  /// `Σ_i exp(−2 ‖x̂_i − ŷ_i‖²)`.
  func partnerExponentials() -> Double {
    (0..<pairs).reduce(0) { sum, i in
      sum + exponential(-2 * squaredDistance(i, pairs + i))
    }
  }

  /// The sums of every kind; kernels with `factor`, when it is not 0.
  func sums(bandwidthFactor factor: Double) throws -> Totals {
    let scratch = (0..<pool.threads).map { _ in Buffer<Double>(repeating: 0, count: Self.side * Self.side) }
    let parts = try pool.map(tiles.count) { worker, piece in
      sums(of: tiles[piece].kind, tiles[piece].tile, factor, scratch[worker])
    }
    var totals = Totals()
    for (part, (kind, _)) in zip(parts, tiles) {
      switch kind {
      case .image: totals.image += part
      case .text: totals.text += part
      case .cross: totals.cross += part
      }
    }
    return totals
  }

  private func sums(of kind: Kind, _ tile: Tile, _ factor: Double, _ scratch: Buffer<Double>) -> Sums {
    let dots = Block(scratch, rows: tile.rows.count, columns: tile.columns.count)
    Products.inner(rows.rows(tile.rows), rows.rows(tile.columns), into: dots)
    var sums = Sums()
    for (r, i) in tile.rows.enumerated() {
      let first = kind == .cross ? tile.columns.lowerBound : max(tile.columns.lowerBound, i + 1)
      guard first < tile.columns.upperBound else { continue }
      let start = r * dots.stride + first - tile.columns.lowerBound
      let range = start..<start + tile.columns.upperBound - first
      toSquaredDistances(scratch, range, row: i, firstColumn: first, squares)
      scratch.read(range) { values in
        sums.roots += RowKernels.sumOfRoots(values)
        sums.exponentials += RowKernels.sumOfExponentials(values, factor: 2)
        if factor > 0 { sums.kernels += RowKernels.sumOfExponentials(values, factor: factor) }
      }
    }
    return sums
  }

  private func toSquaredDistances(
    _ dots: Buffer<Double>, _ range: Range<Int>, row i: Int, firstColumn: Int, _ columnSquares: [Double]
  ) {
    let squares = columnSquares.span.extracting(firstColumn..<firstColumn + range.count)
    let lost = dots.write(range) {
      RowKernels.squaredDistances(
        &$0, rowSquare: columnSquares[i], columnSquares: squares, relative: Self.lostDigits)
    }
    guard lost > 0 else { return }
    dots.write(range) { values in
      for k in values.indices where values[k] <= Self.lostDigits * (columnSquares[i] + squares[k]) {
        values[k] = squaredDistance(i, firstColumn + k)
      }
    }
  }

  private func squaredDistance(_ i: Int, _ j: Int) -> Double {
    rows.row(i) { a in rows.row(j) { b in RowKernels.squaredDistance(a, b) } }
  }
}
