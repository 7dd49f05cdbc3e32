import Foundation
import GapLinearAlgebra
import GapModels
import GapTensorFiles
import Testing

/// Tiny checkpoints, and what PyTorch computes when it trains them (`Fixtures/generators/training.py`).
enum ReferenceFiles {
  static let fixtures =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path + "/Fixtures/"
  static let checkpoints = fixtures + "checkpoints/"
  static let training = fixtures + "training/"

  /// One of the tiny decoders.
  static func decoder(_ name: String) throws -> Decoder {
    try Decoder(
      DecoderConfiguration(ModelSettings(file: checkpoints + name + "/config.json")),
      weights: ModelWeights(TensorFile(path: checkpoints + name)))
  }
}

extension TensorFile {
  func numbers(_ name: String) throws -> [Float] { try tensor(named: name).elements() }
}

extension Block<Float> {
  var numbers: [Float] { (0..<rows).flatMap { i in row(i) { row in row.indices.map { row[$0] } } } }

  init(_ numbers: [Float], rows: Int) {
    self.init(Buffer(numbers), rows: rows, columns: numbers.count / rows)
  }
}

/// Compares numbers with the reference, relative to its largest magnitude.
func expectClose(
  _ found: [Float], _ expected: [Float], relative: Float, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record(
      "\(what): expected \(expected.count) numbers, found \(found.count)", sourceLocation: sourceLocation)
    return
  }
  let size = expected.reduce(0) { max($0, abs($1)) }
  let worst = zip(found, expected).reduce(Float(0)) { max($0, $1.0.isFinite ? abs($1.0 - $1.1) : .infinity) }
  #expect(
    size > 0 && worst <= relative * size, "\(what): off by \(worst / size) of the largest",
    sourceLocation: sourceLocation)
}
