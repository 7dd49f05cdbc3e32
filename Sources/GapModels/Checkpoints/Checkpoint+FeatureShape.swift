import GapLinearAlgebra

extension Checkpoint {
  /// Feature rows of an image of the encoder's own size, and numbers in a row; nil where no encoder is there.
  package var featureShape: (rows: Int, width: Int)? {
    guard let vision = model.vision, let selection = model.selection else { return nil }
    let side = vision.configuration.imageSide
    return (vision.tokens(height: side, width: side), vision.configuration.width * selection.layers.count)
  }

  /// Text before the numbers of a kept feature file, and what a file system rounds up to.
  private static let overhead = 4096.0

  /// Bytes that a `FeatureCache` of so many images takes beyond what its folder holds already.
  package func bytesToKeep(features images: Double, in folder: String) -> Double {
    guard let (rows, width) = featureShape else { return 0 }
    let each = Double(rows) * Double(width) * Double(MemoryLayout<Float>.size)
    return max(0, images * (each + Self.overhead) - ResourceNeeds.bytes(in: folder))
  }
}
