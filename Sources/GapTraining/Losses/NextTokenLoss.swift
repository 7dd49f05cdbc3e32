package import GapLayers
package import GapLinearAlgebra
import GapTensorFiles

/// Cross-entropy of the token that comes next, where there is one to be learnt.
///
/// ```
/// L = Σ_i −ln softmax(W h_i)[t_i]      dh_i = scale · Wᵀ (softmax(W h_i) − e_{t_i})
/// ```
///
/// Rows go through the head in chunks, each from states to gradient on one thread: memory is O(threads · chunk ·
/// vocabulary), never O(tokens · vocabulary).
package struct NextTokenLoss: Sendable {
  private let packed: PackedWeights
  private let bias: [Float]?

  /// Rows of a chunk: few, since a batch has some hundreds of targets, of which every thread is to have its share.
  private static let rows = 32

  /// - Parameter head: taken in single precision where it is not packed.
  package init(head: FrozenLinear) {
    packed = head.packed ?? head.packedWeights(.single)
    bias = head.bias
  }

  /// - Parameters:
  ///   - states: [n, width], final states of the tokens before the targets.
  ///   - targets: n tokens.
  ///   - scale: factor of the gradient: the loss' weight over the number of supervised tokens.
  ///   - gradient: [n, width], added to; nil when it is not wanted.
  /// - Returns: the loss of each target, not scaled.
  /// - Throws: `TensorFileError` when the head's weights cannot be read.
  package func losses(
    _ states: Block<Float>, targets: [Int32], scale: Float = 0, gradient: Block<Float>? = nil,
    on pool: WorkerPool
  ) throws -> [Double] {
    precondition(states.rows == targets.count)
    let pieces = Pieces(of: 0..<states.rows, size: Self.rows)
    return try pool.map(pieces.count) { _, piece in
      let rows = pieces[piece]
      let logits = Block<Float>.unset(rows.count, packed.outputs)
      try packed.forward(states.rows(rows), into: logits)
      if let bias { logits.add(bias) }
      guard let gradient else {
        return TrainingKernels.crossEntropy(logits, targets: targets[rows], scale: scale, slopes: nil)
      }
      let isRounded = packed.precision != .single
      let slopes: ProductRows =
        isRounded ? .unset(rows.count, packed.outputs, packed.precision) : ProductRows(logits)
      let losses = TrainingKernels.crossEntropy(logits, targets: targets[rows], scale: scale, slopes: slopes)
      try packed.inputGradient(slopes, into: gradient.rows(rows), adding: true)
      return losses
    }.flatMap { $0 }
  }
}
