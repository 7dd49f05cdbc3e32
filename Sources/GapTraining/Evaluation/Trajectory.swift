package import GapLinearAlgebra
package import GapMetrics
package import GapModels
package import GapTensorFiles

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// Where held-out pairs lie on the way of a run, at each readout on one basis that stays: what shows a gap closing.
///
/// The basis is fitted on images and texts before the first step, which runs of one seed share whatever their loss. Kept
/// are a few components of the first few hundred pairs: a checkpoint of any width gives a small file.
package struct Trajectory: Sendable, Equatable {
  /// A moment at one readout.
  package struct Moment: Sendable, Equatable {
    /// Steps that were done.
    package let step: Int
    /// Coordinates, [pairs, components] row-major.
    package let image: [Float]
    package let text: [Float]
    /// Cosine of each pair, [pairs].
    package let cosines: [Float]
  }

  /// The moments of one readout.
  package struct Track: Sendable, Equatable {
    package let readout: Readout
    package let basis: PrincipalComponents
    package let pairs: Int
    package fileprivate(set) var moments: [Moment]
  }

  package private(set) var tracks: [Track] = []

  /// The most pairs that are kept, the first ones.
  package static let pairLimit = 400
  /// Components that are kept.
  private static let components = 4

  package init() {}

  /// Steps at which it holds moments.
  package var steps: [Int] { tracks.first?.moments.map(\.step) ?? [] }

  /// Adds a moment; the first one decides the basis of each readout.
  ///
  /// - Throws: what the sources throw; `LinearAlgebraError`; `TrainingError.cannotResume` when earlier moments are those
  ///   of other pairs.
  package mutating func add(_ pairs: [(readout: Readout, pair: EmbeddingPair)], step: Int) throws {
    for (readout, pair) in pairs {
      let count = min(pair.count, Self.pairLimit)
      let image = try Self.rows(pair.image, count, pair)
      let text = try Self.rows(pair.text, count, pair)
      let place: Int
      if let known = tracks.firstIndex(where: { $0.readout == readout }) {
        guard tracks[known].pairs == count, tracks[known].basis.dimension == pair.imageDimension else {
          throw TrainingError.cannotResume(
            path: "trajectories.safetensors",
            reason:
              "it was kept of \(tracks[known].pairs) held-out pairs of \(tracks[known].basis.dimension) numbers,"
              + " now there are \(count) of \(pair.imageDimension)")
        }
        place = known
      } else {
        let few = try EmbeddingPair(
          image: EmbeddingMatrix(image, dimension: pair.imageDimension),
          text: EmbeddingMatrix(text, dimension: pair.imageDimension), threads: pair.pool.threads)
        let basis = try GapProjection.basis(of: few, count: Self.components)
        place = tracks.count
        tracks.append(Track(readout: readout, basis: basis, pairs: count, moments: []))
      }
      let basis = tracks[place].basis
      tracks[place].moments.append(
        Moment(
          step: step, image: Self.places(image, basis), text: Self.places(text, basis),
          cosines: pair.moments.cosines.prefix(count).map { Float($0) }))
    }
  }

  /// The same without moments after a step, as a run has it that goes on from there.
  package func upTo(step: Int) -> Trajectory {
    var result = self
    for place in tracks.indices { result.tracks[place].moments.removeAll { $0.step > step } }
    return result
  }

  private static func rows(_ rows: UnitRows, _ count: Int, _ pair: EmbeddingPair) throws -> [Double] {
    let block = Block(
      Buffer<Double>(repeating: 0, count: count * rows.dimension), rows: count, columns: rows.dimension)
    try rows.fill(block, from: 0, on: pair.pool)
    return block.buffer.array()
  }

  /// One sum after the other, so that no number of threads can change a bit.
  private static func places(_ rows: [Double], _ basis: PrincipalComponents) -> [Float] {
    let d = basis.dimension
    var out: [Float] = []
    out.reserveCapacity(rows.count / d * basis.count)
    for row in 0..<rows.count / d {
      for k in 0..<basis.count {
        var sum = 0.0
        for j in 0..<d { sum += (rows[row * d + j] - basis.centre[j]) * basis.components[k * d + j] }
        out.append(Float(sum))
      }
    }
    return out
  }
}

extension Trajectory {
  /// Adds its tensors to a file, all under `prefix/<readout>/`.
  ///
  /// `image` and `text` [moments, pairs, components], `cosine` [moments, pairs], `step` [moments], and the basis: `centre`
  /// [C], `components` [components, C], `variance_fraction` [components]. Texts that never move are there once.
  package func write(into writer: inout SafetensorsWriter, prefix: String) {
    for track in tracks {
      let name = "\(prefix)/\(track.readout)/"
      let (n, k, moments) = (track.pairs, track.basis.count, track.moments)
      let texts = moments.allSatisfy { $0.text == moments[0].text } ? Array(moments.prefix(1)) : moments
      writer.add(name + "step", shape: [moments.count], moments.map { Double($0.step) })
      writer.add(name + "image", shape: [moments.count, n, k], moments.flatMap(\.image))
      writer.add(name + "text", shape: [texts.count, n, k], texts.flatMap(\.text))
      writer.add(name + "cosine", shape: [moments.count, n], moments.flatMap(\.cosines))
      writer.add(name + "centre", shape: [track.basis.dimension], track.basis.centre)
      writer.add(name + "components", shape: [k, track.basis.dimension], track.basis.components)
      writer.add(name + "variance_fraction", shape: [k], track.basis.varianceFractions)
    }
  }

  /// Reads what `write` wrote.
  ///
  /// - Throws: `TensorFileError`; `TrainingError.damaged` when the tensors do not fit each other.
  package init(_ file: TensorFile, prefix: String) throws {
    let names = file.tensors.map(\.name).filter { $0.hasPrefix(prefix + "/") && $0.hasSuffix("/step") }
    for step in names {
      let name = String(step.dropLast("step".count))
      guard let readout = Readout(String(name.dropFirst(prefix.count + 1).dropLast())) else {
        throw Self.fault(file, "readouts", name)
      }
      func tensor(_ key: String) throws -> Tensor { try file.tensor(named: name + key) }
      let steps: [Double] = try tensor("step").elements()
      let basis = PrincipalComponentsParts(
        centre: try tensor("centre").elements(), components: try tensor("components").elements(),
        fractions: try tensor("variance_fraction").elements())
      let image: [Float] = try tensor("image").elements()
      let text: [Float] = try tensor("text").elements()
      let cosines: [Float] = try tensor("cosine").elements()
      guard !steps.isEmpty, cosines.count % steps.count == 0, let basis = basis.joined else {
        throw Self.fault(file, "moments on a basis", "others")
      }
      let n = cosines.count / steps.count
      let size = n * basis.count
      guard image.count == steps.count * size, text.count == size || text.count == image.count,
        steps.allSatisfy({ $0 >= 0 && $0 < 1e15 && $0 == $0.rounded() })
      else { throw Self.fault(file, "[\(steps.count), \(n), \(basis.count)] numbers", "\(image.count)") }
      tracks.append(
        Track(
          readout: readout, basis: basis, pairs: n,
          moments: steps.indices.map { k in
            let own = k * size..<(k + 1) * size
            return Moment(
              step: Int(steps[k]), image: Array(image[own]),
              text: text.count == size ? text : Array(text[own]), cosines: Array(cosines[k * n..<(k + 1) * n]))
          }))
    }
  }

  /// `trajectories.safetensors`: what several runs, or one, went through.
  package static func data(_ all: [(run: String, trajectory: Trajectory)]) -> Data {
    var writer = SafetensorsWriter(metadata: [("schema", "embgap.trajectories/1")])
    for (run, trajectory) in all { trajectory.write(into: &writer, prefix: run) }
    return writer.data
  }

  private static func fault(_ file: TensorFile, _ expected: String, _ found: String) -> TrainingError {
    .damaged(path: file.path, expected: expected, found: found)
  }
}

/// The parts of a basis as a file has them.
private struct PrincipalComponentsParts {
  let centre: [Double]
  let components: [Double]
  let fractions: [Double]

  /// nil when they do not fit each other.
  var joined: PrincipalComponents? {
    guard !centre.isEmpty, !fractions.isEmpty, components.count == centre.count * fractions.count else {
      return nil
    }
    return PrincipalComponents(centre: centre, components: components, varianceFractions: fractions)
  }
}
