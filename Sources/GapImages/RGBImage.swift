/// Holds 8-bit red, green and blue, row by row from the top: what a vision encoder's preprocessing starts from.
///
/// Reading gives the bytes that Pillow's `Image.open(file).convert("RGB")` gives: alpha and transparent colours are
/// dropped without blending, 16-bit grey is clipped at 255 (its mode `I;16`), 16-bit colour keeps its high byte,
/// colour profiles, gamma and EXIF orientation are not applied.
///
/// - Source: Pillow 13.0.0; `Fixtures/images` holds what it reads from files of every kind.
public struct RGBImage: Equatable, Sendable {
  /// The most pixels that are read unless the caller says otherwise: 2²⁶, 192 MiB.
  public static let defaultMaximumPixels = 1 << 26

  /// The number of columns.
  public let width: Int

  /// The number of rows.
  public let height: Int

  /// The bytes: [height, width, 3], row-major.
  public let pixels: [UInt8]

  /// Checks and stores a pixel buffer.
  ///
  /// - Parameters:
  ///   - width: columns, at least 1.
  ///   - height: rows, at least 1.
  ///   - pixels: [height, width, 3], row-major.
  /// - Throws: `ImageError.dimensions` for an empty or too large image, `ImageError.byteCount` when the buffer has
  ///   another length.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
    try PNGImage.checkDimensions(width: width, height: height, maximumPixels: Self.defaultMaximumPixels)
    guard pixels.count == width * height * 3 else {
      throw .byteCount(expected: width * height * 3, found: pixels.count)
    }
    self.init(checkedWidth: width, height: height, pixels: pixels)
  }

  /// Stores a buffer whose length the caller has made right.
  init(checkedWidth width: Int, height: Int, pixels: [UInt8]) {
    assert(pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads a PNG or JPEG file, told apart by its first bytes.
  ///
  /// - Parameters:
  ///   - bytes: a complete file.
  ///   - maximumPixels: the most pixels that are accepted; held against the declared size before memory is taken.
  /// - Throws: `ImageError.unsupportedFormat` for other formats, and what the two readers throw; malformed bytes
  ///   never trap.
  /// - Complexity: O(bytes + width · height).
  public init(decoding bytes: [UInt8], maximumPixels: Int = defaultMaximumPixels) throws(ImageError) {
    switch ImageFormat(of: bytes) {
    case .png: self = try Self.png(bytes, maximumPixels: maximumPixels)
    case .jpeg: self = try JPEGImage(decoding: bytes, maximumPixels: maximumPixels).rgb
    case let other: throw .unsupportedFormat(found: other.description)
    }
  }

  /// Reads a PNG or JPEG file by its path.
  ///
  /// - Throws: `ImageError.file` with the path and the fault.
  /// - Complexity: O(bytes + width · height).
  public init(contentsOf path: String, maximumPixels: Int = defaultMaximumPixels) throws(ImageError) {
    do throws(ImageError) {
      self = try RGBImage(decoding: ImageBytes.read(path), maximumPixels: maximumPixels)
    } catch {
      throw .file(path: path, fault: error)
    }
  }
}
