import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where the held-out pairs of a run lay at one readout, evaluation by evaluation, on one basis.
struct TrajectoryTrack: Sendable {
  /// The run as the file names it, such as `joint, 100 steps`.
  let run: String
  let readout: String
  let variance: [Double]
  let steps: [Int]
  let pairs: Int
  /// Coordinates of each moment, [pairs, components] row-major.
  let image: [[Float]]
  let text: [[Float]]
  /// Paired cosines of each moment, [pairs].
  let cosines: [[Float]]

  var components: Int { variance.count }
  /// The arm without the steps that follow it.
  var arm: String { run.split(separator: ",").first.map(String.init) ?? run }

  /// The file that a comparison and a run leave.
  static let file = "trajectories.safetensors"

  /// Reads what lies in a directory; nothing where there is none.
  ///
  /// - Throws: `TensorFileError`; `ReportError.wrongLayout`.
  static func all(in directory: String) throws -> [TrajectoryTrack] {
    let path = directory + "/" + file
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let file = try TensorFile(path: path)
    return try file.tensors.map(\.name).filter { $0.hasSuffix("/step") }.map { name in
      try TrajectoryTrack(file, String(name.dropLast("/step".count)))
    }
  }

  private init(_ file: TensorFile, _ name: String) throws {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    func tensor(_ key: String) throws -> Tensor { try file.tensor(named: name + "/" + key) }
    let steps: [Double] = try tensor("step").elements()
    let variance: [Double] = try tensor("variance_fraction").elements()
    let cosines: [Float] = try tensor("cosine").elements()
    let image: [Float] = try tensor("image").elements()
    let text: [Float] = try tensor("text").elements()
    let n = steps.isEmpty ? 0 : cosines.count / steps.count
    let size = n * variance.count
    guard parts.count == 2, size > 0, cosines.count == n * steps.count, image.count == size * steps.count,
      text.count == size || text.count == image.count, (image + text + cosines).allSatisfy(\.isFinite),
      steps.allSatisfy({ $0 >= 0 && $0 < 1e15 && $0 == $0.rounded() }), variance.allSatisfy(\.isFinite)
    else {
      throw ReportError.wrongLayout(
        path: file.path, expected: "step, image, text, cosine and variance_fraction that fit each other",
        found: "others under \(name)")
    }
    run = parts[0]
    readout = parts[1]
    pairs = n
    self.variance = variance
    self.steps = steps.map { Int($0) }
    self.image = steps.indices.map { Array(image[$0 * size..<($0 + 1) * size]) }
    self.text = steps.indices.map { text.count == size ? text : Array(text[$0 * size..<($0 + 1) * size]) }
    self.cosines = steps.indices.map { Array(cosines[$0 * n..<($0 + 1) * n]) }
  }
}
