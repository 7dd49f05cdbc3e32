/// Holds 8-bit pixels, row by row from the top, that can be written to and read from PNG.
public struct PNGImage: Equatable, Sendable {
  /// Names what the bytes of one pixel mean.
  public enum Channels: Int, Sendable {
    /// Red, green, blue.
    case rgb = 3

    /// Red, green, blue, alpha; colours are not multiplied by alpha.
    case rgba = 4
  }

  /// The most pixels that are read or written unless the caller says otherwise: 2²⁶, 256 MiB of RGBA.
  public static let defaultMaximumPixels = 1 << 26

  /// The number of columns.
  public let width: Int

  /// The number of rows.
  public let height: Int

  /// The meaning of a pixel's bytes.
  public let channels: Channels

  /// The bytes: [height, width, channels], row-major.
  public let pixels: [UInt8]

  /// Checks and stores a pixel buffer.
  ///
  /// - Parameters:
  ///   - width: columns, at least 1.
  ///   - height: rows, at least 1.
  ///   - channels: RGB or RGBA.
  ///   - pixels: [height, width, channels], row-major.
  /// - Throws: `ImageError.dimensions` for an empty or too large image, `ImageError.byteCount` when the buffer has
  ///   another length.
  public init(width: Int, height: Int, channels: Channels, pixels: [UInt8]) throws(ImageError) {
    try Self.checkDimensions(width: width, height: height, maximumPixels: Self.defaultMaximumPixels)
    let expected = width * height * channels.rawValue
    guard pixels.count == expected else { throw .byteCount(expected: expected, found: pixels.count) }
    self.init(checkedWidth: width, height: height, channels: channels, pixels: pixels)
  }

  /// Stores a buffer whose length the caller has made right.
  init(checkedWidth width: Int, height: Int, channels: Channels, pixels: [UInt8]) {
    assert(pixels.count == width * height * channels.rawValue)
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// Returns the bytes of one pixel.
  ///
  /// - Parameters:
  ///   - column: 0 ..< width; any other is a programmer error.
  ///   - row: 0 ..< height; any other is a programmer error.
  /// - Returns: one byte a channel.
  public func pixel(column: Int, row: Int) -> ArraySlice<UInt8> {
    precondition((0..<width).contains(column) && (0..<height).contains(row), "pixel outside the image")
    let start = (row * width + column) * channels.rawValue
    return pixels[start..<(start + channels.rawValue)]
  }

  /// Refuses an empty image and one with more pixels than allowed.
  static func checkDimensions(width: Int, height: Int, maximumPixels: Int) throws(ImageError) {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, count <= maximumPixels else {
      throw .dimensions(width: width, height: height, maximumPixels: maximumPixels)
    }
  }
}
