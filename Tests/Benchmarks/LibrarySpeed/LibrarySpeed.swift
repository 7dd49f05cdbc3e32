import EmbeddingGap
import Foundation

/// Times parts of the library that no command runs alone; prints one JSON object a line.
///
/// ```
/// library-speed THREADS REPEATS read FILE…     every tensor of each file, as Float
/// library-speed THREADS REPEATS pca FILE       reading the pairs, their moments, a joint basis, projecting all rows on it
/// library-speed THREADS REPEATS linear FILE    every metric of the core, of whose pairs of rows a small sample, and PCA
/// ```
@main
struct LibrarySpeed {
  struct Timing: Encodable {
    let what: String
    let bytes: Int
    let seconds: [Double]
  }

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 4, let threads = Int(arguments[1]), let repeats = Int(arguments[2]), repeats > 0
    else {
      FileHandle.standardError.write(
        Data("usage: library-speed THREADS REPEATS read FILE… | pca FILE | linear FILE\n".utf8))
      exit(64)
    }
    for path in arguments[4...] {
      let seconds =
        switch arguments[3] {
        case "read": try timed(repeats) { try read(path) }
        case "pca": try timed(repeats) { try project(path, threads) }
        case "linear": try timed(repeats) { try measure(path, threads) }
        default: preconditionFailure("no part \(arguments[3])")
        }
      let bytes = try TensorFile(path: path).byteCount
      let line = try JSONEncoder().encode(Timing(what: path, bytes: bytes, seconds: seconds))
      print(String(decoding: line, as: UTF8.self))
    }
  }

  static func timed(_ repeats: Int, _ work: () throws -> Void) rethrows -> [Double] {
    try (0..<repeats).map { _ in
      let clock = ContinuousClock()
      let spent = try clock.measure { try work() }
      return Double(spent.components.seconds) + Double(spent.components.attoseconds) / 1e18
    }
  }

  static func read(_ path: String) throws {
    for tensor in try TensorFile(path: path).tensors {
      let numbers: [Float] = try tensor.elements()
      precondition(numbers.count == tensor.elementCount)
    }
  }

  static func project(_ path: String, _ threads: Int) throws {
    let files = try EmbeddingFiles(pairs: TensorReference(path: path))
    let pair = try EmbeddingPair(image: files.image, text: files.text, threads: threads)
    let basis = try GapProjection.basis(of: pair, count: 2)
    let projection = try GapProjection(of: pair, basis: basis)
    precondition(projection.image.count == 2 * pair.count)
  }

  static func measure(_ path: String, _ threads: Int) throws {
    let files = try EmbeddingFiles(pairs: TensorReference(path: path))
    let pair = try EmbeddingPair(image: files.image, text: files.text, threads: threads)
    var options = MeasurementOptions()
    options.exactLimit = 1000
    let core = try CoreMeasurement(of: pair, options: options)
    let basis = try GapProjection.basis(of: pair, count: 2)
    precondition(!core.metrics.isEmpty && basis.count == 2)
  }
}
