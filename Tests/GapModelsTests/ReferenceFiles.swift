import Foundation
import GapLinearAlgebra
import GapTensorFiles
import Testing

/// Tiny checkpoints and what the reference implementation computes from them.
enum ReferenceFiles {
  static let folder =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path + "/Fixtures/checkpoints/"
}

extension TensorFile {
  func numbers(_ name: String) throws -> [Float] { try tensor(named: name).elements() }

  func tokens(_ name: String) throws -> [Int32] { try tensor(named: name).integers().map { Int32($0) } }
}

/// Compares numbers with the reference, relative to its largest magnitude; says where the worst lies.
func expectParity(
  _ found: [Float], _ expected: [Float], relative: Float = 1e-5, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record(
      "\(what): expected \(expected.count) numbers, found \(found.count)", sourceLocation: sourceLocation)
    return
  }
  let size = expected.reduce(0) { max($0, abs($1)) }
  var worst = (index: 0, error: Float(0))
  for i in expected.indices {
    let error = abs(found[i] - expected[i])
    if !(error <= worst.error) { worst = (i, error) }
  }
  #expect(
    worst.error <= relative * size && size > 0,
    "\(what)[\(worst.index)]: expected \(expected[worst.index]), found \(found[worst.index]), \(worst.error / size) of the largest",
    sourceLocation: sourceLocation)
}

extension Block<Float> {
  var numbers: [Float] { (0..<rows).flatMap { i in row(i) { row in row.indices.map { row[$0] } } } }
}
