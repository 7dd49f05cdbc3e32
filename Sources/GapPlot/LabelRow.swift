/// Spreads labels along a line so that none overlap, each as near to its own place as the others allow.
enum LabelRow {
  /// Returns the middles of labels in the order given, or nil when they do not fit between the ends.
  ///
  /// Neighbours that overlap join into a block centred on the mean of their wishes; blocks join on until none
  /// overlap.
  ///
  /// - Parameters:
  ///   - centers: the wished middles, increasing.
  ///   - sizes: the extents along the line.
  ///   - lower: where the line begins.
  ///   - upper: where the line ends.
  ///   - gap: the least distance between neighbours.
  /// - Complexity: O(n) joins for n labels.
  static func spread(
    centers: [Double], sizes: [Double], lower: Double, upper: Double, gap: Double
  ) -> [Double]? {
    let total = sizes.reduce(0, +) + gap * Double(max(0, sizes.count - 1))
    guard total <= upper - lower + 1e-9 else { return nil }
    var blocks: [Block] = []
    for (center, size) in zip(centers, sizes) {
      blocks.append(Block(wishes: center, sizes: [size], gap: gap, lower: lower, upper: upper))
      while blocks.count >= 2, blocks[blocks.count - 2].end + gap > blocks[blocks.count - 1].start {
        let last = blocks.removeLast()
        blocks[blocks.count - 1].join(last)
      }
    }
    return blocks.flatMap(\.middles)
  }

  private struct Block {
    /// The sum, over labels, of where the block would start if only that label mattered.
    var wishes: Double
    var sizes: [Double]
    let gap: Double
    let lower: Double
    let upper: Double

    init(wishes center: Double, sizes: [Double], gap: Double, lower: Double, upper: Double) {
      wishes = center - sizes.reduce(0, +) / 2
      self.sizes = sizes
      self.gap = gap
      self.lower = lower
      self.upper = upper
    }

    var length: Double { sizes.reduce(0, +) + gap * Double(sizes.count - 1) }
    var start: Double { max(lower, min(upper - length, wishes / Double(sizes.count))) }
    var end: Double { start + length }

    mutating func join(_ next: Block) {
      wishes += next.wishes - Double(next.sizes.count) * (length + gap)
      sizes += next.sizes
    }

    var middles: [Double] {
      var edge = start
      return sizes.map { size in
        defer { edge += size + gap }
        return edge + size / 2
      }
    }
  }
}
