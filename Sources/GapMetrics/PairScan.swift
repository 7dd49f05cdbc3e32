import GapLinearAlgebra

/// The first pass over both sides: lengths, validity, sums, second moments, fingerprints.
///
/// Goals, in order: the same bits for any number of threads; nothing larger than a block of rows and the d × d
/// moments in memory; the speed of the matrix product. So rows are taken in blocks of fixed size, the per-row work
/// in pieces of fixed size whose sums are added in order, and the moments in tiles, each summed block after block.
///
/// Moments are taken about the mean of the first block. Taken about zero, a cloud far from the origin would lose
/// digits to cancellation when its mean is removed; the true means are known only at the end. What is left to remove,
/// n (μ − centre)(μ − centre)ᵀ, is then as small as the first block is typical.
struct PairScan {
  private(set) var kept: [Int] = []
  private(set) var groups: [Int] = []
  private(set) var representatives: [Int] = []
  private(set) var imageNorms: [Double] = []
  private(set) var textNorms: [Double] = []
  private(set) var imageFingerprints: [RowFingerprint] = []
  private(set) var textFingerprints: [RowFingerprint] = []
  let moments: PairMoments

  private static let blockRows = 1024
  private static let pieceRows = 64

  init(
    image: any EmbeddingRows, text: any EmbeddingRows, badPairs: BadPairs, ids: [String]?, pool: WorkerPool,
    progress: (Double) -> Void
  ) throws {
    var groupOf: [String: Int] = [:]
    var imageSide = SideSums(image, blockRows: min(Self.blockRows, image.count))
    var textSide = SideSums(text, blockRows: min(Self.blockRows, image.count))
    let cross = Buffer<Double>(repeating: 0, count: image.dimension * text.dimension)
    let crossBlock = Block(cross, rows: image.dimension, columns: text.dimension)
    var cosines: [Double] = []
    var distances: [Double] = []
    let comparable = image.dimension == text.dimension

    for rows in Pieces(of: 0..<image.count, size: Self.blockRows).all {
      try imageSide.read(rows, on: pool)
      try textSide.read(rows, on: pool)
      let good = try Self.goodRows(rows, imageSide, textSide, badPairs)
      let firstKept = kept.count
      for row in good {
        kept.append(rows.lowerBound + row)
        var isNew = true
        if let ids {
          let next = representatives.count
          let group = groupOf[ids[rows.lowerBound + row], default: next]
          isNew = group == next
          groupOf[ids[rows.lowerBound + row]] = group
          groups.append(group)
        } else {
          groups.append(representatives.count)
        }
        if isNew { representatives.append(kept.count - 1) }
        imageNorms.append(imageSide.norms[row])
        textNorms.append(textSide.norms[row])
      }
      let (firsts, members) = (representatives, groups)
      let isUnique = (firstKept..<kept.count).map { firsts[members[$0]] == $0 }
      try imageSide.addUnitRows(good, firstKept: firstKept, isUnique: isUnique, on: pool)
      try textSide.addUnitRows(good, firstKept: firstKept, isUnique: isUnique, on: pool)
      imageFingerprints += imageSide.fingerprints
      textFingerprints += textSide.fingerprints
      if comparable {
        let products = try Self.pairProducts(imageSide, textSide, good, on: pool)
        cosines += products.map(\.cosine)
        distances += products.map(\.squaredDistance)
      }
      try imageSide.centreRows(good, on: pool)
      try textSide.centreRows(good, on: pool)
      try Products.add(
        [
          .cross(imageSide.block, textSide.block, to: crossBlock),
          .gram(imageSide.block, to: imageSide.scatter), .gram(textSide.block, to: textSide.scatter),
        ], on: pool)
      image.release(rows)
      text.release(rows)
      progress(Double(rows.upperBound) / Double(image.count))
    }

    let n = kept.count
    guard n >= 2 else {
      throw MetricError.tooFewPairs(label: image.label, found: n, dropped: image.count - n)
    }
    let imageOffset = imageSide.finish(count: n)
    let textOffset = textSide.finish(count: n)
    for i in imageOffset.indices {
      for j in textOffset.indices {
        cross[i * textOffset.count + j] -= Double(n) * imageOffset[i] * textOffset[j]
      }
    }
    moments = PairMoments(
      count: n, cosines: cosines, squaredDistances: distances, imageMean: imageSide.mean(n),
      textMean: textSide.mean(n),
      rawImageMean: imageSide.rawSum.map { $0 / Double(n) },
      rawTextMean: textSide.rawSum.map { $0 / Double(n) },
      uniqueImageSum: imageSide.uniqueSum, imageFoldSums: imageSide.foldSums, textFoldSums: textSide.foldSums,
      foldCounts: (0..<PairMoments.folds).map { (n - $0 + PairMoments.folds - 1) / PairMoments.folds },
      imageScatter: imageSide.scatter, textScatter: textSide.scatter, crossScatter: crossBlock)
  }

  /// Offsets in the block of the pairs whose two rows are good.
  private static func goodRows(
    _ rows: Range<Int>, _ image: SideSums, _ text: SideSums, _ badPairs: BadPairs
  ) throws -> [Int] {
    var good: [Int] = []
    for row in 0..<rows.count {
      guard let fault = image.fault(at: row, rows) ?? text.fault(at: row, rows) else {
        good.append(row)
        continue
      }
      if badPairs == .refuse { throw fault }
    }
    return good
  }

  private static func pairProducts(
    _ image: SideSums, _ text: SideSums, _ good: [Int], on pool: WorkerPool
  ) throws -> [(cosine: Double, squaredDistance: Double)] {
    let pieces = Pieces(of: 0..<good.count, size: pieceRows)
    let (imageBlock, textBlock) = (image.block, text.block)
    return try pool.map(pieces.count) { _, piece in
      pieces[piece].map { place in
        imageBlock.row(good[place]) { x in
          textBlock.row(good[place]) { y in (RowKernels.dot(x, y), RowKernels.squaredDistance(x, y)) }
        }
      }
    }.flatMap { $0 }
  }

  /// Running sums of one side, and the block of rows under work.
  private struct SideSums {
    let source: any EmbeddingRows
    let dimension: Int
    private let storage: Buffer<Double>
    private(set) var block: Block<Double>
    private(set) var norms: [Double] = []
    private(set) var fingerprints: [RowFingerprint] = []
    private(set) var rawSum: [Double]
    private(set) var uniqueSum: [Double]
    private(set) var foldSums: [[Double]]
    let scatter: Block<Double>
    private var centre: Buffer<Double>?

    init(_ source: any EmbeddingRows, blockRows: Int) {
      self.source = source
      dimension = source.dimension
      storage = Buffer(repeating: 0, count: blockRows * source.dimension)
      block = Block(storage, rows: 0, columns: source.dimension)
      rawSum = [Double](repeating: 0, count: source.dimension)
      uniqueSum = rawSum
      foldSums = Array(repeating: rawSum, count: PairMoments.folds)
      scatter = Block(
        Buffer(repeating: 0, count: source.dimension * source.dimension), rows: source.dimension,
        columns: source.dimension)
    }

    mutating func read(_ rows: Range<Int>, on pool: WorkerPool) throws {
      let block = Block(storage, rows: rows.count, columns: dimension)
      let (source, dimension, storage) = (source, dimension, storage)
      let pieces = Pieces(of: rows, size: pieceRows)
      norms = try pool.map(pieces.count) { _, piece in
        let part = pieces[piece]
        let start = (part.lowerBound - rows.lowerBound) * dimension
        try storage.write(start..<start + part.count * dimension) { try source.read(part, into: &$0) }
        return part.map { row in block.row(row - rows.lowerBound) { RowKernels.norm($0) } }
      }.flatMap { $0 }
      self.block = block
    }

    func fault(at row: Int, _ rows: Range<Int>) -> MetricError? {
      let norm = norms[row]
      if norm > 0 && norm.isFinite { return nil }
      var reason = "length zero: it has no direction"
      if norm != 0 {
        reason = block.row(row) { numbers in
          for k in numbers.indices where !numbers[k].isFinite {
            return "column \(k) is \(numbers[k].isNaN ? "NaN" : "infinite")"
          }
          return "its length overflows"
        }
      }
      return .badRow(label: source.label, row: rows.lowerBound + row, reason: reason)
    }

    /// Scales the good rows to unit length and adds them to the sums; empties the others.
    mutating func addUnitRows(_ good: [Int], firstKept: Int, isUnique: [Bool], on pool: WorkerPool) throws {
      emptyBadRows(good)
      let (block, norms, dimension) = (block, norms, dimension)
      let pieces = Pieces(of: 0..<good.count, size: pieceRows)
      let parts = try pool.map(pieces.count) { _, piece in
        var part = PieceSums(dimension: dimension)
        for place in pieces[piece] {
          part.add(
            block, row: good[place], norm: norms[good[place]], fold: (firstKept + place) % PairMoments.folds,
            isUnique: isUnique[place])
        }
        return part
      }
      fingerprints = []
      for part in parts {
        fingerprints += part.fingerprints
        add(part.raw, to: &rawSum)
        add(part.unique, to: &uniqueSum)
        for fold in foldSums.indices { add(part.folds[fold], to: &foldSums[fold]) }
      }
      if centre == nil, !good.isEmpty { centre = Buffer(mean(good.count)) }
    }

    /// Moves the rows to the centre, for the second moments.
    func centreRows(_ good: [Int], on pool: WorkerPool) throws {
      guard let centre else { return }
      let (block, dimension) = (block, dimension)
      let pieces = Pieces(of: 0..<good.count, size: pieceRows)
      try pool.forEach(pieces.count) { _, piece in
        for place in pieces[piece] {
          block.writeRow(good[place]) { row in
            centre.read(0..<dimension) { RowKernels.subtract($0, from: &row) }
          }
        }
      }
    }

    /// Moves the second moments from the centre to the mean; returns mean − centre.
    func finish(count: Int) -> [Double] {
      let mean = mean(count)
      let offset = mean.indices.map { mean[$0] - (centre?[$0] ?? 0) }
      for i in offset.indices {
        for j in i..<offset.count {
          scatter.buffer[i * dimension + j] -= Double(count) * offset[i] * offset[j]
        }
      }
      Products.mirrorUpper(scatter)
      return offset
    }

    func mean(_ count: Int) -> [Double] {
      foldSums[0].indices.map { k in foldSums.reduce(0) { $0 + $1[k] } / Double(count) }
    }

    private func emptyBadRows(_ good: [Int]) {
      guard good.count < block.rows else { return }
      let isGood = Set(good)
      for row in 0..<block.rows where !isGood.contains(row) {
        block.writeRow(row) { numbers in for k in numbers.indices { numbers[k] = 0 } }
      }
    }

    private func add(_ part: [Double], to total: inout [Double]) {
      for k in total.indices { total[k] += part[k] }
    }
  }

  /// The sums of one piece of rows.
  private struct PieceSums: Sendable {
    var raw: [Double]
    var unique: [Double]
    var folds: [[Double]]
    var fingerprints: [RowFingerprint] = []

    init(dimension: Int) {
      raw = [Double](repeating: 0, count: dimension)
      unique = raw
      folds = Array(repeating: raw, count: PairMoments.folds)
    }

    mutating func add(_ block: Block<Double>, row: Int, norm: Double, fold: Int, isUnique: Bool) {
      block.row(row) { Self.add($0, to: &raw) }
      block.writeRow(row) { RowKernels.divide(&$0, by: norm) }
      block.row(row) { numbers in
        Self.add(numbers, to: &folds[fold])
        if isUnique { Self.add(numbers, to: &unique) }
        fingerprints.append(RowKernels.fingerprint(numbers))
      }
    }

    private static func add(_ row: Span<Double>, to total: inout [Double]) {
      var span = total.mutableSpan
      RowKernels.add(row, to: &span)
    }
  }
}
