import CPNG

extension PNGImage {
  /// Reads a PNG file of any colour type and depth into RGBA.
  ///
  /// The chunk structure is walked before libpng sees a byte, and the declared size is held against the limit and
  /// against the bytes that are there before memory is taken for it.
  ///
  /// - Parameters:
  ///   - bytes: a complete PNG file.
  ///   - maximumPixels: the most pixels that are accepted.
  /// - Throws: `ImageError.notPNG`, `.truncated`, `.dimensions` or `.undecodable`; malformed bytes never trap.
  /// - Complexity: O(bytes + width · height).
  public init(decoding bytes: [UInt8], maximumPixels: Int = defaultMaximumPixels) throws(ImageError) {
    let chunks = try PNGChunk.all(in: bytes)
    // libpng keeps the address of the bytes between its two calls, so both run inside one closure.
    let result: Result<PNGImage, ImageError> = unsafe bytes.withUnsafeBytes { memory in
      do throws(ImageError) {
        return .success(try unsafe Self.decoded(memory, chunks, maximumPixels: maximumPixels))
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  private static func decoded(
    _ memory: UnsafeRawBufferPointer, _ chunks: [PNGChunk], maximumPixels: Int
  ) throws(ImageError) -> PNGImage {
    var image = unsafe png_image()
    unsafe image.version = UInt32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&image) }
    guard unsafe png_image_begin_read_from_memory(&image, memory.baseAddress, memory.count) != 0 else {
      throw unsafe .undecodable(reason: string(of: image.message))
    }
    let (width, height) = unsafe (Int(image.width), Int(image.height))
    try checkDimensions(width: width, height: height, maximumPixels: maximumPixels)
    try checkPayload(chunks, width: width, height: height)
    unsafe image.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
    var pixels = [UInt8](repeating: 0, count: width * height * 4)
    guard unsafe png_image_finish_read(&image, nil, &pixels, 0, nil) != 0 else {
      throw unsafe .undecodable(reason: string(of: image.message))
    }
    return PNGImage(checkedWidth: width, height: height, channels: .rgba, pixels: pixels)
  }

  /// Refuses a size that the compressed bytes cannot fill: deflate shrinks at most 1032 times, a pixel has at least
  /// one bit.
  static func checkPayload(_ chunks: [PNGChunk], width: Int, height: Int) throws(ImageError) {
    let packed = chunks.reduce(0) { $1.kind == "IDAT" ? $0 + $1.content.count : $0 }
    guard width * height / 8 <= packed.multipliedReportingOverflow(by: 1032).partialValue else {
      throw .truncated(
        offset: chunks.last?.content.upperBound ?? 0, expected: "data of \(width)×\(height) pixels")
    }
  }
}
