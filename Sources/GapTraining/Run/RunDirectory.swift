import GapLinearAlgebra
package import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The directory of a run: `config.yaml`, `metrics.jsonl`, `state.safetensors`, `projector.safetensors`; with a second
/// stage also `projector-aligned.safetensors`, what the first one left, and `adapter/` in PEFT's layout.
///
/// The state holds how long `metrics.jsonl` was when it was saved: lines that came after it are cut off when a run goes
/// on, and are then written again with the same numbers.
package struct RunDirectory: Sendable {
  package let path: String

  package var configurationFile: String { path + "/config.yaml" }
  package var metricsFile: String { path + "/metrics.jsonl" }
  package var stateFile: String { path + "/state.safetensors" }
  package var projectorFile: String { path + "/projector.safetensors" }

  /// Makes the directory, or takes the one that is there.
  ///
  /// - Throws: `TrainingError.cannotWrite` when it cannot be made, or holds a run and that is not to be gone on with.
  package init(_ path: String, resumes: Bool) throws {
    self.path = path
    try makeFolder(path)
    guard !resumes else { return }
    for file in [configurationFile, metricsFile, stateFile, projectorFile]
    where FileManager.default.fileExists(atPath: file) {
      throw TrainingError.cannotWrite(
        path: path, reason: "it holds a run already (hint: --resume, or another --out)")
    }
  }

  package var alignedProjectorFile: String { path + "/projector-aligned.safetensors" }
  package var adapterFolder: String { path + "/adapter" }
  package var vectorsFile: String { path + "/vectors.safetensors" }

  /// Whether a state was saved.
  package var hasState: Bool { FileManager.default.fileExists(atPath: stateFile) }

  /// Writes the configuration; of a run that goes on, checks that it is the same.
  ///
  /// - Throws: `TrainingError.cannotResume` with the first line that differs.
  package func begin(_ configuration: RunConfiguration) throws {
    if hasState || FileManager.default.fileExists(atPath: configurationFile) {
      let stored = try RunConfiguration(path: configurationFile)
      for (old, new) in zip(stored.identity, configuration.identity) where old != new {
        throw TrainingError.cannotResume(path: path, reason: "it was begun with “\(old)”, now it is “\(new)”")
      }
      guard stored.identity.count == configuration.identity.count else {
        throw TrainingError.cannotResume(path: path, reason: "it was begun with other keys (see config.yaml)")
      }
    }
    try DurableFile.replace(configurationFile, with: Data(configuration.yaml.utf8))
  }

  /// Adds a line to `metrics.jsonl`.
  package func add(_ line: String) throws { try DurableFile.append(Data((line + "\n").utf8), to: metricsFile) }

  /// Saves what a run needs to go on, all at once.
  package func save(_ trainer: AlignmentTrainer) throws {
    let length = (try? FileManager.default.attributesOfItem(atPath: metricsFile)[.size] as? Int) ?? 0
    var writer = SafetensorsWriter(metadata: [
      ("step", "\(trainer.completed)"), ("updates", "\(trainer.optimizer.count)"),
      ("metrics_bytes", "\(length)"), ("stage", trainer.adapters == nil ? "align" : "instruct"),
    ])
    for (name, buffer) in Self.buffers(trainer) { writer.add(name, shape: [buffer.count], buffer.array()) }
    try DurableFile.replace(stateFile, with: writer.data)
    try save(trainer.projector, to: projectorFile)
    if let adapters = trainer.adapters {
      try makeFolder(adapterFolder)
      let parts = trainer.configuration.parts
      let base = parts.decoder ?? parts.checkpoint ?? ""
      try DurableFile.replace(
        adapterFolder + "/adapter_config.json", with: Data(adapters.settings(base: base).utf8))
      try DurableFile.replace(adapterFolder + "/adapter_model.safetensors", with: adapters.writer.data)
    }
  }

  /// Saves a projector under Hugging Face's key names.
  package func save(_ projector: TrainableProjector, to file: String) throws {
    try DurableFile.replace(file, with: projector.writer(metadata: [("format", "pt")]).data)
  }

  /// Saves what a picture of before and after is drawn from.
  package func save(_ vectors: [MomentVectors]) throws {
    try DurableFile.replace(vectorsFile, with: MomentVectors.data(vectors))
  }

  private func makeFolder(_ folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw TrainingError.cannotWrite(path: folder, reason: "the directory cannot be made")
    }
  }

  /// Whether the saved state is one of the second stage.
  ///
  /// - Throws: `TensorFileError` when the state is damaged.
  package func isInstructing() throws -> Bool {
    guard hasState else { return false }
    return try TensorFile(path: stateFile).metadata.contains {
      $0.key == "stage" && $0.value == .string("instruct")
    }
  }

  private static func buffers(_ trainer: AlignmentTrainer) -> [(String, Buffer<Float>)] {
    var buffers = [("contrastive_scale", trainer.scale.values)]
    for (place, group) in trainer.optimizer.groups.enumerated() {
      if place == 0 { buffers.append(("parameters", group.values)) }
      if let adapters = trainer.adapters, group.values === adapters.values {
        buffers.append(("adapters", group.values))
      }
      buffers.append(("first_moment.\(place)", group.first))
      buffers.append(("second_moment.\(place)", group.second))
    }
    return buffers
  }

  /// Sets a trainer to the saved state and cuts `metrics.jsonl` to where it was then.
  ///
  /// - Throws: `TrainingError.cannotResume`; `TensorFileError` when the state is damaged.
  package func restore(_ trainer: inout AlignmentTrainer) throws {
    let file = try TensorFile(path: stateFile)
    func number(_ key: String) throws -> Int {
      guard case .string(let text)? = file.metadata.first(where: { $0.key == key })?.value,
        let value = Int(text),
        value >= 0
      else { throw TrainingError.cannotResume(path: stateFile, reason: "“\(key)” is not in its metadata") }
      return value
    }
    let (step, updates, length) = (try number("step"), try number("updates"), try number("metrics_bytes"))
    for (name, buffer) in Self.buffers(trainer) {
      let tensor = try file.tensor(named: name)
      guard tensor.shape == [buffer.count] else {
        throw TrainingError.cannotResume(
          path: stateFile, reason: "\(name) has \(tensor.shape) numbers, this run needs \(buffer.count)")
      }
      let numbers: [Float] = try tensor.elements()
      buffer.write(0..<buffer.count) { span in for k in span.indices { span[k] = numbers[k] } }
    }
    trainer.resume(at: step, updates: updates)
    let lines = FileManager.default.contents(atPath: metricsFile) ?? Data()
    guard lines.count >= length else {
      throw TrainingError.cannotResume(path: metricsFile, reason: "it is shorter than when the state was saved")
    }
    try DurableFile.replace(metricsFile, with: Data(lines.prefix(length)))
  }

  /// Removes the lines of a run that was stopped before its first state.
  package func clearMetrics() throws {
    if FileManager.default.fileExists(atPath: metricsFile) {
      try DurableFile.replace(metricsFile, with: Data())
    }
  }
}
