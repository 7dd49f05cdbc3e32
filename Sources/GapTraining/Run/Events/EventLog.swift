import GapTensorFiles
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The event file of a run, for TensorBoard: `metrics.jsonl` in another form, an event a line.
///
/// Whatever it holds follows from the lines, so that a run that goes on can write it anew from those that it kept.
///
/// | line | tags |
/// |---|---|
/// | a step | `train/ntp_loss`, `train/contrastive_loss`, `train/temperature`, `train/lr`, `train/grad_norm` |
/// | a step of the second stage | the same under `instruct/` |
/// | an evaluation | `metrics/READOUT/KEY`, `evaluation/KEY`; after the second stage under `instructed/` |
///
/// `wall_time` is the sum of the lines' `seconds` up to the event, not a clock's time: it begins at 0, and pauses of a
/// run that was stopped are not in it. Values that are null have no scalar.
final class EventLog: Sendable {
  /// The file's name: as TensorBoard looks for it, the same for every run.
  static let name = "events.out.tfevents.0000000000.embgap"

  private let path: String
  private let seconds = Mutex(0.0)

  init(directory: String) { path = directory + "/" + Self.name }

  /// Adds the event of a line.
  ///
  /// - Throws: `TrainingError.cannotWrite`.
  func add(_ line: String) throws {
    let record = try seconds.withLock { try Self.record(of: Array(line.utf8), &$0) }
    if let record { try DurableFile.append(Data(record), to: path) }
  }

  /// Writes the file anew, from the lines of a `metrics.jsonl`.
  ///
  /// - Throws: `TrainingError.cannotWrite`; `TensorFileError` when a line is no JSON.
  func replace(lines: Data) throws {
    let data = try seconds.withLock { seconds in
      seconds = 0
      return try Self.data(lines: lines, &seconds)
    }
    try DurableFile.replace(path, with: data)
  }

  /// The whole file of some lines.
  static func data(lines: Data) throws -> Data {
    var seconds = 0.0
    return try data(lines: lines, &seconds)
  }

  private static func data(lines: Data, _ seconds: inout Double) throws -> Data {
    var data = Data(RecordFraming.record(ScalarEvent.opening.bytes))
    for line in lines.split(separator: UInt8(ascii: "\n")) {
      if let record = try record(of: Array(line), &seconds) { data += record }
    }
    return data
  }

  /// The record of a line; nil for one without scalars.
  private static func record(of line: [UInt8], _ seconds: inout Double) throws -> [UInt8]? {
    let value = try JSONValue(line, at: .init(path: "metrics.jsonl"))
    seconds += number(value["seconds"]) ?? 0
    let event = ScalarEvent(
      wallTime: seconds, step: value["step"]?.integer ?? 0, scalars: scalars(value))
    return event.scalars.isEmpty ? nil : RecordFraming.record(event.bytes)
  }

  private static func scalars(_ line: JSONValue) -> [(tag: String, value: Float)] {
    let stage = line["stage"]?.text
    guard let metrics = line["metrics"] else {
      let names = ["ntp_loss", "contrastive_loss", "temperature", "lr", "grad_norm"]
      let prefix = stage == "instruct" ? "instruct/" : "train/"
      return names.compactMap { name in number(line[name]).map { (prefix + name, Float($0)) } }
    }
    let prefix = stage == "instructed" ? "instructed/" : ""
    return leaves(metrics, prefix + "metrics") + leaves(line["evaluation"], prefix + "evaluation")
  }

  /// The numbers of nested objects, by the keys on the way to them.
  private static func leaves(_ value: JSONValue?, _ tag: String) -> [(tag: String, value: Float)] {
    guard let value else { return [] }
    if let number = number(value) { return [(tag, Float(number))] }
    return (value.pairs ?? []).flatMap { leaves($0.value, tag + "/" + $0.key) }
  }

  private static func number(_ value: JSONValue?) -> Double? {
    switch value {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }
}
