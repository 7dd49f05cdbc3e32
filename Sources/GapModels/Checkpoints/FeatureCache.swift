import GapImages
import GapLayers
package import GapLinearAlgebra
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Features of images on disk, one file an image, so that a run that was stopped goes on where it was.
///
/// A file holds what it was made from (image and weights with size and time of change, preprocessing, layers) and is
/// used only when all of that is the same; anything else in its place is made anew. Files appear whole or not at all.
package struct FeatureCache: Sendable {
  /// The directory.
  package let directory: String
  /// What features depend on beside the image.
  private let encoder: String

  /// - Throws: `ModelError.cannotWrite` when the directory cannot be made.
  package init(directory: String, checkpoint: Checkpoint) throws {
    self.directory = directory
    let model = checkpoint.model
    let files = Set(model.visionFiles).sorted().map { "\($0) \(FilePath.stamp($0) ?? "")" }
    encoder =
      (files + [
        model.vision.map { "\($0.configuration)" } ?? "", model.selection.map { "\($0)" } ?? "",
        "\(try checkpoint.processor.get())", "square \(checkpoint.expandsToSquare)",
      ]).joined(separator: "\n")
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw ModelError.cannotWrite(path: directory, reason: "the directory cannot be made")
    }
  }

  private func source(_ image: String) -> String { "\(image) \(FilePath.stamp(image) ?? "")\n\(encoder)" }

  private func path(_ source: String) -> String {
    let name = String(Self.fingerprint(source), radix: 16)
    return FilePath.join(directory, String(repeating: "0", count: 16 - name.count) + name + ".safetensors")
  }

  /// FNV-1a, 64 bits; what two texts of one fingerprint would do is caught by the text in the file.
  private static func fingerprint(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The features of an image, [rows, width]; nil when they are not there, or are not this image's.
  package func features(of image: String, width: Int) -> Block<Float>? {
    let source = source(image)
    let path = path(source)
    guard FilePath.exists(path), let file = try? TensorFile(path: path),
      file.metadata.contains(where: { $0.key == "source" && $0.value == .string(source) }),
      let tensor = try? file.tensor(named: "features"), tensor.shape.count == 2, tensor.shape[1] == width,
      tensor.shape[0] > 0, let numbers: [Float] = try? tensor.elements()
    else { return nil }
    return Block(Buffer(numbers), rows: tensor.shape[0], columns: width)
  }

  /// Whether a file of this name and `.partial` is one that was being written here.
  package static func isPartial(_ name: String) -> Bool {
    name.wholeMatch(of: /[0-9a-f]{16}\.safetensors\.[0-9]+/) != nil
  }

  /// The system's own words for a failed write.
  private static func reason(_ error: any Error) -> String {
    guard let cocoa = error as? CocoaError, let system = cocoa.underlying as? POSIXError else {
      return (error as? CocoaError).map { "error \($0.code.rawValue)" } ?? "\(error)"
    }
    return unsafe String(cString: strerror(system.code.rawValue))
  }

  /// Keeps the features of an image.
  ///
  /// - Throws: `ModelError.cannotWrite`.
  package func keep(_ features: Block<Float>, of image: String) throws {
    let source = source(image)
    let path = path(source)
    var writer = SafetensorsWriter(metadata: [("source", source)])
    let numbers = (0..<features.rows).flatMap { i in features.row(i) { row in row.indices.map { row[$0] } } }
    writer.add("features", shape: [features.rows, features.columns], numbers)
    let partial = "\(path).\(ProcessInfo.processInfo.processIdentifier).partial"  // `isPartial` knows it again
    do {
      try writer.data.write(to: URL(filePath: partial))
    } catch {
      _ = unsafe unlink(partial)
      throw ModelError.cannotWrite(path: path, reason: Self.reason(error))
    }
    guard unsafe rename(partial, path) == 0 else {
      let reason = unsafe String(cString: strerror(errno))
      _ = unsafe unlink(partial)
      throw ModelError.cannotWrite(path: path, reason: reason)
    }
  }
}
