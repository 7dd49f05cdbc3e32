import CGapKernels

/// Inner loops of losses and of the optimiser.
package enum TrainingKernels {
  /// Cross-entropy of rows of logits, which hold anything afterwards.
  ///
  /// - Parameters:
  ///   - logits: [n, vocabulary].
  ///   - targets: n tokens.
  ///   - slopes: becomes `scale · (softmax − one-hot)`, [n, vocabulary]; nil where that is not wanted. It may be the logits.
  /// - Returns: −ln softmax(row)[target] of each row.
  package static func crossEntropy(
    _ logits: Block<Float>, targets: ArraySlice<Int32>, scale: Float, slopes: ProductRows?
  ) -> [Double] {
    precondition(targets.count == logits.rows)
    precondition(slopes.map { $0.rows == logits.rows && $0.columns == logits.columns } ?? true)
    return targets.enumerated().map { i, target in
      precondition(target >= 0 && Int(target) < logits.columns)
      let row = unsafe logits.buffer.pointer(at: logits.offset + i * logits.stride, reaching: logits.columns)
      let slope = slopes?.rows(i..<i + 1)
      return unsafe gap_cross_entropy(
        row, logits.columns, Int(target), scale, slope?.pointer, slope?.type ?? ProductPrecision.single.type)
    }
  }

  /// Σ x².
  package static func sumOfSquares(_ row: Span<Float>) -> Double {
    unsafe row.withUnsafeBufferPointer { row in
      guard let base = row.baseAddress else { return 0 }
      return unsafe gap_sum_of_squares(base, row.count)
    }
  }

  /// The numbers of one step of AdamW.
  package struct AdamWStep: Sendable {
    /// Factor of the gradient.
    package var scale: Double
    package var rate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double
    /// Steps with this one, from 1.
    package var count: Int

    package init(
      scale: Double, rate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
      count: Int
    ) {
      self.scale = scale
      self.rate = rate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
      self.count = count
    }
  }

  /// One step of AdamW in place.
  ///
  /// - Parameters:
  ///   - first: running mean of gradients.
  ///   - second: running mean of squared gradients.
  /// - Source: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*; the order of operations is PyTorch's.
  package static func adamW(
    _ values: inout MutableSpan<Float>, gradient: Span<Float>, first: inout MutableSpan<Float>,
    second: inout MutableSpan<Float>, _ step: AdamWStep
  ) {
    precondition(values.count == gradient.count && values.count == first.count && values.count == second.count)
    let rate = step.rate / (1 - power(step.beta1, Double(step.count)))
    let root = (1 - power(step.beta2, Double(step.count))).squareRoot()
    unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe gradient.withUnsafeBufferPointer { gradient in
        unsafe first.withUnsafeMutableBufferPointer { first in
          unsafe second.withUnsafeMutableBufferPointer { second in
            guard let v = values.baseAddress, let g = gradient.baseAddress, let m = first.baseAddress,
              let s = second.baseAddress
            else { return }
            unsafe gap_adamw(
              v, g, m, s, values.count, Float(step.scale), Float(1 - step.rate * step.weightDecay), Float(rate),
              Float(root), Float(step.beta1), Float(step.beta2), Float(step.epsilon))
          }
        }
      }
    }
  }
}
