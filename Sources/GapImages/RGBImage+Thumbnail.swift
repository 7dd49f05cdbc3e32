import CJPEG

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension RGBImage {
  /// Writes the image as the bytes of a baseline JPEG file; the same image gives the same bytes.
  ///
  /// - Parameter quality: 1 … 100 as libjpeg counts it; any other is a programmer error.
  /// - Throws: `ImageError.unencodable` when libjpeg fails, as it does beyond 65,500 pixels a side.
  /// - Complexity: O(width · height).
  public func jpeg(quality: Int = 75) throws(ImageError) -> [UInt8] {
    precondition((1...100).contains(quality), "JPEG quality is 1 … 100")
    guard let columns = UInt32(exactly: width), let rows = UInt32(exactly: height) else {
      throw .dimensions(width: width, height: height, maximumPixels: Self.defaultMaximumPixels)
    }
    var message = [CChar](repeating: 0, count: 256)
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = unsafe gap_jpeg_write(pixels, columns, rows, Int32(quality), &bytes, &count, &message)
    defer { unsafe free(bytes) }
    guard status == 0, let bytes = unsafe bytes else {
      throw .unencodable(
        reason: String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  /// The image as a small file: its longer side `side` at most, as PNG or JPEG, whichever is shorter.
  ///
  /// - Throws: what resizing and writing throw.
  /// - Complexity: O(width · height).
  public func thumbnail(side: Int) throws(ImageError) -> (bytes: [UInt8], type: String) {
    let longest = max(width, height)
    var small = self
    if longest > side {
      small = try resized(
        width: max(1, width * side / longest), height: max(1, height * side / longest), .bicubic)
    }
    let png = try PNGImage(width: small.width, height: small.height, channels: .rgb, pixels: small.pixels)
      .encoded()
    let jpeg = try small.jpeg()
    return png.count <= jpeg.count ? (png, "image/png") : (jpeg, "image/jpeg")
  }
}
