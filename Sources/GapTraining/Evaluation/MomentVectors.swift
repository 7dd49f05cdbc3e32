import GapLinearAlgebra
package import GapMetrics
package import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// Held-out vectors at one readout, at one moment of training.
package struct MomentVectors: Sendable {
  /// `start`, or the arm and the steps that were done.
  package let moment: String
  package let readout: Readout
  /// Pairs that are kept, the first ones.
  package let pairs: Int
  /// Vectors of length 1, [pairs · C].
  package let image: [Float]
  package let text: [Float]

  /// The most pairs that are kept.
  private static let limit = 400

  package init(moment: String, readout: Readout, pair: EmbeddingPair) throws {
    let count = min(pair.count, Self.limit)
    func numbers(_ rows: UnitRows) throws -> [Float] {
      let block = Block(
        Buffer<Double>(repeating: 0, count: count * rows.dimension), rows: count, columns: rows.dimension)
      try rows.fill(block, from: 0, on: pair.pool)
      return block.buffer.array().map { Float($0) }
    }
    self.moment = moment
    self.readout = readout
    pairs = count
    (image, text) = (try numbers(pair.image), try numbers(pair.text))
  }

  init(moment: String, readout: Readout, pairs: Int, image: [Float], text: [Float]) {
    self.moment = moment
    self.readout = readout
    self.pairs = pairs
    self.image = image
    self.text = text
  }

  /// `vectors.safetensors`: `<readout>/<moment>/image` and `…/text`, [pairs, C] each; texts that are those of `start` are
  /// not there again.
  package static func data(_ all: [MomentVectors]) -> Data {
    var writer = SafetensorsWriter(metadata: [("format", "pt")])
    var names: Set<String> = []
    var texts: [Readout: [Float]] = [:]
    for own in all where names.insert("\(own.readout)/\(own.moment)").inserted {
      let shape = [own.pairs, own.image.count / own.pairs]
      writer.add("\(own.readout)/\(own.moment)/image", shape: shape, own.image)
      guard texts[own.readout] != own.text else { continue }
      texts[own.readout] = texts[own.readout] ?? own.text
      writer.add("\(own.readout)/\(own.moment)/text", shape: shape, own.text)
    }
    return writer.data
  }
}
