import CGapKernels

/// Gradients of the row operations: `gradient` is that of the output and becomes that of the input.
extension ActivationKernels {
  /// Of `apply`, at the input `x`.
  package static func applyGradient(
    _ function: Function, at x: Span<Float>, to gradient: inout MutableSpan<Float>
  ) {
    precondition(x.count == gradient.count)
    unsafe gradient.withUnsafeMutableBufferPointer { gradient in
      unsafe x.withUnsafeBufferPointer { x in
        guard let base = gradient.baseAddress, let x = x.baseAddress else { return }
        unsafe gap_activate_gradient(x, base, gradient.count, function.code)
      }
    }
  }

  /// Of `gated`: the gradient of the product becomes that of the gate; that of `up` is written to `ofUp`.
  package static func gatedGradient(
    _ function: Function, gate: Span<Float>, up: Span<Float>, to gradient: inout MutableSpan<Float>,
    ofUp: inout MutableSpan<Float>
  ) {
    precondition(gate.count == gradient.count && up.count == gate.count && ofUp.count == gate.count)
    unsafe gradient.withUnsafeMutableBufferPointer { gradient in
      unsafe ofUp.withUnsafeMutableBufferPointer { ofUp in
        unsafe gate.withUnsafeBufferPointer { gate in
          unsafe up.withUnsafeBufferPointer { up in
            guard let base = gradient.baseAddress, let other = ofUp.baseAddress, let g = gate.baseAddress,
              let u = up.baseAddress
            else { return }
            unsafe gap_gated_gradient(g, u, base, other, gradient.count, function.code)
          }
        }
      }
    }
  }

  /// Of `normalizeBySquare`, at the input `x`.
  package static func normalizeBySquareGradient(
    at x: Span<Float>, weight: Span<Float>, offset: Float, epsilon: Float, to gradient: inout MutableSpan<Float>
  ) {
    precondition(x.count == gradient.count && weight.count == x.count)
    unsafe gradient.withUnsafeMutableBufferPointer { gradient in
      unsafe x.withUnsafeBufferPointer { x in
        unsafe weight.withUnsafeBufferPointer { weight in
          guard let base = gradient.baseAddress, let x = x.baseAddress, let factors = weight.baseAddress else {
            return
          }
          unsafe gap_rms_norm_gradient(x, factors, epsilon, offset, base, gradient.count)
        }
      }
    }
  }

  /// Of `normalizeByDeviation`, at the input `x`.
  package static func normalizeByDeviationGradient(
    at x: Span<Float>, weight: Span<Float>, epsilon: Float, to gradient: inout MutableSpan<Float>
  ) {
    precondition(x.count == gradient.count && weight.count == x.count)
    unsafe gradient.withUnsafeMutableBufferPointer { gradient in
      unsafe x.withUnsafeBufferPointer { x in
        unsafe weight.withUnsafeBufferPointer { weight in
          guard let base = gradient.baseAddress, let x = x.baseAddress, let factors = weight.baseAddress else {
            return
          }
          unsafe gap_layer_norm_gradient(x, factors, epsilon, base, gradient.count)
        }
      }
    }
  }

  /// Of `softmax`, at the output `p`.
  package static func softmaxGradient(of p: Span<Float>, scale: Float, to gradient: inout MutableSpan<Float>) {
    precondition(p.count == gradient.count)
    unsafe gradient.withUnsafeMutableBufferPointer { gradient in
      unsafe p.withUnsafeBufferPointer { p in
        guard let base = gradient.baseAddress, let p = p.baseAddress else { return }
        unsafe gap_softmax_gradient(p, base, gradient.count, scale)
      }
    }
  }
}
