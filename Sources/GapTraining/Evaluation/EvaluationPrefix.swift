import GapLayers
import GapLinearAlgebra
package import GapModels

/// What the decoder is given before a question or a prompt.
package enum EvaluationPrefix: Sendable {
  /// BOS and the image, as the projector gives it.
  case images(TrainableProjector)
  /// BOS and the tokens of a true caption of each image: the ceiling, what the decoder can tell in the best case.
  case captions([[Int32]])
  /// BOS alone: the floor, what it tells without seeing anything.
  case nothing

  /// What the decoder remembers after the prefix of each image, and the final states of the prefixes' last tokens,
  /// [images, C]; no states where a prefix is empty.
  ///
  /// - Parameters:
  ///   - images: their numbers in the set.
  func read(
    _ images: [Int], of set: TrainingSet, _ checkpoint: Checkpoint, on pool: WorkerPool
  ) throws -> (pasts: [DecoderPast], states: Block<Float>?) {
    let decoder = try checkpoint.model.requiredDecoder()
    let lead = checkpoint.beginning.map { [$0] } ?? []
    var items: [ReadoutSequence] = []
    var visual: Block<Float>?
    switch self {
    case .images(let projector):
      let tokens = try projector.forward(
        set.features(images, on: pool), images: images.count, path: checkpoint.model.path, on: pool
      ).0
      let each = tokens.rows / images.count
      items = images.indices.map { ReadoutSequence(leading: lead, visual: $0 * each..<($0 + 1) * each) }
      visual = tokens
    case .captions(let captions): items = images.map { ReadoutSequence(leading: lead + captions[$0]) }
    case .nothing: items = images.map { _ in ReadoutSequence(leading: lead) }
    }
    guard items.allSatisfy({ $0.length > 0 }) else { return (images.map { _ in DecoderPast() }, nil) }
    let pass = ReadoutPass(decoder: decoder, pool: pool)
    let lengths = items.map(\.length)
    let rows = try pass.inputs(items, .init(lengths: lengths), visual)
    let (states, pasts) = try decoder.extend(
      rows, lengths: lengths, pasts: lengths.map { _ in DecoderPast() }, on: pool)
    let ends = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }.dropFirst()
    return (pasts, try states.picked(ends.map { $0 - 1 }, on: pool))
  }
}

extension Block<Float> {
  /// Copies of some rows, one below the other.
  func picked(_ places: [Int], on pool: WorkerPool) throws -> Block<Float> {
    let target = Block<Float>.zeros(places.count, columns)
    try target.forEachRow(on: pool) { i, row in
      self.row(places[i]) { own in for k in own.indices { row[k] = own[k] } }
    }
    return target
  }
}
