import Foundation
import GapLayers
package import GapLinearAlgebra
package import GapMetrics

/// The Modality Integration Rate of a decoder on images and captions.
///
/// ```
/// log₁₀ Σ_{k=1…L} Fréchet(image tokens of hidden state k, text tokens of hidden state k)
/// ```
///
/// Image tokens are read from BOS + image, text tokens from BOS + caption, BOS itself left out: the sequences of the
/// readout `layer:K`. Lower: the decoder holds both modalities in one region. Compare at equal numbers of tokens only.
///
/// The decoder is gone through layer by layer with all sequences at once, in batches, so that memory is two copies of
/// one layer's states, whatever the number of layers.
///
/// - Source: Huang et al., ICCV 2025; `TokenCloudDistance`.
package struct ModalityIntegrationRate: Sendable, Equatable {
  /// The Fréchet distance of each layer, 0…L.
  package let layers: [TokenCloudDistance]

  /// log₁₀ of the sum over layers 1…L; nil where the sum is not positive.
  package var value: Double? { Self.logarithm(layers.dropFirst()) }
  /// The same with layer 0.
  package var withLayerZero: Double? { Self.logarithm(layers[...]) }

  private static func logarithm(_ layers: ArraySlice<TokenCloudDistance>) -> Double? {
    let sum = layers.reduce(0) { $0 + $1.value }
    return sum > 0 && sum.isFinite ? log10(sum) : nil
  }

  /// - Parameters:
  ///   - visual: [images · perImage, input width] visual tokens.
  ///   - perImage: for each image its number of tokens.
  ///   - captions: tokens of the captions.
  ///   - beginning: BOS, or none.
  ///   - progress: told the share of the layers that is done, 0…1.
  /// - Throws: `ModelError`, `MetricError.badCloud`, `TensorFileError`.
  package init(
    visual: Block<Float>, perImage: [Int], captions: [[Int32]], beginning: Int32?, decoder: Decoder,
    mode: MIRMode, pool: WorkerPool, progress: (Double) -> Void = { _ in }
  ) throws {
    let lead = beginning.map { [$0] } ?? []
    var start = 0
    let images = perImage.map { count in
      defer { start += count }
      return ReadoutSequence(leading: lead, visual: start..<start + count)
    }
    let texts = captions.map { ReadoutSequence(leading: lead + $0) }
    let pass = ReadoutPass(decoder: decoder, pool: pool)
    var batches = try pass.batches(images + texts).map { range in
      let members = Array((images + texts)[range])
      let packed = Sequences(lengths: members.map(\.length))
      let inputs = try pass.inputs(members, packed, visual)
      return (packed: packed, states: try decoder.entering(inputs, packed, on: pool))
    }
    var distances: [TokenCloudDistance] = []
    let last = decoder.blocks.count
    for layer in 0...last {
      if layer > 0 {
        for batch in batches { try decoder.blocks[layer - 1].forward(batch.states, batch.packed, on: pool) }
      }
      if layer == last {
        batches = try batches.map { ($0.packed, try decoder.leaving($0.states, on: pool)) }
      }
      let clouds = try Self.clouds(batches, images: images.count, skipping: lead.count, pool)
      distances.append(try TokenCloudDistance(image: clouds.image, text: clouds.text, mode: mode, pool: pool))
      progress(Double(layer + 1) / Double(last + 1))
    }
    layers = distances
  }

  /// The states of the first `images` sequences, and those of the others, without what stands in front.
  private static func clouds(
    _ batches: [(packed: Sequences, states: Block<Float>)], images: Int, skipping lead: Int, _ pool: WorkerPool
  ) throws -> (image: Block<Float>, text: Block<Float>) {
    var clouds: [[Block<Float>]] = [[], []]
    for batch in batches {
      for s in 0..<batch.packed.count {
        let side = clouds[0].count < images ? 0 : 1
        clouds[side].append(batch.states.rows(batch.packed.rows(of: s).dropFirst(lead)))
      }
    }
    return (try .joined(clouds[0], on: pool), try .joined(clouds[1], on: pool))
  }
}
