import GapDatasets
import GapLayers
package import GapLinearAlgebra
package import GapModels
import GapTensorFiles

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
  ///   - written: bytes of the run that are on disk already.
  ///   - sideBySide: runs that go on at once.
  /// - Throws: `DatasetError` when the pairs cannot be read, `TensorFileError` when stored features cannot, `ModelError`
  ///   when the projector does not take them.
  package init(
    _ configuration: RunConfiguration, _ checkpoint: Checkpoint, features folder: String?, written: Double = 0,
    sideBySide: Int = 1
  ) throws {
    self.init()
    let model = try checkpoint.model.requiredDecoder()
    let decoder = model.configuration
    let files = [configuration.pairs, configuration.evaluation?.pairs].compactMap { $0 }
    let records = try Set(files).map { try CaptionedImages(path: $0, checksImages: false).records }
    let (rows, width) = try Self.featureShape(configuration, checkpoint)
    let images = records.map { Double(Set($0.map(\.image)).count) }
    let captions = Double(records.reduce(0) { $0 + $1.count })
    let caption = Self.tokens(ofCaption: records.joined().map(\.caption), checkpoint)
    let side = Double(sideBySide)

    let trained = Self.trained(configuration, inputs: width, outputs: decoder.inputs)
    let adapted = Self.adapted(configuration, decoder)
    let state = 3 * Self.single * (trained + adapted)
    if configuration.features == nil {
      let hint = "fewer pairs, or features: FILE"
      if let folder {
        let bytes = checkpoint.bytesToKeep(features: images.reduce(0, +), in: folder)
        disk.append(Part(name: "image features", bytes: bytes, hint: hint))
      }
      // A set that is larger is read from its folder batch by batch.
      let held = images.map { $0 * rows * width * Self.single }.filter {
        folder == nil || $0 <= Double(TrainingFeatures.memory)
      }
      memory.append(Part(name: "image features", bytes: held.reduce(0, +), hint: hint))
    }
    disk.append(
      Part(
        name: "checkpoints",
        bytes: max(0, (3 * state + 3 * Self.single * (trained + adapted)) * side - written),
        hint: "a smaller projector.hidden"))
    disk.append(Part(name: "report and figures", bytes: Self.outputs, hint: "another --out"))

    let precision = configuration.precision.resolved(width: decoder.width)
    let used = UsedDecoder(model, configuration.objective, configuration.contrastive.readout, precision)
    if used.weights > 0 {
      memory.append(
        Part(name: "decoder", bytes: used.weights, hint: "precision: bf16, or a smaller decoder"))
    }
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
    if used.kept > 0 {
      // A stored projector may merge rows; a new one does not.
      let visual =
        configuration.projector == .checkpoint
        ? Double(
          try checkpoint.model.requiredProjector().tokens(of: Int(rows), path: checkpoint.model.path)) : rows
      memory.append(
        Part(
          name: "activations of a micro_batch of \(configuration.microBatch)",
          bytes: Double(configuration.microBatch) * (visual + caption) * used.kept * side,
          hint: "a smaller micro_batch than \(configuration.microBatch)"))
    }
  }

  /// Feature rows of an image, and numbers in a row, of those in a file or of the encoder; (0, 1) without either.
  private static func featureShape(_ configuration: RunConfiguration, _ checkpoint: Checkpoint) throws -> (
    rows: Double, width: Double
  ) {
    if let stored = try configuration.features.map({ try TensorReference(parsing: $0).tensor() }),
      let width = stored.shape.last
    {
      return (stored.shape.dropFirst().dropLast().reduce(1) { $0 * Double($1) }, Double(width))
    }
    return checkpoint.featureShape.map { (Double($0.rows), Double($0.width)) } ?? (0, 1)
  }

  /// The mean number of a caption's tokens, from some of them.
  private static func tokens(ofCaption captions: [String], _ checkpoint: Checkpoint) -> Double {
    let step = max(1, captions.count / 64)
    // A text that cannot be encoded is told where it is needed.
    let counts = stride(from: 0, to: captions.count, by: step).map {
      (try? checkpoint.tokenizer.encode(captions[$0], from: ""))?.count ?? 0
    }
    return Double(counts.reduce(0, +)) / Double(max(counts.count, 1))
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
}

/// What training takes of a decoder.
private struct UsedDecoder {
  /// Bytes of packed weights.
  let weights: Double
  /// Bytes that are kept of a token for the gradient: what enters each block and its middle; queries, keys and values; what
  /// enters the activation.
  let kept: Double

  init(
    _ decoder: Decoder, _ objective: Objective, _ readout: Readout, _ precision: ProductPrecision
  ) {
    let depth: Int
    switch readout {
    case _ where objective.predictsTokens: depth = decoder.blocks.count
    case .input: depth = 0
    case .layer(let layer): depth = layer
    case .last: depth = decoder.blocks.count
    }
    let (single, number) = (4.0, precision == .bfloat16 ? 2.0 : 4.0)
    var (weights, kept) = (0.0, 0.0)
    for block in decoder.blocks.prefix(depth) {
      let (attention, feedForward) = (block.attention, block.feedForward)
      let layers =
        [attention.query, attention.key, attention.value, attention.output, feedForward.up, feedForward.down]
        + (feedForward.gate.map { [$0] } ?? [])
      weights += layers.reduce(0) { $0 + Double($1.inputs) * Double($1.outputs) }
      let between = layers.prefix(3).reduce(0) { $0 + $1.outputs } + feedForward.up.outputs
      kept += single * 2 * Double(decoder.configuration.width)
      kept += number * Double(between + (feedForward.gate?.outputs ?? 0))
    }
    if objective.predictsTokens, let head = decoder.head {
      weights += Double(head.inputs) * Double(head.outputs)
    }
    // Each direction has a packing of its own, but for OpenBLAS.
    self.weights = weights * number * (ProductKernels.fastest(precision) == .openBLAS ? 1 : 2)
    self.kept = kept
  }
}
