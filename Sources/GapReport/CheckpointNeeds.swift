import GapLinearAlgebra
import GapMetrics
import GapModels

/// What reading vectors off a checkpoint needs of disk and memory.
struct CheckpointNeeds {
  /// With what is kept of image features, in the request's folder.
  private(set) var features = ResourceNeeds()
  /// With the file of vectors, where one is written.
  private(set) var vectors = ResourceNeeds()
  private let request: CheckpointRequest

  /// - Parameters:
  ///   - images: how many there are.
  ///   - captions: how many.
  init(
    _ request: CheckpointRequest, _ checkpoint: Checkpoint, images: Int, captions: Int, readouts: [Readout]
  ) {
    self.request = request
    let single = Double(MemoryLayout<Float>.size)
    if request.features == nil, let cache = request.cache {
      features.disk = [
        ResourceNeeds.Part(
          name: "image features", bytes: checkpoint.bytesToKeep(features: Double(images), in: cache),
          hint: "another --cache, or fewer pairs")
      ]
    }
    guard let decoder = checkpoint.model.decoder?.configuration else { return }
    let widths = readouts.reduce(0.0) {
      $0 + Double($1 == .input ? decoder.embeddingWidth : decoder.width)
    }
    let hint = readouts.count > 1 ? "one readout in place of layers, or fewer pairs" : "fewer pairs"
    vectors.memory = [
      ResourceNeeds.Part(name: "vectors", bytes: Double(images + captions) * widths * single, hint: hint)
    ]
    guard request.output != nil else { return }
    // The file is made in memory; every pair has an image's row of its own there.
    let file = ResourceNeeds.Part(
      name: "the file of vectors", bytes: 2 * Double(captions) * widths * single, hint: hint)
    vectors.memory.append(file)
    vectors.disk = [file]
  }

  /// Checks that disk and memory are there.
  ///
  /// - Throws: `ReportError.cannotWrite` when a disk is too small, `.tooLarge` when memory is.
  func check() throws {
    if let cache = request.cache { try Self.refuse(features.shortage(in: cache), cache) }
    let folder = request.output.map { ResourceNeeds.parent(of: $0) } ?? "."
    try Self.refuse(vectors.shortage(in: folder), request.output ?? request.pairs)
  }

  private static func refuse(_ shortage: ResourceNeeds.Shortage?, _ place: String) throws {
    guard let shortage else { return }
    switch shortage.kind {
    case .disk:
      throw ReportError.cannotWrite(
        path: place,
        reason: "\(shortage.needed) are needed, \(shortage.found) are there (hint: \(shortage.hint))")
    case .memory:
      throw ReportError.tooLarge(
        place: place, expected: shortage.needed, found: "\(shortage.found) that are there", hint: shortage.hint)
    }
  }
}
