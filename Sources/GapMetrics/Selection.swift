/// Order statistics without sorting.
enum Selection {
  /// The element that would stand at `rank` after sorting; reorders `values`.
  ///
  /// - Complexity: O(n) on average (Hoare's quickselect with the median of three as pivot).
  static func element(_ rank: Int, of values: inout [Double]) -> Double {
    precondition(values.indices.contains(rank))
    var low = 0
    var high = values.count - 1
    while low < high {
      let pivot = median(values[low], values[(low + high) / 2], values[high])
      var i = low
      var j = high
      while i <= j {
        while values[i] < pivot { i += 1 }
        while values[j] > pivot { j -= 1 }
        if i <= j {
          values.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if rank <= j {
        high = j
      } else if rank >= i {
        low = i
      } else {
        return values[rank]
      }
    }
    return values[rank]
  }

  private static func median(_ a: Double, _ b: Double, _ c: Double) -> Double {
    max(min(a, b), min(max(a, b), c))
  }
}
