import Foundation

@testable import GapTensorFiles

/// The files that the reference implementations wrote, and what they hold.
enum Fixture {
  struct Expected: Decodable {
    let format: String
    let tensors: [ExpectedTensor]
    let metadata: [String: ExpectedValue]
  }

  struct ExpectedTensor: Decodable {
    let name: String
    let type: String
    let shape: [Int]
    /// Nil where reading is refused.
    let values: [Double]?
  }

  enum ExpectedValue: Decodable {
    case value(MetadataValue)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .value(.none)
      } else if let bool = try? container.decode(Bool.self) {
        self = .value(.bool(bool))
      } else if let integer = try? container.decode(Int.self) {
        self = .value(.integer(integer))
      } else if let number = try? container.decode(Double.self) {
        self = .value(.float(number))
      } else if let text = try? container.decode(String.self) {
        self = .value(.string(text))
      } else {
        let items = try container.decode([ExpectedValue].self)
        self = .value(.array(items.map { item in if case .value(let value) = item { value } else { .none } }))
      }
    }
  }

  static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/tensor-files").path

  static func path(_ name: String) -> String { directory + "/" + name }

  static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self, from: Data(contentsOf: URL(filePath: path("expected.json"))))
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path(name))))
  }

  /// Opens bytes as if they were a file of this name.
  static func open(_ bytes: [UInt8], as name: String) throws -> TensorFile {
    try TensorFile(path: name, bytes: StoredBytes(copying: bytes))
  }

  /// Reads every number of every tensor, and says which fault that meets, if any.
  @discardableResult
  static func readAll(_ file: TensorFile) throws -> Int {
    var count = 0
    for tensor in file.tensors where tensor.elementType.isFloat {
      let values: [Float] = try tensor.elements()
      count += values.count
    }
    return count
  }

  /// A directory of its own for one test, removed afterwards.
  @discardableResult
  static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let path = FileManager.default.temporaryDirectory.appending(path: "tensor-files-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  static func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
}
