import GapLinearAlgebra

extension EmbeddingPair {
  /// The same pairs after post-hoc fixes, each applied to what the one before it left.
  ///
  /// Means and lengths that a fix needs are those of the pairs it is applied to, which were summed when these were read;
  /// rows are changed as they are read, block by block, so that memory does not grow with their number.
  ///
  /// - Parameters:
  ///   - fixes: in the order in which they are applied.
  ///   - badPairs: whether rows that a fix leaves without length stop or are left out; `droppedPairs` of the result
  ///     counts those.
  ///   - progress: told the share that is done, 0…1, from the calling thread.
  /// - Returns: n pairs of the width that is left; ids as they were.
  /// - Throws: `MetricError.dimensionsDiffer`; `.tooManyDimensions` when none would be left; `.badRow` when a fix leaves a
  ///   row without length; what the sources throw.
  /// - Complexity: O(n d²) time for each fix, O(d² + n) memory; n pairs of width d.
  public func fixed(
    by fixes: [GapFix], badPairs: BadPairs = .refuse, progress: (Double) -> Void = { _ in }
  ) throws -> EmbeddingPair {
    var pair = self
    for (done, fix) in fixes.enumerated() {
      let next = try pair.fixed(by: fix, badPairs: badPairs) {
        progress((Double(done) + $0) / Double(fixes.count))
      }
      pair = next.counting(dropped: done == 0 ? 0 : pair.droppedPairs)
    }
    return pair
  }

  private func fixed(by fix: GapFix, badPairs: BadPairs, progress: (Double) -> Void) throws -> EmbeddingPair {
    try requireEqualDimensions()
    let changes = try changes(of: fix)
    func rows(_ side: UnitRows, _ change: FixedRows.Change) -> FixedRows {
      FixedRows(side, change, label: "\(side.source.label) after \(fix)")
    }
    return try EmbeddingPair(
      image: rows(image, changes.image), text: rows(text, changes.text),
      ids: hasIDs ? groups.map(String.init) : nil, badPairs: badPairs, threads: pool.threads, progress: progress
    )
  }

  private func changes(of fix: GapFix) throws -> (image: FixedRows.Change, text: FixedRows.Change) {
    let delta = Vector.difference(moments.imageMean, moments.textMean)
    switch fix {
    case .center: return (.subtract(mean: moments.rawImageMean), .subtract(mean: moments.rawTextMean))
    case .matchNorm:
      let lengths = NormStatistics(of: self)
      return (.scale(by: lengths.text / lengths.image), .scale(by: 1))
    case .shift(let share): return (.move(by: delta.map { -share * $0 }), .move(by: delta.map { share * $0 }))
    case .dropDimensions(let count):
      guard count < delta.count else {
        throw MetricError.tooManyDimensions(asked: count, width: delta.count)
      }
      let dropped = Set(delta.indices.sorted { (-abs(delta[$0]), $0) < (-abs(delta[$1]), $1) }.prefix(count))
      let columns = delta.indices.filter { !dropped.contains($0) }
      return (.keep(columns: columns), .keep(columns: columns))
    }
  }
}
