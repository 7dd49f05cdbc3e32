import GapLinearAlgebra

/// Which samples are in which step: a new permutation every epoch, the last partial batch left out.
///
/// It depends on the seed, the numbers of samples and of a batch, and on nothing else: arms of a comparison that share
/// these see the same batches in the same order.
package struct BatchOrder: Sendable {
  private let seed: UInt64
  private let samples: Int
  package let batch: Int

  /// Steps of an epoch.
  package var stepsPerEpoch: Int { samples / batch }

  package init(seed: UInt64, samples: Int, batch: Int) {
    precondition(batch > 0 && samples >= batch)
    self.seed = seed
    self.samples = samples
    self.batch = batch
  }

  /// - Parameters:
  ///   - step: from 0.
  ///   - contrasted: samples that are compared, a multiple of the batch; those beyond the batch follow it in the epoch's
  ///     order, from its beginning after its end.
  /// - Returns: the samples of the batch, and those that are only compared.
  package func members(of step: Int, contrasted: Int) -> (batch: [Int], others: [Int]) {
    let (epoch, place) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    var generator = SeededGenerator(seed: seed, purpose: "batches", index: UInt64(epoch))
    let order = generator.permutation(of: samples).map(Int.init)
    let first = place * batch
    return (
      Array(order[first..<first + batch]),
      (batch..<max(batch, min(contrasted, samples))).map { order[(first + $0) % samples] }
    )
  }
}
