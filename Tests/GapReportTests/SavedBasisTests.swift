import Foundation
import GapLinearAlgebra
import GapMetrics
import GapReport
import GapTensorFiles
import Testing

@Suite struct SavedBasisTests {
  @Test func aBasisReadsBackBitForBit() throws {
    let basis = try MeasuredPair().projection.basis
    try withDirectory { directory in
      let path = directory + "/pca_basis.safetensors"
      try SavedBasis(basis).data().write(to: URL(filePath: path))
      #expect(try SavedBasis(path: path).components == basis)
      #expect(basis.count == 5)
    }
  }

  /// The same basis, applied to the same rows, gives the same places as the fit did.
  @Test func aBasisThatWasReadProjectsAsTheOneThatWasFitted() throws {
    let measured = try MeasuredPair()
    try withDirectory { directory in
      try measured.write(to: directory)
      let read = try SavedBasis(path: directory + "/" + ReportFiles.basis).components
      #expect(try GapProjection(of: measured.pair, basis: read) == measured.projection)
    }
  }

  @Test func aBasisOfAnotherWidthIsRefused() throws {
    var plan = MeasuredPair.Plan()
    plan.width = 7
    let wide = try MeasuredPair(plan)
    let narrow = try MeasuredPair()
    #expect(throws: MetricError.basisDiffers(basisWidth: 7, width: 5)) {
      try GapProjection(of: narrow.pair, basis: wide.projection.basis)
    }
    #expect(throws: MetricError.basisDiffers(basisWidth: 5, width: 7)) {
      try GapProjection(of: wide.pair, basis: narrow.projection.basis)
    }
  }

  /// Tensors whose sizes or values do not belong together.
  struct Fault: Sendable {
    var centre = [3]
    var components = [2, 3]
    var fractions = [2]
    var value = 0.5
  }

  static let faults = [
    Fault(centre: [2]), Fault(components: [3, 3]), Fault(components: [6]), Fault(fractions: [3]),
    Fault(centre: [1, 3]), Fault(centre: [0], components: [2, 0]), Fault(components: [0, 3], fractions: [0]),
    Fault(value: .nan), Fault(value: -.infinity),
  ]

  @Test(arguments: faults)
  func otherLayoutsAreRefused(fault: Fault) throws {
    try withDirectory { directory in
      let path = directory + "/basis.safetensors"
      var writer = SafetensorsWriter()
      for (name, shape) in [
        ("centre", fault.centre), ("components", fault.components), ("variance_fraction", fault.fractions),
      ] {
        writer.add(name, shape: shape, [Double](repeating: fault.value, count: shape.reduce(1, *)))
      }
      try writer.data.write(to: URL(filePath: path))
      let error = #expect(throws: ReportError.self) { try SavedBasis(path: path) }
      guard case .wrongLayout(let named, _, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(named == path)
    }
  }

  @Test func aFileWithoutABasisIsNamed() throws {
    let measured = try MeasuredPair()
    try withDirectory { directory in
      try measured.write(to: directory)
      #expect(throws: TensorFileError.self) { try SavedBasis(path: directory + "/" + ReportFiles.details) }
      let error = #expect(throws: TensorFileError.self) { try SavedBasis(path: directory + "/none") }
      #expect(error?.isMissingInput == true)
    }
  }

  // MARK: Projections

  @Test func projectionsAreKeptAsArrayAndAsTable() throws {
    let measured = try MeasuredPair()
    let (n, k) = (measured.pair.count, measured.projection.basis.count)
    try withDirectory { directory in
      try measured.write(to: directory)
      let tensor = try TensorReference(path: directory + "/" + ReportFiles.projections).tensor()
      #expect(tensor.shape == [2, n, k])
      let values: [Double] = try tensor.elements()
      #expect(values == measured.projection.image + measured.projection.text)
      let table = try String(contentsOfFile: directory + "/" + ReportFiles.projectionTable, encoding: .utf8)
      let lines = table.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
      #expect(lines[0] == ["pair", "modality"] + (1...k).map { "pc\($0)" })
      #expect(lines.count == 2 * n + 1)
      for (index, line) in lines.dropFirst().enumerated() {
        #expect(line[0] == String(index % n))
        #expect(line[1] == (index < n ? "image" : "text"))
        #expect(line.dropFirst(2).compactMap(Double.init) == Array(values[(index * k)..<((index + 1) * k)]))
      }
    }
  }
}
