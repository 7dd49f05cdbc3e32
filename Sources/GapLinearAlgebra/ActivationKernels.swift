import CGapKernels

/// Row operations of transformer layers in single precision, chosen for the processor when the program starts.
package enum ActivationKernels {
  /// The nonlinear functions that models use.
  package enum Function: Sendable, Equatable {
    /// `max(0, x)`
    case relu
    /// `x σ(x)`
    case silu
    /// `x Φ(x)`, by the error function.
    case gelu
    /// `x Φ(x)`, by the tanh approximation.
    case geluTanh
    /// `x σ(1.702 x)`
    case quickGelu

    var code: Int32 {
      switch self {
      case .relu: Int32(GAP_RELU)
      case .silu: Int32(GAP_SILU)
      case .gelu: Int32(GAP_GELU)
      case .geluTanh: Int32(GAP_GELU_TANH)
      case .quickGelu: Int32(GAP_QUICK_GELU)
      }
    }
  }

  /// Applies a function to every number of a row.
  package static func apply(_ function: Function, to row: inout MutableSpan<Float>) {
    unsafe row.withUnsafeMutableBufferPointer { row in
      if let base = row.baseAddress { unsafe gap_activate(base, row.count, function.code) }
    }
  }

  /// `target = f(gate) · up`, number by number.
  package static func gated(
    _ function: Function, gate: Span<Float>, up: Span<Float>, into target: inout MutableSpan<Float>
  ) {
    precondition(gate.count == target.count && up.count == target.count)
    unsafe target.withUnsafeMutableBufferPointer { target in
      unsafe gate.withUnsafeBufferPointer { gate in
        unsafe up.withUnsafeBufferPointer { up in
          guard let base = target.baseAddress, let g = gate.baseAddress, let u = up.baseAddress else { return }
          unsafe gap_gated(g, u, base, target.count, function.code)
        }
      }
    }
  }

  /// `row = row / √(mean(row²) + epsilon) · (weight + offset)`.
  package static func normalizeBySquare(
    _ row: inout MutableSpan<Float>, weight: Span<Float>, offset: Float, epsilon: Float
  ) {
    precondition(weight.count == row.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe weight.withUnsafeBufferPointer { weight in
        guard let base = row.baseAddress, let factors = weight.baseAddress else { return }
        unsafe gap_rms_norm(base, factors, epsilon, offset, base, row.count)
      }
    }
  }

  /// `target = row / √(mean(row²) + epsilon) · (weight + offset)`.
  package static func normalizeBySquare(
    _ row: Span<Float>, weight: Span<Float>, offset: Float, epsilon: Float,
    into target: inout MutableSpan<Float>
  ) {
    precondition(weight.count == row.count && target.count == row.count)
    unsafe target.withUnsafeMutableBufferPointer { target in
      unsafe row.withUnsafeBufferPointer { row in
        unsafe weight.withUnsafeBufferPointer { weight in
          guard let base = target.baseAddress, let x = row.baseAddress, let factors = weight.baseAddress else {
            return
          }
          unsafe gap_rms_norm(x, factors, epsilon, offset, base, row.count)
        }
      }
    }
  }

  /// `row = (row − mean) / √(variance + epsilon) · weight + bias`.
  package static func normalizeByDeviation(
    _ row: inout MutableSpan<Float>, weight: Span<Float>, bias: Span<Float>, epsilon: Float
  ) {
    precondition(weight.count == row.count && bias.count == row.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe weight.withUnsafeBufferPointer { weight in
        unsafe bias.withUnsafeBufferPointer { bias in
          guard let base = row.baseAddress, let factors = weight.baseAddress, let terms = bias.baseAddress
          else {
            return
          }
          unsafe gap_layer_norm(base, factors, terms, epsilon, base, row.count)
        }
      }
    }
  }

  /// `row = softmax(scale · row)`, scale > 0.
  package static func softmax(_ row: inout MutableSpan<Float>, scale: Float) {
    unsafe row.withUnsafeMutableBufferPointer { row in
      if let base = row.baseAddress { unsafe gap_softmax(base, row.count, scale) }
    }
  }

  /// `row = other`.
  package static func copy(_ other: Span<Float>, to row: inout MutableSpan<Float>) {
    precondition(row.count == other.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe other.withUnsafeBufferPointer { other in
        guard let base = row.baseAddress, let source = other.baseAddress else { return }
        unsafe base.update(from: source, count: row.count)
      }
    }
  }

  /// `row *= other`.
  package static func multiply(_ row: inout MutableSpan<Float>, by other: Span<Float>) {
    precondition(row.count == other.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe other.withUnsafeBufferPointer { other in
        guard let base = row.baseAddress, let factors = other.baseAddress else { return }
        unsafe gap_multiply(base, factors, row.count)
      }
    }
  }

  /// `row += scale · other`.
  package static func add(_ other: Span<Float>, times scale: Float = 1, to row: inout MutableSpan<Float>) {
    precondition(row.count == other.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe other.withUnsafeBufferPointer { other in
        guard let base = row.baseAddress, let terms = other.baseAddress else { return }
        unsafe gap_add_scaled(base, terms, scale, row.count)
      }
    }
  }

  /// `row += other · factors`, number by number.
  package static func add(
    _ other: Span<Float>, timesEach factors: Span<Float>, to row: inout MutableSpan<Float>
  ) {
    precondition(row.count == other.count && factors.count == row.count)
    unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe other.withUnsafeBufferPointer { other in
        unsafe factors.withUnsafeBufferPointer { factors in
          guard let base = row.baseAddress, let terms = other.baseAddress, let each = factors.baseAddress else {
            return
          }
          unsafe gap_add_product(base, terms, each, row.count)
        }
      }
    }
  }
}
