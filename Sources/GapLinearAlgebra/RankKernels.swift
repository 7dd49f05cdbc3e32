import CGapKernels

/// Threshold tests over rows of scores in whole numbers.
package enum RankKernels {
  /// Counts the scores surely above a threshold along the row and along every column, and lists the unsure ones.
  ///
  /// A score is sure when it lies outside `[low, high]`, the band of a threshold ± the error of the rows.
  ///
  /// - Returns: how many places of `unsure` were filled (columns within the row's or their own band).
  package static func count(
    _ scores: Span<Int32>, rowLow: Int32, rowHigh: Int32, columnLow: Span<Int32>, columnHigh: Span<Int32>,
    columnCounts: inout MutableSpan<Int32>, rowCount: inout Int32, unsure: inout MutableSpan<UInt32>
  ) -> Int {
    let count = scores.count
    precondition(columnLow.count == count && columnHigh.count == count)
    precondition(columnCounts.count == count && unsure.count >= count)
    guard count > 0 else { return 0 }
    return unsafe scores.withUnsafeBufferPointer { scores in
      unsafe columnLow.withUnsafeBufferPointer { low in
        unsafe columnHigh.withUnsafeBufferPointer { high in
          unsafe columnCounts.withUnsafeMutableBufferPointer { counts in
            unsafe unsure.withUnsafeMutableBufferPointer { unsure in
              unsafe gap_rank_row(
                scores.baseAddress, count, rowLow, rowHigh, low.baseAddress, high.baseAddress,
                counts.baseAddress, &rowCount, unsure.baseAddress)
            }
          }
        }
      }
    }
  }

  /// Lists the places of the scores that are at least `bound`.
  ///
  /// - Returns: how many places of `found` were filled.
  package static func list(_ scores: Span<Int32>, atLeast bound: Int32, into found: inout MutableSpan<UInt32>)
    -> Int
  {
    precondition(found.count >= scores.count)
    guard scores.count > 0 else { return 0 }
    return unsafe scores.withUnsafeBufferPointer { scores in
      unsafe found.withUnsafeMutableBufferPointer { found in
        unsafe gap_list_above(scores.baseAddress, scores.count, bound, found.baseAddress)
      }
    }
  }
}
