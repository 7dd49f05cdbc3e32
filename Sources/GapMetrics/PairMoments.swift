package import GapLinearAlgebra

/// Sums over all pairs, in Double, from which every O(n d) and O(n d²) metric follows.
package struct PairMoments: Sendable {
  /// Number of pairs.
  package let count: Int
  /// Per pair `x̂·ŷ`; empty when the widths differ.
  package let cosines: [Double]
  /// Per pair `‖x̂ − ŷ‖²`; empty when the widths differ.
  package let squaredDistances: [Double]
  /// `mean(x̂)`, `mean(ŷ)`, [d].
  package let imageMean: [Double]
  package let textMean: [Double]
  /// `mean(X)`, `mean(Y)`, [d].
  package let rawImageMean: [Double]
  package let rawTextMean: [Double]
  /// `Σ x̂` over one row an image, [d]; the same as n times the mean without ids.
  package let uniqueImageSum: [Double]
  /// Sums of unit rows by fold (pair i is in fold i mod 5), five of [d] each.
  package let imageFoldSums: [[Double]]
  package let textFoldSums: [[Double]]
  /// Pairs in each fold.
  package let foldCounts: [Int]
  /// Centred second moments, `Σ (x̂−x̄)(x̂−x̄)ᵀ` [d, d], the same of text, and `Σ (x̂−x̄)(ŷ−ȳ)ᵀ`, all mirrored.
  package let imageScatter: Block<Double>
  package let textScatter: Block<Double>
  package let crossScatter: Block<Double>

  static let folds = 5
}

/// Per pair, the inner products with the two means, and whether a row is nearer to its own modality's centroid.
package struct PairProjections: Sendable {
  /// `x̂·x̄`, `x̂·ȳ`, `ŷ·x̄`, `ŷ·ȳ` for each pair.
  package var imageOnImage: [Double] = []
  package var imageOnText: [Double] = []
  package var textOnImage: [Double] = []
  package var textOnText: [Double] = []
  /// Rows (of 2n) nearer to their own modality's centroid, centroids from the other folds.
  package var nearerToOwn = 0

  init() {}

  /// Reads all unit rows once more, now that the means are known.
  init(image: UnitRows, text: UnitRows, moments: PairMoments, pool: WorkerPool, progress: (Double) -> Void)
    throws
  {
    let (n, d) = (image.count, image.dimension)
    let centroids = FoldCentroids(moments)
    let slots = (0..<4).map { _ in Buffer<Double>(repeating: 0, count: n) }
    let scratch = (0..<pool.threads).map { _ in Buffer<Double>(repeating: 0, count: 2 * d) }
    let imageMean = Buffer(moments.imageMean)
    let textMean = Buffer(moments.textMean)
    var nearer = 0
    for block in Pieces(of: 0..<n, size: 4096).all {
      let pieces = Pieces(of: block, size: 256)
      nearer += try pool.map(pieces.count) { worker, piece in
        var hits = 0
        for i in pieces[piece] {
          try image.withRow(i, scratch: scratch[worker]) { row in
            slots[0][i] = imageMean.read(0..<d) { RowKernels.dot(row, $0) }
            slots[1][i] = textMean.read(0..<d) { RowKernels.dot(row, $0) }
            hits += centroids.isNearer(row, toImages: true, fold: i % PairMoments.folds) ? 1 : 0
          }
          try text.withRow(i, scratch: scratch[worker]) { row in
            slots[2][i] = imageMean.read(0..<d) { RowKernels.dot(row, $0) }
            slots[3][i] = textMean.read(0..<d) { RowKernels.dot(row, $0) }
            hits += centroids.isNearer(row, toImages: false, fold: i % PairMoments.folds) ? 1 : 0
          }
        }
        return hits
      }.reduce(0, +)
      image.release(block)
      text.release(block)
      progress(Double(block.upperBound) / Double(n))
    }
    imageOnImage = slots[0].array()
    imageOnText = slots[1].array()
    textOnImage = slots[2].array()
    textOnText = slots[3].array()
    nearerToOwn = nearer
  }
}

/// The modality centroids that a fold is held against: means over the pairs of the other folds.
struct FoldCentroids: Sendable {
  private let image: [Buffer<Double>]
  private let text: [Buffer<Double>]

  init(_ moments: PairMoments) {
    func centroids(_ sums: [[Double]]) -> [Buffer<Double>] {
      sums.indices.map { fold in
        let others = moments.count - moments.foldCounts[fold]
        let total = sums[0].indices.map { k in
          sums.indices.reduce(0.0) { $0 + ($1 == fold ? 0 : sums[$1][k]) }
        }
        return Buffer(total.map { $0 / Double(max(others, 1)) })
      }
    }
    image = centroids(moments.imageFoldSums)
    text = centroids(moments.textFoldSums)
  }

  /// Whether a row is strictly nearer to its own modality's centroid.
  func isNearer(_ row: Span<Double>, toImages: Bool, fold: Int) -> Bool {
    let toImage = image[fold].read(0..<row.count) { RowKernels.squaredDistance(row, $0) }
    let toText = text[fold].read(0..<row.count) { RowKernels.squaredDistance(row, $0) }
    return toImages ? toImage < toText : toText < toImage
  }
}
