import Foundation
import GapDatasets
import GapTensorFiles

/// Makes small files of pairs, and reads rows back.
enum PairsFile {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/tensor-files").path

  /// What the program that wrote the fixtures says they hold.
  struct Expected: Decodable {
    struct Tensor: Decodable {
      let name: String
      let type: String
      let shape: [Int]
      let values: [Double]?
    }
    let tensors: [Tensor]
  }

  static func expected(_ file: String, _ tensor: String) throws -> Expected.Tensor? {
    let data = try Data(contentsOf: URL(filePath: fixtures + "/expected.json"))
    return try JSONDecoder().decode([String: Expected].self, from: data)[file]?.tensors.first {
      $0.name == tensor
    }
  }

  /// A directory of its own for one test, removed afterwards.
  static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appending(path: "datasets-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  static func write(_ data: Data, _ path: String) throws -> TensorReference {
    try data.write(to: URL(filePath: path))
    return TensorReference(path: path)
  }

  /// Rows of `width` numbers that differ from each other and from those of other seeds.
  static func numbers(_ rows: Int, _ width: Int, seed: Int) -> [Double] {
    (0..<rows * width).map { Double(($0 * 7919 + seed * 104_729) % 997) / 997 - 0.4 }
  }

  static func npy(_ shape: [Int], _ elements: [Double]) -> Data { NpyWriter.data(shape: shape, elements) }

  static func safetensors(_ tensors: [(name: String, shape: [Int], elements: [Double])]) -> Data {
    var writer = SafetensorsWriter()
    for tensor in tensors { writer.add(tensor.name, shape: tensor.shape, tensor.elements) }
    return writer.data
  }

  /// All rows, read in two parts so that offsets count.
  static func elements(_ rows: TensorRows) throws -> [Double] {
    let half = rows.count / 2
    return try [0..<half, half..<rows.count].flatMap { range in
      var part = [Double](repeating: .nan, count: range.count * rows.dimension)
      var span = part.mutableSpan
      try rows.read(range, into: &span)
      return part
    }
  }
}
