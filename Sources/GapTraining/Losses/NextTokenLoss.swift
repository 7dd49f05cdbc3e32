package import GapLayers
package import GapLinearAlgebra
import GapTensorFiles

/// Cross-entropy of the token that comes next, where there is one to be learnt.
///
/// ```
/// L = Σ_i −ln softmax(W h_i)[t_i]      dh_i = scale · Wᵀ (softmax(W h_i) − e_{t_i})
/// ```
///
/// Rows go through the head in chunks: memory is O(chunk · vocabulary), never O(tokens · vocabulary).
package struct NextTokenLoss: Sendable {
  package let head: FrozenLinear

  /// Logits that are there at once, but for those of one piece of rows.
  private static let logits = 1 << 23

  package init(head: FrozenLinear) { self.head = head }

  /// - Parameters:
  ///   - states: [n, width], final states of the tokens before the targets.
  ///   - targets: n tokens.
  ///   - scale: factor of the gradient: the loss' weight over the number of supervised tokens.
  ///   - gradient: [n, width], written to; nil when it is not wanted.
  /// - Returns: the loss of each target, not scaled.
  /// - Throws: `TensorFileError` when the head's weights cannot be read.
  package func losses(
    _ states: Block<Float>, targets: [Int32], scale: Float = 0, gradient: Block<Float>? = nil,
    on pool: WorkerPool
  ) throws -> [Double] {
    precondition(states.rows == targets.count)
    var losses: [Double] = []
    let size = max(1, Self.logits / head.outputs / PackedWeights.rows) * PackedWeights.rows
    for rows in Pieces(of: 0..<states.rows, size: size).all {
      let logits = try head.forward(states.rows(rows), on: pool)
      losses += try pool.map(rows.count) { _, i in
        logits.writeRow(i) {
          TrainingKernels.crossEntropy(&$0, target: Int(targets[rows.lowerBound + i]), scale: scale)
        }
      }
      guard let gradient else { continue }
      try gradient.rows(rows).add(head.inputGradient(logits, on: pool), on: pool)
    }
    return losses
  }
}
