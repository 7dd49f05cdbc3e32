import CJPEG

/// Holds a decoded JPEG file as 8-bit RGB.
///
/// The samples are those of Pillow's `Image.open(file).convert("RGB")`: accurate integer DCT, smooth ("fancy")
/// upsampling, grey repeated in three channels, four components taken as inverted CMYK as Adobe writes it. Damage
/// that the decoder can bridge is let pass, as there; an image that the bytes do not finish is an error.
///
/// - Source: Pillow 13.0.0, `JpegImagePlugin.py`, `JpegDecode.c`, `Convert.c`; `Fixtures/images`.
public struct JPEGImage: Equatable, Sendable {
  /// The two bytes that begin every JPEG file.
  public static let signature: [UInt8] = [0xFF, 0xD8]

  /// The image.
  public let rgb: RGBImage

  /// Reads a baseline or progressive JPEG file.
  ///
  /// - Parameters:
  ///   - bytes: a complete JPEG file.
  ///   - maximumPixels: the most pixels that are accepted; held against the declared size before memory is taken.
  /// - Throws: `ImageError.truncatedJPEG`, `.undecodableJPEG` or `.dimensions`; malformed bytes never trap.
  /// - Complexity: O(bytes + width · height), times the scans of a progressive file, of which 500 are read at most.
  public init(
    decoding bytes: [UInt8], maximumPixels: Int = RGBImage.defaultMaximumPixels
  ) throws(ImageError) {
    guard bytes.starts(with: Self.signature) else {
      throw .undecodableJPEG(reason: "the signature is missing")
    }
    // libjpeg keeps the address of the bytes between its calls, so all of them run inside one closure.
    let result: Result<RGBImage, ImageError> = unsafe bytes.withUnsafeBufferPointer { memory in
      do throws(ImageError) {
        return .success(try unsafe Self.decoded(memory, maximumPixels: maximumPixels))
      } catch {
        return .failure(error)
      }
    }
    rgb = try result.get()
  }

  private static func decoded(
    _ memory: UnsafeBufferPointer<UInt8>, maximumPixels: Int
  ) throws(ImageError) -> RGBImage {
    var status: Int32 = 0
    guard let image = unsafe gap_jpeg_open(memory.baseAddress, memory.count, &status) else {
      throw .undecodableJPEG(reason: "out of memory")
    }
    defer { unsafe gap_jpeg_close(image) }
    guard status == 0 else { throw unsafe fault(image, byteCount: memory.count) }
    let (width, height) = unsafe (
      Int(image.pointee.decoder.image_width), Int(image.pointee.decoder.image_height)
    )
    try PNGImage.checkDimensions(width: width, height: height, maximumPixels: maximumPixels)
    // A block of 8×8 samples takes one bit at least, except with arithmetic coding, which Pillow's files never have.
    if unsafe image.pointee.decoder.arith_code == 0, width * height / 64 > memory.count * 8 {
      throw .truncatedJPEG(byteCount: memory.count)
    }
    let components = unsafe image.pointee.decoder.num_components
    guard [1, 3, 4].contains(components) else {
      throw .undecodableJPEG(reason: "\(components) components: expected 1, 3 or 4")
    }
    let channels = components == 4 ? 4 : 3
    var samples = [UInt8](repeating: 0, count: width * height * channels)
    guard unsafe gap_jpeg_decode(image, &samples, Int32(channels)) == 0 else {
      throw unsafe fault(image, byteCount: memory.count)
    }
    return RGBImage(
      checkedWidth: width, height: height, pixels: channels == 4 ? rgb(fromInvertedCMYK: samples) : samples)
  }

  private static func fault(_ image: UnsafeMutablePointer<gap_jpeg>, byteCount: Int) -> ImageError {
    if unsafe image.pointee.truncated != 0 { return .truncatedJPEG(byteCount: byteCount) }
    return unsafe .undecodableJPEG(reason: PNGImage.string(of: image.pointee.message))
  }

  /// Mixes stored, that is inverted, CMYK: a channel's light times the light that black leaves, rounded as Pillow does.
  private static func rgb(fromInvertedCMYK samples: [UInt8]) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: samples.count / 4 * 3)
    for pixel in 0..<(samples.count / 4) {
      let light = Int(samples[pixel * 4 + 3])
      for channel in 0..<3 {
        let product = (255 - Int(samples[pixel * 4 + channel])) * light + 128
        pixels[pixel * 3 + channel] = UInt8(max(0, light - (product >> 8 + product) >> 8))
      }
    }
    return pixels
  }
}
