import GapLinearAlgebra

/// How often a random pairing scores as high as the true one.
///
/// ```
/// p = (1 + #{permuted ≥ observed}) / (1 + permutations)
/// ```
///
/// For `matching_margin`, `mutual_knn` and `linear_cka`, over permutations of the pairing. With ids an image moves
/// with all its captions, onto an image with as many captions, so that every permuted data set is one that could have
/// been. Above the limit a seeded sample of pairs (of whole ids) is tested, observed value and neighbours included.
///
/// A small p says that the pairing carries information, not how much; p of a useless model is uniform on 0…1.
///
/// Cost: the margin needs the m² scores once, block by block; neighbours need table look-ups; CKA needs
/// `Σ_ij K_π(i)π(j) L_ij` for each permutation, m² gathers from the two centred Gram matrices in single precision
/// (m² × 8 bytes, so m is at most `gramLimit`). Sums from different orders of the same terms are told apart only
/// beyond 1e-9 (margin) and 1e-6 (CKA) of the observed value; nearer ones count as ties.
public struct PermutationTest: Sendable, Equatable {
  /// p of the matching margin; nil when the widths differ.
  public let matchingMargin: Double?
  /// p of mutual kNN.
  public let mutualNeighbours: Double
  /// p of linear CKA; nil when a side has no spread.
  public let linearCKA: Double?
  /// Pairs tested; fewer than n above the limit.
  public let sampledPairs: Int

  /// The most pairs whose Gram matrices are held for CKA's permutations.
  public static let gramLimit = 8192

  /// Draws and scores the permutations.
  ///
  /// - Parameters:
  ///   - pair: both modalities.
  ///   - neighbourhoods: used when they cover all pairs; found again within the sample otherwise.
  ///   - limit: the most pairs that are tested.
  ///   - permutations: how many are drawn.
  ///   - seed: of the permutations and of the sample.
  ///   - progress: told the share done, 0…1.
  /// - Throws: what the sources throw.
  /// - Complexity: O(m² (d + permutations)), m = min(n, limit, gramLimit) pairs of width d.
  public init(
    of pair: EmbeddingPair, neighbourhoods: Neighbourhoods, permutations: Int = 1000, limit: Int = 5000,
    seed: UInt64 = 0, progress: (Double) -> Void = { _ in }
  ) throws {
    let pairing = Pairing(of: pair, limit: min(max(limit, 2), Self.gramLimit), seed: seed)
    sampledPairs = pairing.pairs.count
    let orders = try pair.pool.map(permutations) { _, p in
      pairing.permutation(seed: seed, index: UInt64(p))
    }
    let all = [pairing.identity] + orders
    let image = pair.image.subset(pairing.pairs)
    let text = pair.text.subset(pairing.pairs)
    progress(0.05)
    matchingMargin =
      pair.hasEqualDimensions ? Self.p(try Self.marginSums(image, text, all, pair.pool), tolerance: 1e-9) : nil
    progress(0.2)
    let isComplete = pairing.pairs.count == pair.count && neighbourhoods.sampledPairs == pair.count
    let lists =
      try isComplete
      ? (neighbourhoods.imageToImage, neighbourhoods.textToText) : Self.neighbours(image, text, pair.pool)
    mutualNeighbours = Self.p(try Self.sharedNeighbours(lists.0, lists.1, all, pair.pool), tolerance: 0)
    progress(0.4)
    linearCKA = try Self.alignments(image, text, all, pair.pool).map { Self.p($0, tolerance: 1e-6) }
    progress(1)
  }

  /// The first value is the observed one.
  static func p(_ values: [Double], tolerance: Double) -> Double {
    let bound = values[0] - tolerance * abs(values[0])
    let reached = values.dropFirst().count { $0 >= bound }
    return Double(1 + reached) / Double(values.count)
  }

  /// `Σ_i x̂_π(i)·ŷ_i` for every permutation: with fixed means, the margin rises and falls with it.
  private static func marginSums(
    _ image: UnitRows, _ text: UnitRows, _ orders: [[Int32]], _ pool: WorkerPool
  ) throws -> [Double] {
    let (m, d) = (image.count, image.dimension)
    let images = Block(Buffer<Double>(repeating: 0, count: m * d), rows: m, columns: d)
    try image.fill(images, from: 0, on: pool)
    let texts = Block(Buffer<Double>(repeating: 0, count: m * d), rows: m, columns: d)
    try text.fill(texts, from: 0, on: pool)
    let pieces = Pieces(of: 0..<m, size: 64)
    let scratch = (0..<pool.threads).map { _ in Buffer<Double>(repeating: 0, count: 64 * m) }
    let parts = try pool.map(pieces.count) { worker, piece in
      let rows = pieces[piece]
      let scores = Block(scratch[worker], rows: rows.count, columns: m)
      Products.inner(texts.rows(rows), images, into: scores)
      return scratch[worker].read(0..<rows.count * m) { scores in
        orders.map { order in
          rows.reduce(0.0) { $0 + scores[($1 - rows.lowerBound) * m + Int(order[$1])] }
        }
      }
    }
    return orders.indices.map { p in parts.reduce(0) { $0 + $1[p] } }
  }

  private static func neighbours(
    _ image: UnitRows, _ text: UnitRows, _ pool: WorkerPool
  ) throws -> ([[Neighbour]], [[Neighbour]]) {
    let all = Array(0..<image.count)
    let k = min(10, image.count - 1)
    return (
      try NearestNeighbours(of: all, in: image, gallery: image, k: k, excludingSelf: true, pool: pool).lists,
      try NearestNeighbours(of: all, in: text, gallery: text, k: k, excludingSelf: true, pool: pool).lists
    )
  }

  /// Neighbours shared by the two sides of every pair, summed up, for every permutation.
  private static func sharedNeighbours(
    _ image: [[Neighbour]], _ text: [[Neighbour]], _ orders: [[Int32]], _ pool: WorkerPool
  ) throws -> [Double] {
    let m = image.count
    var isNeighbour = [UInt64](repeating: 0, count: (m * m + 63) / 64)
    for (i, list) in image.enumerated() {
      for neighbour in list {
        isNeighbour[(i * m + neighbour.index) >> 6] |= 1 << UInt64((i * m + neighbour.index) & 63)
      }
    }
    let table = isNeighbour
    return try pool.map(orders.count) { _, p in
      let order = orders[p]
      var shared = 0
      for (i, list) in text.enumerated() {
        let row = Int(order[i]) * m
        for neighbour in list {
          let bit = row + Int(order[neighbour.index])
          shared += Int(table[bit >> 6] >> UInt64(bit & 63) & 1)
        }
      }
      return Double(shared)
    }
  }

  /// `Σ_ij K_π(i)π(j) L_ij` over the centred Gram matrices, for every permutation; nil when a side has no spread.
  private static func alignments(
    _ image: UnitRows, _ text: UnitRows, _ orders: [[Int32]], _ pool: WorkerPool
  ) throws -> [Double]? {
    let m = image.count
    let k = try centredGram(image, pool)
    let l = try centredGram(text, pool)
    guard (0..<m).contains(where: { k.buffer[$0 * m + $0] > 1e-12 }),
      (0..<m).contains(where: { l.buffer[$0 * m + $0] > 1e-12 })
    else { return nil }
    return try pool.map(orders.count) { _, p in
      let order = orders[p]
      let span = order.span
      var sum = 0.0
      for i in 0..<m {
        let rest = i + 1..<m
        k.row(Int(order[i])) { a in
          l.row(i) { b in
            sum += 2 * RowKernels.gatheredDot(a, span.extracting(rest), b.extracting(rest))
            sum += Double(a[Int(order[i])]) * Double(b[i])
          }
        }
      }
      return sum
    }
  }

  /// Inner products of the centred rows, [m, m], in single precision from Double.
  private static func centredGram(_ rows: UnitRows, _ pool: WorkerPool) throws -> Block<Float> {
    let (m, d) = (rows.count, rows.dimension)
    let block = Block(Buffer<Double>(repeating: 0, count: m * d), rows: m, columns: d)
    try rows.fill(block, from: 0, on: pool)
    var mean = [Double](repeating: 0, count: d)
    for i in 0..<m {
      block.row(i) { row in
        var span = mean.mutableSpan
        RowKernels.add(row, to: &span)
      }
    }
    for k in 0..<d { mean[k] /= Double(m) }
    let narrow = Block(Buffer<Float>(repeating: 0, count: m * d), rows: m, columns: d)
    for i in 0..<m {
      block.writeRow(i) { RowKernels.subtract(mean.span, from: &$0) }
      block.row(i) { row in narrow.writeRow(i) { RowKernels.narrow(row, into: &$0) } }
    }
    let gram = Block(Buffer<Float>(repeating: 0, count: m * m), rows: m, columns: m)
    try Products.inner(narrow, narrow, into: gram, on: pool)
    return gram
  }
}

/// The pairs under test and the permutations that are allowed.
private struct Pairing: Sendable {
  /// Pairs, ascending.
  let pairs: [Int]
  /// Places in `pairs` that belong to one image, for every image; images with as many captions lie in one class.
  private let classes: [[[Int32]]]

  init(of pair: EmbeddingPair, limit: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed, purpose: "pairing")
    if !pair.hasIDs {
      pairs = generator.sample(limit, of: pair.count)
      classes = [pairs.indices.map { [Int32($0)] }]
      return
    }
    var members = [[Int]](repeating: [], count: pair.groupRepresentatives.count)
    for (i, g) in pair.groups.enumerated() { members[g].append(i) }
    var chosen: [Int] = []
    for group in generator.permutation(of: members.count)
    where chosen.count + members[Int(group)].count <= limit {
      chosen += members[Int(group)]
    }
    pairs = chosen.sorted()
    var places: [Int: [Int32]] = [:]
    for (place, i) in pairs.enumerated() { places[pair.groups[i], default: []].append(Int32(place)) }
    let bySize = Dictionary(grouping: places.sorted { $0.key < $1.key }.map(\.value), by: \.count)
    classes = bySize.sorted { $0.key < $1.key }.map(\.value)
  }

  var identity: [Int32] { pairs.indices.map { Int32($0) } }

  /// For every place, the place whose image it gets.
  func permutation(seed: UInt64, index: UInt64) -> [Int32] {
    var generator = SeededGenerator(seed: seed, purpose: "permutation", index: index)
    var order = identity
    for images in classes {
      for (target, source) in generator.permutation(of: images.count).enumerated() {
        for (to, from) in zip(images[target], images[Int(source)]) { order[Int(to)] = from }
      }
    }
    return order
  }
}
