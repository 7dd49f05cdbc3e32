public import GapImages
import GapLinearAlgebra

/// Turns an image into the numbers that a vision encoder reads, as Hugging Face's processors on Pillow and numpy do.
///
/// ```
/// x = resize → crop → Float(Double(byte) · rescaleFactor) → (x - mean) / deviation, in Float
/// ```
/// The steps are those of CLIP, SigLIP, BiT (DINOv2), ViT and LLaVA processors. The torchvision ("Fast") classes
/// resize by another algorithm and differ in the last digits; their names are read as the classes above. EXIF
/// orientation is not applied.
///
/// - Source: transformers 5.23.0, `image_transforms.py` and `image_processing_backends.py`; bit-equal on
///   `Fixtures/images`.
public struct ImageProcessor: Sendable {
  /// How large an image is made.
  enum Size: Equatable, Sendable {
    /// The short side has this length, the long side keeps the ratio, truncated.
    case shortEdge(Int)
    /// As `shortEdge`, unless the long side would exceed its limit.
    case edges(short: Int, longest: Int)
    /// Both sides are given; the ratio is not kept.
    case exactly(width: Int, height: Int)
  }

  /// The size after resizing; nil leaves images as they are.
  var size: Size?
  /// How pixels are mixed.
  var resampling: ImageResampling
  /// The size that is cut from the centre; nil cuts nothing.
  var crop: (width: Int, height: Int)?
  /// Whether the file itself asks for a square with a margin of the mean colour.
  var padsToSquare: Bool
  /// What bytes are multiplied by; nil leaves them in 0…255.
  var rescaleFactor: Double?
  /// The means of the three channels; nil subtracts and divides nothing.
  var mean: [Double]?
  /// The standard deviations of the three channels.
  var deviation: [Double]?

  /// The mean colour, truncated to bytes, as LLaVA's margin has it; black without means.
  var marginColour: [UInt8] {
    (mean ?? [0, 0, 0]).map { UInt8(clamping: Int(max(0, min($0, 1)) * 255)) }
  }

  /// Processes one image.
  ///
  /// - Parameters:
  ///   - image: 8-bit RGB.
  ///   - expandsToSquare: puts a margin of the mean colour around the image first: LLaVA's
  ///     `image_aspect_ratio: "pad"`.
  /// - Returns: planar numbers [3, height, width].
  /// - Throws: `ImageError.dimensions` when a size is beyond what images may have.
  /// - Complexity: O(pixels), times the taps of the resize.
  public func pixels(of image: RGBImage, expandsToSquare: Bool = false) throws(ImageError) -> PixelValues {
    var image = image
    if padsToSquare || expandsToSquare { image = try image.expandedToSquare(margin: marginColour) }
    if let (width, height) = resizedSize(of: image) {
      image = try image.resized(width: width, height: height, resampling)
    }
    if let crop { image = try image.centreCropped(width: crop.width, height: crop.height) }
    return planes(of: image)
  }

  /// Processes several images in parallel; the result does not depend on the number of threads.
  ///
  /// - Parameters:
  ///   - images: 8-bit RGB of any sizes.
  ///   - expandsToSquare: as for one image.
  ///   - threads: the most threads at work; 0 means one for each processor.
  /// - Returns: one block an image, in the order of the images.
  /// - Throws: the error of the first image that fails.
  /// - Complexity: as for one image, divided by the threads.
  public func pixels(
    of images: [RGBImage], expandsToSquare: Bool = false, threads: Int = 0
  ) throws -> [PixelValues] {
    try WorkerPool(threads: threads).map(images.count) { _, place in
      try pixels(of: images[place], expandsToSquare: expandsToSquare)
    }
  }

  /// The size that an image is made into, known before anything is done with its pixels.
  func outputSize(of image: RGBImage, expandsToSquare: Bool = false) -> (width: Int, height: Int) {
    if let crop { return crop }
    let side = max(image.width, image.height)
    let (width, height) = padsToSquare || expandsToSquare ? (side, side) : (image.width, image.height)
    return resizedSize(width: width, height: height) ?? (width, height)
  }

  /// The size of an image after resizing; nil leaves it.
  func resizedSize(of image: RGBImage) -> (width: Int, height: Int)? {
    resizedSize(width: image.width, height: image.height)
  }

  private func resizedSize(width: Int, height: Int) -> (width: Int, height: Int)? {
    let (short, long) = (min(width, height), max(width, height))
    func oriented(_ short: Int, _ long: Int) -> (width: Int, height: Int) {
      width <= height ? (short, long) : (long, short)
    }
    switch size {
    case nil: return nil
    case .exactly(let width, let height): return (width, height)
    case .shortEdge(let edge): return oriented(edge, Self.truncated(Double(edge * long) / Double(short)))
    case .edges(let edge, let longest):
      var (target, exact) = (edge, Double(edge))
      if Double(long) / Double(short) * Double(edge) > Double(longest) {
        exact = Double(longest * short) / Double(long)
        target = Int(exact.rounded(.toNearestOrEven))
      }
      if short == target { return (width, height) }
      return oriented(target, Self.truncated(exact * Double(long) / Double(short)))
    }
  }

  /// A length without its fraction; one too long for any image stays too long.
  private static func truncated(_ length: Double) -> Int { Int(min(length, Double(Int32.max))) }

  /// Bytes to numbers: a byte of a channel has only 256 results, so these are worked out once.
  private func planes(of image: RGBImage) -> PixelValues {
    let count = image.width * image.height
    var values = [Float](repeating: 0, count: count * 3)
    for channel in 0..<3 {
      let table = (0..<256).map { number(of: $0, channel: channel) }
      for place in 0..<count {
        values[channel * count + place] = table[Int(image.pixels[place * 3 + channel])]
      }
    }
    return PixelValues(width: image.width, height: image.height, values: values)
  }

  /// Rescaling in Double, rounded to Float; normalising in Float: the order in which numpy rounds.
  private func number(of byte: Int, channel: Int) -> Float {
    let scaled = rescaleFactor.map { Float(Double(byte) * $0) } ?? Float(byte)
    guard let mean, let deviation else { return scaled }
    return (scaled - Float(mean[channel])) / Float(deviation[channel])
  }
}

/// Holds the numbers of one image, channel by channel.
public struct PixelValues: Equatable, Sendable {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// The numbers: [3, height, width], row-major.
  public let values: [Float]
}
