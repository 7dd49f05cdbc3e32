import Foundation

@testable import GapDatasets
@testable import GapImages
@testable import GapModels
@testable import GapReport
@testable import GapTensorFiles
@testable import GapTraining

/// A reader that is given bytes of a stranger: what it reads it reads to the end, and what it refuses it names.
enum FuzzedReader: String, CaseIterable {
  case npy, npz, safetensors, index, torch, pickle, gguf
  case captions, questions, ids, yaml
  case tokenizer, config, preprocessor
  case png, jpeg
  case report, details, comparison

  /// Reads the bytes by whatever the target's commands would read of them.
  ///
  /// - Throws: what the reader throws.
  func read(_ bytes: [UInt8]) throws {
    switch self {
    case .npy:
      let stored = StoredBytes(copying: bytes)
      try elements(
        of: [
          NpyArray.tensor(
            ByteRegion(stored, 0..<stored.count), path: "x.npy", member: nil, name: Tensor.soleName)
        ])
    case .npz:
      try elements(
        of: NpzArchive.tensors(ZipArchive(StoredBytes(copying: bytes), path: "x.npz"), path: "x.npz"))
    case .safetensors:
      let file = try SafetensorsFile(StoredBytes(copying: bytes), path: "x.safetensors")
      _ = file.metadata.map(\.value.description)
      try elements(of: file.tensors)
    case .index: try elements(of: TensorFile(path: Scratch.file(bytes, "model.safetensors.index.json")).tensors)
    case .torch:
      let archive = try ZipArchive(StoredBytes(copying: bytes), path: "x.pt")
      guard let checkpoint = try TorchArchive(archive, path: "x.pt") else { return }
      _ = checkpoint.metadata.map(\.value.description)
      try elements(of: checkpoint.tensors)
    case .pickle:
      let checkpoint = try TorchPickle(StoredBytes(copying: bytes), path: "x.pt")
      _ = checkpoint.metadata.map(\.value.description)
      try elements(of: checkpoint.tensors)
    case .gguf:
      let file = try GGUFFile(StoredBytes(copying: bytes), path: "x.gguf")
      _ = file.metadata.map(\.value.description)
      try elements(of: file.tensors)
    case .captions: _ = try CaptionSource(path: "pairs", bytes: bytes).records()
    case .questions: _ = try CaptionSource(path: "pairs", bytes: bytes).questions()
    case .ids: _ = try PairIDs(path: Scratch.file(bytes, "ids.txt"))
    case .yaml:
      let configuration = try RunConfiguration(path: Scratch.file(bytes, "RUN.yaml"))
      _ = configuration.yaml
    case .tokenizer:
      let tokenizer = try Tokenizer(file: Scratch.file(bytes, "tokenizer.json"))
      let ids = tokenizer.encode(
        "A photo of 12 cats, été \u{FB01} 🐈\n\t <image> don't", addingSpecialTokens: true)
      _ = tokenizer.decode(ids) + tokenizer.kind + (ids.first.flatMap(tokenizer.tokenText) ?? "")
    case .config:
      try configurations(ModelSettings(JSONValue(bytes, at: .init(path: "config.json")), path: "config.json"))
    case .preprocessor:
      _ = try Scratch.file(bytes, "preprocessor_config.json")
      let processor = try ImageProcessor(directory: Scratch.folder)
      let image = try RGBImage(width: 9, height: 5, pixels: [UInt8](repeating: 7, count: 135))
      // Sizes are what a file may ask for; the pixels of large ones would only cost time.
      if let size = processor.resizedSize(of: image), size.width * size.height > 1 << 16 { return }
      if let crop = processor.crop, crop.width * crop.height > 1 << 16 { return }
      _ = try processor.pixels(of: image, expandsToSquare: true)
    case .png:
      _ = try? PNGImage(decoding: bytes, maximumPixels: 1 << 20)
      _ = try RGBImage(decoding: bytes, maximumPixels: 1 << 20)
    case .jpeg: _ = try RGBImage(decoding: bytes, maximumPixels: 1 << 20)
    case .report: _ = try GapReport(path: Scratch.file(bytes, "report.json")).table
    case .details:
      _ = try Scratch.file(bytes, "details.safetensors")
      _ = try Scratch.file([UInt8]("{}".utf8), "report.json")
      _ = try GapDetails(besideReport: Scratch.folder)
    case .comparison:
      _ = try Scratch.file(bytes, "compare.json")
      let report = try ComparisonReport(comparison: Scratch.folder)
      _ = report.table + report.summary
    }
  }

  /// Whether an error is one that a user sees as one line of the program's own.
  static func isOwn(_ error: any Error) -> Bool {
    error is TensorFileError || error is DatasetError || error is ImageError || error is TokenizerError
      || error is ModelError || error is TrainingError || error is ReportError
  }

  private func elements(of tensors: [Tensor]) throws {
    for tensor in tensors where tensor.elementType.isFloat {
      let values: [Float] = try tensor.elements()
      precondition(values.count == tensor.shape.reduce(1, *))
    }
    for tensor in tensors where !tensor.shape.isEmpty { tensor.release(rows: 0..<tensor.shape[0]) }
  }

  private func configurations(_ settings: ModelSettings) throws {
    let readings: [() throws -> Void] = [
      { _ = try DecoderConfiguration(settings) }, { _ = try VisionConfiguration(settings) },
      { if let text = try settings.object("text_config") { _ = try DecoderConfiguration(text) } },
      { if let vision = try settings.object("vision_config") { _ = try VisionConfiguration(vision) } },
    ]
    var first: (any Error)?
    for reading in readings {
      do { try reading() } catch {
        guard Self.isOwn(error) else { throw error }
        first = first ?? error
      }
    }
    if let first { throw first }
  }
}

/// A folder of this process for the readers that take a path.
enum Scratch {
  static let folder: String = {
    let path = FileManager.default.temporaryDirectory.path + "/fuzz-\(getpid())"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      preconditionFailure("\(path) cannot be made: \(error)")
    }
    return path
  }()

  /// Puts bytes into a file of the folder and tells its path.
  static func file(_ bytes: [UInt8], _ name: String) throws -> String {
    let path = folder + "/" + name
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }
}
