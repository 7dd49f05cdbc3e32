import GapLinearAlgebra
import GapMetrics

/// Some pairs of one layer on principal components of its own, to be looked at.
public struct LayerProjection: Sendable, Equatable {
  /// The layer, such as `layer:3`.
  let readout: String
  /// Numbers of the pairs, ascending.
  let pairs: [Int]
  /// Share of the variance along each component, as far as the pairs that it is fitted on tell.
  let variance: [Double]
  /// Coordinates, [pairs, components] row-major.
  let image: [Float]
  let text: [Float]
  /// Cosine of each pair.
  let cosines: [Float]

  private static let components = 4
  /// The basis is fitted on at most so many of the pairs: decoders are wide, and have many layers.
  private static let fitLimit = 256
  /// The most bytes of all layers' coordinates, as integers of 16 bits.
  private static let byteLimit = 480_000
  private static let pairLimit = 2000

  /// - Parameters:
  ///   - layers: how many there are in all, which decides how many pairs are taken of each.
  ///   - seed: of the sample, which is the same for every layer of as many pairs.
  /// - Throws: what the sources throw; `LinearAlgebraError`.
  /// - Complexity: O(pairs · d), and the SVD of at most 512 rows.
  init(_ readout: String, of pair: EmbeddingPair, layers: Int, seed: UInt64) throws {
    let limit = min(Self.pairLimit, max(50, Self.byteLimit / (layers * 4 * Self.components)))
    var generator = SeededGenerator(seed: seed, purpose: "page layers")
    pairs = generator.sample(limit, of: pair.count).sorted()
    let d = pair.imageDimension
    let pairs = pairs
    func rows(_ rows: UnitRows) throws -> [Double] {
      let block = Block(
        Buffer<Double>(repeating: 0, count: pairs.count * d), rows: pairs.count, columns: d)
      try rows.fill(block, at: pairs, on: pair.pool)
      return block.buffer.array()
    }
    let (image, text) = (try rows(pair.image), try rows(pair.text))
    let fitted = min(pairs.count, Self.fitLimit) * d
    func matrix(_ rows: some Collection<Double>) -> EmbeddingMatrix {
      EmbeddingMatrix(Array(rows), dimension: d)
    }
    let few = try EmbeddingPair(
      image: matrix(image.prefix(fitted)), text: matrix(text.prefix(fitted)), threads: pair.pool.threads)
    let basis = try GapProjection.basis(of: few, count: Self.components)
    self.readout = readout
    variance = basis.varianceFractions
    self.image = Self.places(image, basis)
    self.text = Self.places(text, basis)
    let all = pair.moments.cosines
    cosines = pairs.map { Float(all[$0]) }
  }

  private static func places(_ rows: [Double], _ basis: PrincipalComponents) -> [Float] {
    let d = basis.dimension
    return (0..<rows.count / d).flatMap { row in
      (0..<basis.count).map { k in
        Float(
          (0..<d).reduce(0.0) {
            $0 + (rows[row * d + $1] - basis.centre[$1]) * basis.components[k * d + $1]
          })
      }
    }
  }
}
