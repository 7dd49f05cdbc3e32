package import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The directory of a run: `config.yaml`, `metrics.jsonl`, the same for TensorBoard (`EventLog`), `state.safetensors` and
/// the one before it, `projector.safetensors`, `trajectories.safetensors` where pairs are held out; with a second stage
/// also `projector-aligned.safetensors`, what the first one left, and `adapter/` in PEFT's layout.
///
/// A process may be killed at any moment, and power may fail: `metrics.jsonl` is brought onto the disk before a state is,
/// and a state holds how many lines it had then. Lines that came after it are cut off when a run goes on, and are then
/// written again with the same numbers. A state that is damaged is told by its checksum; the one before it is taken then.
package struct RunDirectory: Sendable {
  package let path: String
  /// Held as long as any copy of this value lives.
  package let lock: DirectoryLock
  private let events: EventLog
  /// What states are marked with; known once the run has begun.
  private var identity: RunIdentity?

  package var configurationFile: String { path + "/config.yaml" }
  package var metricsFile: String { path + "/metrics.jsonl" }
  package var stateFile: String { path + "/state.safetensors" }
  package var previousStateFile: String { path + "/state-previous.safetensors" }
  package var projectorFile: String { path + "/projector.safetensors" }
  package var alignedProjectorFile: String { path + "/projector-aligned.safetensors" }
  package var adapterFolder: String { path + "/adapter" }
  private var adapterSettingsFile: String { adapterFolder + "/adapter_config.json" }
  private var adapterFile: String { adapterFolder + "/adapter_model.safetensors" }
  package var vectorsFile: String { path + "/vectors.safetensors" }
  package var trajectoryFile: String { path + "/trajectories.safetensors" }
  /// Where image features are kept.
  package var featuresFolder: String { path + "/features" }

  /// Makes the directory, or takes the one that is there, and removes what a killed process left half-written.
  ///
  /// - Throws: `TrainingError.cannotWrite` when it cannot be made, another process is at work in it, or it holds a run
  ///   and that is not to be gone on with.
  package init(_ path: String, resumes: Bool) throws {
    self.path = path
    events = EventLog(directory: path)
    lock = try DirectoryLock(path)
    guard resumes || !isBegun else {
      throw TrainingError.cannotWrite(
        path: path, reason: "it holds a run already (hint: --resume, or another --out)")
    }
    guard !ComparisonDirectory.holdsComparison(path) else {
      throw TrainingError.cannotWrite(path: path, reason: "it holds a comparison (hint: another --out)")
    }
    let own = [
      configurationFile, metricsFile, path + "/" + EventLog.name, stateFile, projectorFile,
      alignedProjectorFile,
      vectorsFile, trajectoryFile, adapterSettingsFile, adapterFile,
    ]
    for folder in [path, adapterFolder] { lock.sweep(folder) { own.contains(folder + "/" + $0) } }
    lock.sweep(featuresFolder, FeatureCache.isPartial)
  }

  /// Whether a directory holds a run.
  static func holdsRun(_ path: String) -> Bool {
    ["state.safetensors", "metrics.jsonl"].contains { FileManager.default.fileExists(atPath: path + "/" + $0) }
  }

  /// Whether a run has left anything that is worth going on with.
  private var isBegun: Bool {
    let files = [stateFile, previousStateFile, projectorFile]
    return files.contains { FileManager.default.fileExists(atPath: $0) }
      || FileManager.default.contents(atPath: metricsFile)?.isEmpty == false
  }

  /// Checks that a run that goes on has the configuration that it was begun with.
  ///
  /// - Throws: `TrainingError.cannotResume` with the first line that differs.
  package func check(_ configuration: RunConfiguration) throws {
    guard isBegun else { return }
    let stored = try RunConfiguration(path: configurationFile)
    for (old, new) in zip(stored.identity, configuration.identity) where old != new {
      throw TrainingError.cannotResume(path: path, reason: "it was begun with “\(old)”, now it is “\(new)”")
    }
    guard stored.identity.count == configuration.identity.count else {
      throw TrainingError.cannotResume(path: path, reason: "it was begun with other keys (see config.yaml)")
    }
  }

  /// Writes the configuration: from here on there is a run to go on with.
  package mutating func begin(_ configuration: RunConfiguration, _ identity: RunIdentity) throws {
    self.identity = identity
    try DurableFile.replace(configurationFile, with: Data(configuration.yaml.utf8))
  }

  /// Steps of both stages that changed nothing, as `metrics.jsonl` tells.
  package var skippedSteps: Int {
    let text = String(decoding: FileManager.default.contents(atPath: metricsFile) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").count { $0.contains(MetricLines.skipped) }
  }

  /// Adds a line to `metrics.jsonl`, and its event.
  package func add(_ line: String) throws {
    try DurableFile.append(Data((line + "\n").utf8), to: metricsFile)
    try events.add(line)
  }

  /// The bytes of `metrics.jsonl`; none where there is no file.
  private func metrics() throws -> Data {
    if let data = FileManager.default.contents(atPath: metricsFile) { return data }
    guard !FileManager.default.fileExists(atPath: metricsFile) else { throw TrainingError.notRead(metricsFile) }
    return Data()
  }

  /// Saves what a run needs to go on, all at once, and then what it has trained.
  package func save(_ trainer: AlignmentTrainer) throws {
    try DurableFile.synchronize(metricsFile)
    let lines = try metrics().count { $0 == UInt8(ascii: "\n") }
    try DurableFile.replace(
      stateFile, with: SavedState.data(of: trainer, lines: lines, metadata: identity?.metadata ?? []),
      keepingPreviousAs: previousStateFile)
    try saveTrained(trainer)
  }

  /// Saves the projector, and adapters where there are some.
  package func saveTrained(_ trainer: AlignmentTrainer) throws {
    try save(trainer.projector, to: projectorFile)
    guard let adapters = trainer.adapters else { return }
    do {
      try FileManager.default.createDirectory(atPath: adapterFolder, withIntermediateDirectories: true)
    } catch {
      throw TrainingError.cannotWrite(path: adapterFolder, reason: "the directory cannot be made")
    }
    let parts = trainer.configuration.parts
    let base = parts.decoder ?? parts.checkpoint ?? ""
    try DurableFile.replace(adapterSettingsFile, with: Data(adapters.settings(base: base).utf8))
    try DurableFile.replace(adapterFile, with: adapters.writer.data)
  }

  /// Saves a projector under Hugging Face's key names.
  package func save(_ projector: TrainableProjector, to file: String) throws {
    try DurableFile.replace(file, with: projector.writer(metadata: [("format", "pt")]).data)
  }

  /// Saves what a picture of before and after is drawn from.
  package func save(_ vectors: [MomentVectors]) throws {
    try DurableFile.replace(vectorsFile, with: MomentVectors.data(vectors))
  }

  /// Saves where held-out pairs lay so far; before the state of the same step, so that no state has seen more.
  package func save(_ trajectory: Trajectory, of run: String) throws {
    try DurableFile.replace(trajectoryFile, with: Trajectory.data([(run, trajectory)]))
  }

  /// What was saved of the way up to a step; nil when nothing was, so that none is kept from there on: its basis
  /// would be of another moment.
  package func trajectory(of run: String, upTo step: Int) throws -> Trajectory? {
    guard FileManager.default.fileExists(atPath: trajectoryFile) else { return nil }
    let stored = try Trajectory(TensorFile(path: trajectoryFile), prefix: run).upTo(step: step)
    return stored.steps.isEmpty ? nil : stored
  }

  /// The newest state that is whole, and what is wrong with one that is newer; nil when none was saved.
  ///
  /// - Throws: `TrainingError.damaged` or `.cannotResume`, of the newest, when none is whole.
  package func newestState() throws -> (state: SavedState, fault: TrainingError?)? {
    var fault: TrainingError?
    for file in [stateFile, previousStateFile] where FileManager.default.fileExists(atPath: file) {
      do {
        let state = try SavedState(file)
        guard try lines(state.lines) != nil else {
          throw TrainingError.cannotResume(
            path: metricsFile, reason: "it has fewer lines than the \(state.lines) of when \(file) was saved")
        }
        return (state, fault)
      } catch let own as TrainingError {
        fault = fault ?? own
      }
    }
    if let fault { throw fault }
    return nil
  }

  /// Sets a trainer to a saved state and cuts `metrics.jsonl` to where it was then.
  ///
  /// - Throws: `TrainingError.cannotResume`.
  package func restore(_ trainer: inout AlignmentTrainer, to state: SavedState) throws {
    try state.restore(&trainer)
    // The newest state is the damaged one: what is saved next must not put it into the place of the good one.
    if state.path == previousStateFile { try DurableFile.move(previousStateFile, to: stateFile) }
    let kept = try lines(state.lines) ?? Data()
    try DurableFile.replace(metricsFile, with: kept)
    try events.replace(lines: kept)
  }

  /// The first lines of `metrics.jsonl`; nil when there are fewer.
  private func lines(_ count: Int) throws -> Data? {
    let data = try metrics()
    guard count > 0 else { return Data() }
    var left = count
    for place in data.indices where data[place] == UInt8(ascii: "\n") {
      left -= 1
      if left == 0 { return data[...place] }
    }
    return nil
  }

  /// Removes the lines of a run that was stopped before its first state, and begins the file of events.
  package func clearMetrics() throws {
    try events.replace(lines: Data())
    if FileManager.default.fileExists(atPath: metricsFile) {
      try DurableFile.replace(metricsFile, with: Data())
    }
  }
}
