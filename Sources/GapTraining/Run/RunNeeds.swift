import GapDatasets
package import GapLinearAlgebra
package import GapModels

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

/// What a run needs of disk and memory, estimated before it begins from shapes and counts alone.
///
/// Goals, in this order: a run that surely does not fit is refused before its first hour and not after it; one that fits
/// is never refused, so that what is not known is left out; the message says which part is the large one. Numbers are
/// Doubles, since a configuration can ask for more than an Int holds.
package struct RunNeeds: Sendable {
  /// One thing that takes room.
  package struct Part: Sendable, Equatable {
    package let name: String
    package let bytes: Double
    /// What makes it smaller.
    package let hint: String

    package init(name: String, bytes: Double, hint: String) {
      self.name = name
      self.bytes = bytes
      self.hint = hint
    }
  }

  package private(set) var disk: [Part] = []
  package private(set) var memory: [Part] = []

  /// Bytes of a number.
  private static let single = 4.0
  /// Figures, reports, projections.
  private static let outputs = 16e6
  /// Text before the numbers of a kept feature file, and what a file system rounds up to.
  private static let overhead = 4096.0

  package init(disk: [Part] = [], memory: [Part] = []) {
    self.disk = disk
    self.memory = memory
  }

  /// - Parameters:
  ///   - checkpoint: whose weights are not packed yet.
  ///   - features: the folder where image features are kept; nil to keep them in memory alone.
  ///   - sideBySide: runs that go on at once.
  /// - Throws: `DatasetError` when the pairs cannot be read.
  package init(
    _ configuration: RunConfiguration, _ checkpoint: Checkpoint, features folder: String?, sideBySide: Int = 1
  ) throws {
    let decoder = try checkpoint.model.requiredDecoder().configuration
    let files = [configuration.pairs, configuration.evaluation?.pairs].compactMap { $0 }
    let records = try Set(files).map { try CaptionedImages(path: $0, checksImages: false).records }
    let (rows, width) = Self.featureShape(checkpoint)
    let images = Double(records.reduce(0) { $0 + Set($1.map(\.image)).count })
    let captions = Double(records.reduce(0) { $0 + $1.count })
    let longest = records.joined().map(\.caption.utf8.count).max() ?? 0
    let side = Double(sideBySide)

    let trained = Self.trained(configuration, inputs: width, outputs: decoder.inputs)
    let adapted = Self.adapted(configuration, decoder)
    let state = 3 * Self.single * (trained + adapted)
    if configuration.features == nil {
      let bytes = images * rows * width * Self.single
      if let folder {
        let kept = Self.size(of: folder)
        disk.append(
          Part(
            name: "image features", bytes: max(0, bytes + images * Self.overhead - kept),
            hint: "fewer pairs, or features: FILE"))
      }
      let held = folder == nil ? bytes : min(bytes, Double(TrainingFeatures.memory) * Double(records.count))
      memory.append(Part(name: "image features", bytes: held, hint: "fewer pairs, or features: FILE"))
    }
    disk.append(
      Part(
        name: "checkpoints", bytes: (3 * state + 3 * Self.single * (trained + adapted)) * side,
        hint: "a smaller projector.hidden"))
    disk.append(Part(name: "report and figures", bytes: Self.outputs, hint: "another --out"))

    let precision = configuration.precision.resolved(width: decoder.width)
    let number = precision == .bfloat16 ? 2 : Self.single
    memory.append(
      Part(
        name: "decoder", bytes: number * decoder.frozen(head: checkpoint),
        hint: "precision: bf16, or a smaller decoder"))
    memory.append(
      Part(
        name: "projector and optimiser", bytes: Self.single * (4 * (trained + adapted) * side + 3 * trained),
        hint: "a smaller projector.hidden"))
    if configuration.objective.contrasts {
      let compared = Double(max(configuration.batch, configuration.contrastive.batch ?? 0))
      memory.append(
        Part(
          name: "text vectors", bytes: captions * Double(decoder.width) * Self.single, hint: "fewer pairs"))
      memory.append(
        Part(
          name: "comparisons of a batch", bytes: 2 * 8 * compared * compared * side,
          hint: "a smaller batch than \(Int(compared))"))
    }
    // Of text no more is known than its bytes; a token has seldom more than four.
    let tokens = Double(configuration.microBatch) * (rows + Double(longest / 4))
    memory.append(
      Part(
        name: "activations of a micro_batch of \(configuration.microBatch)",
        bytes: tokens * decoder.saved * Self.single * side,
        hint: "a smaller micro_batch than \(configuration.microBatch)"))
  }

  /// Feature rows of an image, and numbers in a row; (0, 1) where features come from a file.
  private static func featureShape(_ checkpoint: Checkpoint) -> (rows: Double, width: Double) {
    guard let vision = checkpoint.model.vision, let selection = checkpoint.model.selection else {
      return (0, 1)
    }
    let side = vision.configuration.imageSide
    return (
      Double(vision.tokens(height: side, width: side)),
      Double(vision.configuration.width * selection.layers.count)
    )
  }

  /// Numbers of the projector; those of a stored one are few beside the decoder's.
  private static func trained(_ configuration: RunConfiguration, inputs: Double, outputs: Double) -> Double {
    guard case .new(let depth, let hidden, _) = configuration.projector else { return inputs * outputs }
    let between = hidden.map { Double($0) } ?? outputs
    let widths = [inputs] + Array(repeating: between, count: depth - 1) + [outputs]
    return zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 + $1.1 }
  }

  /// Numbers of the adapters.
  private static func adapted(_ configuration: RunConfiguration, _ decoder: DecoderConfiguration) -> Double {
    guard let instruct = configuration.instruct else { return 0 }
    let (width, inner) = (Double(decoder.width), Double(decoder.feedForwardWidth))
    return Double(instruct.rank) * Double(decoder.layers) * (8 * width + 3 * (width + inner))
  }

  /// Bytes of the files in a folder.
  private static func size(of folder: String) -> Double {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.reduce(0) { total, name in
      let size = (try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int) ?? 0
      return total + Double(size)
    }
  }

  /// Checks that disk and memory are there.
  ///
  /// - Parameters:
  ///   - directory: where the run writes.
  ///   - group: whose memory it takes.
  /// - Throws: `TrainingError.cannotWrite` when the disk is too small, `.tooLarge` when memory is.
  package func check(_ directory: String, group: ControlGroup = ControlGroup()) throws {
    try check(directory, free: Self.free(directory), memory: group.availableMemory.map { Double($0) })
  }

  /// The same against known numbers; nil where the system does not tell.
  package func check(_ directory: String, free: Double?, memory available: Double?) throws {
    let written = disk.reduce(0) { $0 + $1.bytes }
    if let free, written > free {
      throw TrainingError.cannotWrite(
        path: directory,
        reason: "the run needs about \(Self.text(written)) bytes of disk (\(Self.text(disk))),"
          + " \(Self.text(free)) are there (hint: \(Self.hint(disk)); --ignore-limits begins all the same)")
    }
    let needed = memory.reduce(0) { $0 + $1.bytes }
    if let available, needed > available {
      throw TrainingError.tooLarge(
        place: directory, expected: "about \(Self.text(needed)) bytes of memory (\(Self.text(memory)))",
        found: "\(Self.text(available)) that are there",
        hint: "\(Self.hint(memory)); --ignore-limits begins all the same")
    }
  }

  /// Bytes that may be written where a directory lies.
  private static func free(_ directory: String) -> Double? {
    var status = statvfs()
    guard unsafe statvfs(directory, &status) == 0 else { return nil }
    return Double(status.f_bavail) * Double(status.f_frsize)
  }

  /// What makes the largest part smaller.
  private static func hint(_ parts: [Part]) -> String { parts.max { $0.bytes < $1.bytes }?.hint ?? "" }

  private static func text(_ parts: [Part]) -> String {
    parts.map { "\($0.name) \(text($0.bytes))" }.joined(separator: ", ")
  }

  /// A whole number, however large.
  private static func text(_ bytes: Double) -> String {
    bytes < 9e18 ? "\(Int(bytes.rounded()))" : "\(bytes)"
  }
}

extension DecoderConfiguration {
  /// Numbers in a row that enters the decoder.
  fileprivate var inputs: Double { Double(embeddingWidth) }

  /// Weights of the blocks, and of the head.
  fileprivate func frozen(head checkpoint: Checkpoint) -> Double {
    let (width, inner) = (Double(width), Double(feedForwardWidth))
    let mixed = Double((2 * heads + 2 * keyHeads) * headWidth)
    return Double(layers) * width * (mixed + 2 * inner) + width * Double(checkpoint.model.embeddings.count)
  }

  /// Numbers that are kept of a token for the gradient: what enters each block and its middle, queries, keys and values,
  /// what enters the activation.
  fileprivate var saved: Double {
    Double(layers) * Double(2 * width + (heads + 2 * keyHeads) * headWidth + feedForwardWidth)
  }
}
