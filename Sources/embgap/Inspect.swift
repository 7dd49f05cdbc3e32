import ArgumentParser
import EmbeddingGap

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `embgap inspect`: what a file holds.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the tensors and metadata of a file or a sharded checkpoint.",
    discussion: """
      Reads .npy, .npz, .safetensors (also sharded, by its index or its directory), PyTorch .pt/.pth/.bin and GGUF.
      Nothing in a file is ever executed.

      Example:
        embgap inspect model.safetensors
      """)

  @Argument(help: "A file, or a directory with a checkpoint.")
  var path: String

  @Flag(help: "Print JSON on standard output, and nothing else.")
  var json = false

  func run() throws {
    let file = try TensorFile(path: path)
    if json {
      try printData(Self.json(file))
    } else {
      try printText(Self.text(file))
    }
  }

  private static func text(_ file: TensorFile) -> String {
    var lines = [
      "\(file.path): \(file.format), \(Decimal.grouped(file.byteCount)) bytes, \(file.tensors.count) tensors"
    ]
    let names = file.tensors.map { shortened($0.name) }
    let width = names.map(\.count).max() ?? 0
    for (name, tensor) in zip(names, file.tensors) {
      let shape = tensor.shape.map(String.init).joined(separator: ", ")
      let note = tensor.elementType.isFloat ? "" : "  (cannot be read as numbers)"
      let padding = String(repeating: " ", count: width - name.count)
      let type = tensor.elementType.name
      lines.append(
        "  \(name)\(padding)  \(type)\(String(repeating: " ", count: max(0, 5 - type.count)))  (\(shape))\(note)"
      )
    }
    if !file.metadata.isEmpty {
      lines.append("metadata")
      for entry in file.metadata {
        lines.append("  \(shortened(entry.key)): \(shortened(entry.value.description))")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// A text from a file, on one line and not endless.
  private static func shortened(_ text: String) -> String {
    let clean = String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 })
    )
    return clean.count > 120 ? clean.prefix(119) + "…" : clean
  }

  private static func json(_ file: TensorFile) throws -> Data {
    struct Entry: Encodable {
      let name: String
      let dtype: String
      let shape: [Int]
    }
    struct Listing: Encodable {
      let path: String
      let format: String
      let bytes: Int
      let tensors: [Entry]
      let metadata: [String: String]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var data = try encoder.encode(
      Listing(
        path: file.path, format: file.format.description, bytes: file.byteCount,
        tensors: file.tensors.map { Entry(name: $0.name, dtype: $0.elementType.name, shape: $0.shape) },
        metadata: Dictionary(
          file.metadata.map { ($0.key, $0.value.description) }, uniquingKeysWith: { first, _ in first })))
    data.append(UInt8(ascii: "\n"))
    return data
  }
}
