import CGapKernels

/// Vector kernels over rows of numbers, chosen for the processor when the program starts.
package enum RowKernels {
  /// `Σ a_i b_i` in a fixed order: equal rows give equal bits.
  package static func dot(_ a: Span<Double>, _ b: Span<Double>) -> Double {
    precondition(a.count == b.count)
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        a.isEmpty ? 0 : unsafe gap_dot(a.baseAddress, b.baseAddress, a.count)
      }
    }
  }

  /// `Σ (a_i − b_i)²`.
  package static func squaredDistance(_ a: Span<Double>, _ b: Span<Double>) -> Double {
    precondition(a.count == b.count)
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        a.isEmpty ? 0 : unsafe gap_squared_distance(a.baseAddress, b.baseAddress, a.count)
      }
    }
  }

  /// Euclidean length without overflow or underflow on the way; NaN or infinity when an element is.
  package static func norm(_ row: Span<Double>) -> Double {
    let square = dot(row, row)
    if square > 1e-250 && square < 1e250 { return square.squareRoot() }
    let largest = unsafe row.withUnsafeBufferPointer { row in
      row.isEmpty ? 0 : unsafe gap_largest_magnitude(row.baseAddress, row.count)
    }
    guard largest.isFinite, largest > 0 else { return largest }
    var scaled = 0.0
    for i in row.indices { scaled += (row[i] / largest) * (row[i] / largest) }
    return largest * scaled.squareRoot()
  }

  /// Divides every element.
  package static func divide(_ row: inout MutableSpan<Double>, by divisor: Double) {
    unsafe row.withUnsafeMutableBufferPointer { row in
      if let base = row.baseAddress { unsafe gap_divide(base, divisor, row.count) }
    }
  }

  /// `total += row`.
  package static func add(_ row: Span<Double>, to total: inout MutableSpan<Double>) {
    precondition(row.count == total.count)
    unsafe row.withUnsafeBufferPointer { row in
      unsafe total.withUnsafeMutableBufferPointer { total in
        if let base = total.baseAddress { unsafe gap_add(base, row.baseAddress, row.count) }
      }
    }
  }

  /// `row −= other`.
  package static func subtract(_ other: Span<Double>, from row: inout MutableSpan<Double>) {
    precondition(row.count == other.count)
    unsafe other.withUnsafeBufferPointer { other in
      unsafe row.withUnsafeMutableBufferPointer { row in
        if let base = row.baseAddress { unsafe gap_subtract(base, other.baseAddress, row.count) }
      }
    }
  }

  /// Multiplies by a factor and rounds to single precision; `target` may be longer than the row.
  package static func narrow(
    _ row: Span<Double>, times factor: Double = 1, into target: inout MutableSpan<Float>
  ) {
    precondition(row.count <= target.count)
    unsafe row.withUnsafeBufferPointer { row in
      unsafe target.withUnsafeMutableBufferPointer { target in
        if let base = target.baseAddress { unsafe gap_narrow(row.baseAddress, factor, base, row.count) }
      }
    }
  }

  /// A 128-bit hash of a row's bits (−0 counts as 0): two different rows share one with probability 2⁻¹²⁸.
  package static func fingerprint(_ row: Span<Double>) -> RowFingerprint {
    unsafe row.withUnsafeBufferPointer { row in
      guard let base = row.baseAddress else { return RowFingerprint(high: 0, low: 0) }
      var words: (UInt64, UInt64) = (0, 0)
      unsafe withUnsafeMutablePointer(to: &words) { pointer in
        unsafe pointer.withMemoryRebound(to: UInt64.self, capacity: 2) { unsafe gap_hash(base, row.count, $0) }
      }
      return RowFingerprint(high: words.0, low: words.1)
    }
  }

  /// Turns inner products into squared distances, `max(0, r + c_j − 2 dot_j)`.
  ///
  /// - Returns: how many results are at most `relative · (r + c_j)`, so that cancellation left them no digits.
  package static func squaredDistances(
    _ dots: inout MutableSpan<Double>, rowSquare: Double, columnSquares: Span<Double>, relative: Double
  ) -> Int {
    precondition(dots.count == columnSquares.count)
    return unsafe dots.withUnsafeMutableBufferPointer { dots in
      unsafe columnSquares.withUnsafeBufferPointer { squares in
        guard let base = dots.baseAddress else { return 0 }
        return unsafe gap_squared_distances(base, rowSquare, squares.baseAddress, relative, dots.count)
      }
    }
  }

  /// `Σ √v_j`.
  package static func sumOfRoots(_ values: Span<Double>) -> Double {
    unsafe values.withUnsafeBufferPointer { values in
      values.isEmpty ? 0 : unsafe gap_sum_roots(values.baseAddress, values.count)
    }
  }

  /// `Σ exp(−factor · v_j)` for `factor · v_j ≥ 0`.
  package static func sumOfExponentials(_ values: Span<Double>, factor: Double) -> Double {
    unsafe values.withUnsafeBufferPointer { values in
      values.isEmpty ? 0 : unsafe gap_sum_exponentials(values.baseAddress, factor, values.count)
    }
  }

  /// `exp(v_j)` for `v_j ≤ 0`.
  package static func exponentials(_ values: Span<Double>) -> [Double] {
    unsafe [Double](unsafeUninitializedCapacity: values.count) { target, count in
      unsafe values.withUnsafeBufferPointer { values in
        if let base = target.baseAddress { unsafe gap_exponentials(values.baseAddress, base, values.count) }
      }
      count = values.count
    }
  }

  /// `Σ_j a[index_j] b_j` in single precision, partial sums in double.
  ///
  /// Every index must be below `a.count`; this is checked in debug builds only, for it is the innermost loop.
  package static func gatheredDot(_ a: Span<Float>, _ index: Span<Int32>, _ b: Span<Float>) -> Double {
    precondition(index.count == b.count)
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe index.withUnsafeBufferPointer { index in
        assert(unsafe index.allSatisfy { $0 >= 0 && $0 < a.count })
        return unsafe b.withUnsafeBufferPointer { b in
          b.isEmpty ? 0 : unsafe gap_gathered_dot(a.baseAddress, index.baseAddress, b.baseAddress, b.count)
        }
      }
    }
  }
}

/// A row's identity, for finding equal rows.
package struct RowFingerprint: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64
}
