/// Lists the faults of image files and pixel buffers, each with its place, what was expected and what was found.
public enum ImageError: Error, Equatable, Sendable {
  /// A side is zero or the image has more pixels than the caller allows.
  case dimensions(width: Int, height: Int, maximumPixels: Int)

  /// A pixel buffer does not hold width × height × channels bytes.
  case byteCount(expected: Int, found: Int)

  /// The bytes do not begin with the PNG signature.
  case notPNG

  /// The file ends inside a chunk, before its end marker, or holds too few bytes for the size it declares.
  case truncated(offset: Int, expected: String)

  /// libpng refused the file.
  case undecodable(reason: String)

  /// libpng could not write the image.
  case unencodable(reason: String)

  /// The resolution is not a positive number that the format can hold.
  case resolution(dotsPerInch: Double)

  /// A text entry's keyword or value is not one that PNG can hold.
  case text(keyword: String, reason: String)
}

extension ImageError: CustomStringConvertible {
  /// The fault in one line.
  public var description: String {
    switch self {
    case .dimensions(let width, let height, let maximum):
      "image size \(width)×\(height): expected at least 1×1 and at most \(maximum) pixels"
    case .byteCount(let expected, let found):
      "pixel buffer: expected \(expected) bytes, found \(found)"
    case .notPNG:
      "not a PNG file: the signature is missing"
    case .truncated(let offset, let expected):
      "PNG ends at byte \(offset): expected \(expected)"
    case .undecodable(let reason):
      "PNG cannot be decoded: \(reason)"
    case .unencodable(let reason):
      "PNG cannot be written: \(reason)"
    case .resolution(let dotsPerInch):
      "resolution \(dotsPerInch) dpi: expected a positive number up to 100,000"
    case .text(let keyword, let reason):
      "PNG text entry \"\(keyword)\": \(reason)"
    }
  }
}
