import GapLinearAlgebra
import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A state that was saved, read and found whole.
package struct SavedState: Sendable {
  /// Steps of its stage that were done.
  package let step: Int
  /// Updates that the optimiser had made.
  let updates: Int
  /// Lines that `metrics.jsonl` had.
  let lines: Int
  /// Whether it is one of the second stage.
  package let isInstructing: Bool
  /// Threads that worked.
  let threads: Int
  private let file: TensorFile

  /// Where it lies.
  var path: String { file.path }

  /// - Throws: `TrainingError.damaged`, `.unreadable`, `.cannotResume`; `TensorFileError`.
  init(_ path: String) throws { try self.init(CheckedFile.read(path)) }

  /// - Parameter file: as `CheckedFile` read it.
  init(_ file: TensorFile) throws {
    let path = file.path
    func number(_ key: String) throws -> Int {
      guard case .string(let text)? = file.metadata(named: key), let value = Int(text), value >= 0 else {
        throw TrainingError.cannotResume(
          path: path, reason: "its metadata have no number “\(key)”: another version wrote it")
      }
      return value
    }
    self.file = file
    step = try number("step")
    updates = try number("updates")
    lines = try number("metrics_lines")
    threads = try number("threads")
    isInstructing = file.metadata(named: "stage") == .string("instruct")
  }

  /// The bytes of a trainer's state.
  ///
  /// - Parameters:
  ///   - lines: how many `metrics.jsonl` has.
  ///   - metadata: what else the file holds, and `fill` the tensors that belong to it.
  static func data(
    of trainer: AlignmentTrainer, lines: Int, metadata: [(key: String, value: String)] = [],
    _ fill: (inout SafetensorsWriter) -> Void = { _ in }
  ) -> Data {
    let own: [(key: String, value: String)] = [
      ("step", "\(trainer.completed)"), ("updates", "\(trainer.optimizer.count)"),
      ("metrics_lines", "\(lines)"), ("threads", "\(trainer.threads)"),
      ("stage", trainer.adapters == nil ? "align" : "instruct"),
    ]
    return CheckedFile.data(own + metadata) { writer in
      for (name, buffer) in buffers(trainer) { writer.add(name, shape: [buffer.count], buffer.array()) }
      fill(&writer)
    }
  }

  /// Sets a trainer to this state.
  ///
  /// - Throws: `TrainingError.cannotResume` when it is the state of another run, or of other threads.
  func restore(_ trainer: inout AlignmentTrainer) throws {
    try Self.check(threads: threads, now: trainer.threads, path)
    for (name, buffer) in Self.buffers(trainer) {
      let tensor = try file.tensor(named: name)
      guard tensor.shape == [buffer.count] else {
        throw TrainingError.cannotResume(
          path: file.path, reason: "\(name) has \(tensor.shape) numbers, this run needs \(buffer.count)")
      }
      let numbers: [Float] = try tensor.elements()
      buffer.write(0..<buffer.count) { span in for k in span.indices { span[k] = numbers[k] } }
    }
    trainer.resume(at: step, updates: updates)
  }

  /// Checks that as many threads work as did.
  ///
  /// - Throws: `TrainingError.cannotResume`.
  package func check(threads now: Int) throws { try Self.check(threads: threads, now: now, path) }

  /// Checks that it is the state of a run with these settings and data.
  ///
  /// - Throws: `TrainingError.cannotResume`.
  package func check(_ identity: RunIdentity) throws {
    for (key, value) in identity.metadata where file.metadata(named: key) != .string(value) {
      guard file.metadata(named: key) != nil else {
        throw TrainingError.cannotResume(
          path: path, reason: "its metadata have no “\(key)”: another version wrote it")
      }
      throw TrainingError.cannotResume(
        path: path,
        reason: key == RunIdentity.settingsKey
          ? "it was saved under other settings (hint: config.yaml as it was, and for precision: auto the same processor)"
          : "it was saved with other data (hint: model, pairs, held-out pairs and questions as they were)")
    }
  }

  static func check(threads: Int, now: Int, _ path: String) throws {
    guard threads != now else { return }
    throw TrainingError.cannotResume(
      path: path,
      reason: "it was begun on \(threads) threads, now there are \(now) (hint: --threads \(threads))")
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
}
