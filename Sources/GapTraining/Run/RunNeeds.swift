import GapDatasets
package import GapLinearAlgebra
package import GapModels

extension ResourceNeeds {
  /// Bytes of a number.
  private static let single = 4.0
  /// Figures, reports, projections.
  private static let outputs = 16e6

  /// Of a training run.
  ///
  /// - Parameters:
  ///   - checkpoint: whose weights are not packed yet.
  ///   - features: the folder where image features are kept; nil to keep them in memory alone.
  ///   - sideBySide: runs that go on at once.
  /// - Throws: `DatasetError` when the pairs cannot be read.
  package init(
    _ configuration: RunConfiguration, _ checkpoint: Checkpoint, features folder: String?, sideBySide: Int = 1
  ) throws {
    self.init()
    let decoder = try checkpoint.model.requiredDecoder().configuration
    let files = [configuration.pairs, configuration.evaluation?.pairs].compactMap { $0 }
    let records = try Set(files).map { try CaptionedImages(path: $0, checksImages: false).records }
    // Nothing is kept of features from a file.
    let (rows, width) = checkpoint.featureShape.map { (Double($0.rows), Double($0.width)) } ?? (0, 1)
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
        disk.append(
          Part(
            name: "image features",
            bytes: checkpoint.bytesToKeep(features: images, in: folder), hint: "fewer pairs, or features: FILE")
        )
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

  /// Checks that disk and memory are there.
  ///
  /// - Parameters:
  ///   - directory: where the run writes.
  ///   - group: whose memory it takes.
  /// - Throws: `TrainingError.cannotWrite` when the disk is too small, `.tooLarge` when memory is.
  package func check(_ directory: String, group: ControlGroup = ControlGroup()) throws {
    try Self.refuse(shortage(in: directory, group: group), directory)
  }

  /// The same against known numbers; nil where the system does not tell.
  package func check(_ directory: String, free: Double?, memory: Double?) throws {
    try Self.refuse(shortage(free: free, memory: memory), directory)
  }

  private static func refuse(_ shortage: Shortage?, _ directory: String) throws {
    switch shortage?.kind {
    case nil: return
    case .disk:
      throw TrainingError.cannotWrite(
        path: directory,
        reason: "the run needs \(shortage?.needed ?? ""), \(shortage?.found ?? "") are there"
          + " (hint: \(shortage?.hint ?? ""))")
    case .memory:
      throw TrainingError.tooLarge(
        place: directory, expected: shortage?.needed ?? "", found: "\(shortage?.found ?? "") that are there",
        hint: shortage?.hint ?? "")
    }
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
