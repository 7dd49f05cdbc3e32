import Foundation
import Testing

@testable import GapTensorFiles

@Suite struct TensorFileTests {
  @Test func everyFixtureHoldsWhatItsWriterSays() throws {
    let expected = try Fixture.expected()
    #expect(expected.count > 60)
    for (name, want) in expected.sorted(by: { $0.key < $1.key }) {
      let file = try TensorFile(path: Fixture.path(name))
      #expect(file.format.description == want.format, "\(name)")
      #expect(Set(file.tensors.map(\.name)) == Set(want.tensors.map(\.name)), "\(name)")
      #expect(file.tensors.count == want.tensors.count, "\(name)")
      for tensor in want.tensors { try compare(file.tensor(named: tensor.name), tensor, in: name) }
      for (key, value) in want.metadata {
        guard case .value(let value) = value else { continue }
        #expect(same(file.metadata(named: key), value), "\(name) \(key)")
      }
    }
  }

  private func compare(_ tensor: Tensor, _ want: Fixture.ExpectedTensor, in file: String) throws {
    let label = Comment(rawValue: "\(file) \(want.name)")
    #expect(tensor.elementType.name == want.type, label)
    try #require(tensor.shape == want.shape, label)
    guard let values = want.values else {
      #expect(throws: TensorFileError.self, label) { let _: [Double] = try tensor.elements() }
      return
    }
    let doubles: [Double] = try tensor.elements()
    #expect(doubles.map(\.bitPattern) == values.map(\.bitPattern), label)
    let floats: [Float] = try tensor.elements()
    #expect(floats == values.map { Float($0) }, label)
  }

  /// JSON writes 1.0 for a float and 1 for an integer, and reads both as either.
  private func same(_ found: MetadataValue?, _ want: MetadataValue) -> Bool {
    if case .bool = want { return found == want }
    if let one = found?.number, let two = want.number { return one == two }
    return found == want
  }

  @Test func hugeIntegersKeepTheirSign() throws {
    let file = try TensorFile(path: Fixture.path("mixed.gguf"))
    #expect(file.metadata(named: "u64") == .unsigned(.max))
  }

  @Test func directoryOpensItsModel() throws {
    let file = try TensorFile(path: Fixture.path("sharded"))
    #expect(file.path.hasSuffix("model.safetensors.index.json"))
    #expect(try TensorFile(path: file.path).tensors.map(\.name) == file.tensors.map(\.name))
    try Fixture.withDirectory { directory in
      #expect(throws: TensorFileError.directoryWithoutModel(path: directory)) {
        try TensorFile(path: directory)
      }
    }
  }

  @Test func contentDecidesTheFormat() throws {
    for (name, format) in [
      ("types-legacy.pt", TensorFile.Format.torchLegacy), ("types.pt", .torchZip), ("stored.npz", .npz),
      ("types.safetensors", .safetensors), ("mixed.gguf", .gguf), ("vector.npy", .npy),
    ] {
      #expect(try Fixture.open(Fixture.bytes(name), as: "model.bin").format == format)
    }
    #expect(
      try Fixture.open([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18), as: "a.npz").tensors.isEmpty)
  }

  @Test func unknownNameListsADozenNames() throws {
    let file = try TensorFile(path: Fixture.path("stored.npz"))
    #expect(
      throws: TensorFileError.unknownTensor(
        path: file.path, name: "images", known: ["image", "text", "f", "ids"])
    ) { try file.tensor(named: "images") }
    #expect(throws: TensorFileError.nameNeeded(path: file.path, known: ["image", "text", "f", "ids"])) {
      try file.soleTensor()
    }
    let many = TensorFileError.unknownTensor(path: "f", name: "x", known: (0..<40).map { "k\($0)" })
    #expect(
      many.description
        == "f: no tensor 'x', found k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, … (40 in all)")
  }

  @Test func missingInputIsToldFromBadData() throws {
    try Fixture.withDirectory { directory in
      func fault(_ path: String) -> TensorFileError? {
        do {
          _ = try TensorFile(path: path)
          return nil
        } catch { return error as? TensorFileError }
      }
      let empty = directory + "/empty.npy"
      try Fixture.write([], empty)
      #expect(fault(empty) == .emptyFile(path: empty))
      #expect(fault(empty)?.isMissingInput == false)
      #expect(fault(directory + "/none") == .fileMissing(path: directory + "/none"))
      #expect(fault(directory + "/none")?.isMissingInput == true)
      #expect(fault("/dev/null") == .notRegularFile(path: "/dev/null"))
      #expect(fault(directory)?.isMissingInput == true)
    }
  }
}
