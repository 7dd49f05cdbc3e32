import GapLinearAlgebra
import GapTensorFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// A projector under the names that another program looks for.
public struct ProjectorExport: Sendable {
  /// Whose names.
  public enum Format: String, Sendable, CaseIterable {
    /// LLaVA's `mm_projector.bin`, as `torch.save` writes it: `model.mm_projector.…`.
    case llava
    /// Hugging Face's safetensors: `multi_modal_projector.…`.
    case hf
  }

  private let projector: TrainableProjector
  /// How it was recognised.
  public let rule: String

  /// The projector of a run's directory, of a checkpoint, or of a file.
  ///
  /// - Throws: `ModelError` when there is none; `TensorFileError`.
  public init(from path: String) throws {
    let run = FilePath.join(path, "projector.safetensors")
    let isRun = FilePath.exists(run)
    if !isRun, FilePath.exists(FilePath.join(path, "config.json")) {
      let stored = try VisionLanguageModel(ModelParts(checkpoint: path)).requiredProjector()
      projector = try TrainableProjector(stored)
      rule = stored.rule
    } else {
      let stored = try Projector(ModelWeights(TensorFile(path: isRun ? run : path)))
      projector = try TrainableProjector(stored)
      rule = stored.rule
    }
  }

  /// Names of the tensors under a format, with their shapes.
  ///
  /// - Throws: `ModelError.badSetting` when the format has no names for this projector.
  public func names(_ format: Format, path: String) throws -> [(name: String, shape: [Int])] {
    try parameters(format, path: path).map { ($0.name, $0.parameter.shape) }
  }

  /// The file's bytes.
  ///
  /// - Parameters:
  ///   - format: of the file.
  ///   - path: where the projector comes from, for messages.
  /// - Throws: `ModelError.badSetting` when the format has no names for this projector.
  public func data(_ format: Format, path: String) throws -> Data {
    let parameters = try parameters(format, path: path)
    func numbers(_ range: Range<Int>) -> [Float] {
      projector.values.read(range) { span in span.indices.map { span[$0] } }
    }
    switch format {
    case .llava:
      var writer = PyTorchWriter(folder: "mm_projector")
      for (name, own) in parameters { writer.add(name, shape: own.shape, numbers(own.range)) }
      return writer.data
    case .hf:
      var writer = SafetensorsWriter(metadata: [("format", "pt")])
      for (name, own) in parameters { writer.add(name, shape: own.shape, numbers(own.range)) }
      return writer.data
    }
  }

  private func parameters(
    _ format: Format, path: String
  ) throws -> [(name: String, parameter: TrainableProjector.Parameter)] {
    let layers = projector.plainLayers
    guard let layers, format == .llava || layers.count <= 2 else {
      // Other families keep the names that they have.
      if format == .hf { return projector.parameters.map { ($0.name, $0) } }
      throw ModelError.badSetting(
        path: path, key: "--format", expected: "hf, since LLaVA's has linear layers with GELU between alone",
        found: "llava for a projector recognised as \(rule)")
    }
    return layers.enumerated().flatMap { place, layer -> [(String, TrainableProjector.Parameter)] in
      let name: String
      switch (format, layers.count) {
      case (.llava, 1): name = "model.mm_projector"
      case (.llava, _): name = "model.mm_projector.\(2 * place)"
      case (.hf, 1): name = "multi_modal_projector.linear"
      case (.hf, _): name = "multi_modal_projector.linear_\(place + 1)"
      }
      return [(name + ".weight", layer.weight)] + (layer.bias.map { [(name + ".bias", $0)] } ?? [])
    }
  }
}

extension TrainableProjector {
  /// The linear layers, where there is nothing but these and GELU between them; nil for other projectors.
  var plainLayers: [(weight: Parameter, bias: Parameter?)]? {
    var layers: [(weight: Parameter, bias: Parameter?)] = []
    for (place, step) in steps.enumerated() {
      switch step {
      case .linear(let weight, let bias, _, _):
        guard place % 2 == 0, let own = parameters.first(where: { $0.range == weight }) else { return nil }
        layers.append((own, bias.flatMap { bias in parameters.first { $0.range == bias } }))
      case .activation(.gelu):
        guard place % 2 == 1 else { return nil }
      default: return nil
      }
    }
    return layers.isEmpty ? nil : layers
  }
}
