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
    abstract: "Says what a file or a model directory holds: parts that are recognised, tensors, metadata.",
    discussion: """
      Of a model directory it says family and sizes, which rule the projector was recognised by, the tokenizer's kind, \
      how images are prepared, what would be loaded and which tensors nothing uses. Of a file with a projector, its rule.

      Reads .npy, .npz, .safetensors (also sharded, by its index or its directory), PyTorch .pt/.pth/.bin and GGUF. \
      Nothing in a file is ever executed.

      Example:
        embgap inspect model.safetensors
        embgap inspect llava-1.5-7b-hf
      """)

  @Argument(help: "A file, or a directory with a checkpoint.")
  var path: String

  @Flag(help: "Print JSON on standard output, and nothing else.")
  var json = false

  func run() throws {
    let file = try TensorFile(path: path)
    let isCheckpoint = FileManager.default.fileExists(atPath: path + "/config.json")
    let summary =
      try isCheckpoint ? CheckpointSummary(directory: path, file: file) : CheckpointSummary(projectorIn: file)
    if json {
      try printData(Self.json(file, summary))
    } else {
      if let summary { try printText(Self.text(summary) + "\n") }
      try printText(Self.text(file))
    }
  }

  private static func text(_ summary: CheckpointSummary) -> String {
    var lines: [String] = []
    for part in summary.parts {
      lines.append(part.name + (part.fault.map { ": cannot be used: \($0)" } ?? ""))
      let width = part.facts.map(\.name.count).max() ?? 0
      for fact in part.facts {
        let padding = String(repeating: " ", count: width - fact.name.count)
        lines.append("  \(fact.name)\(padding)  \(shortened(fact.value, limit: 400))")
      }
    }
    lines.append(
      "loaded: \(summary.loaded.count) tensors, \(Decimal.grouped(summary.loaded.bytes)) bytes; unused:"
        + " \(summary.unused.count)")
    for name in summary.unused.prefix(20) { lines.append("  \(shortened(name))") }
    if summary.unused.count > 20 { lines.append("  and \(summary.unused.count - 20) more") }
    return lines.joined(separator: "\n")
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
      let type = shortened(tensor.elementType.name)
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
  private static func shortened(_ text: String, limit: Int = 120) -> String {
    let clean = String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { [.control, .format].contains($0.properties.generalCategory) ? "?" : $0 }))
    return clean.count > limit ? clean.prefix(limit - 1) + "…" : clean
  }

  private static func json(_ file: TensorFile, _ summary: CheckpointSummary?) throws -> Data {
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
      let parts: [String: [String: String]]?
      let unused: [String]?
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var data = try encoder.encode(
      Listing(
        path: file.path, format: file.format.description, bytes: file.byteCount,
        tensors: file.tensors.map { Entry(name: $0.name, dtype: $0.elementType.name, shape: $0.shape) },
        metadata: Dictionary(
          file.metadata.map { ($0.key, $0.value.description) }, uniquingKeysWith: { first, _ in first }),
        parts: summary.map { Self.parts($0) }, unused: summary?.unused))
    data.append(UInt8(ascii: "\n"))
    return data
  }

  /// Part by part its facts; `fault` where it cannot be used.
  private static func parts(_ summary: CheckpointSummary) -> [String: [String: String]] {
    var parts: [String: [String: String]] = [:]
    for part in summary.parts {
      let facts = part.facts + (part.fault.map { [("fault", $0)] } ?? [])
      parts[part.name] = Dictionary(facts.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
    return parts
  }
}
