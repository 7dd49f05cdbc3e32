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

  /// The bytes of a JPEG file end before its image does.
  case truncatedJPEG(byteCount: Int)

  /// libjpeg refused the file, or its layout is none that is read.
  case undecodableJPEG(reason: String)

  /// The bytes are of a format that is not read, which is named where it is known.
  case unsupportedFormat(found: String)

  /// A file cannot be read.
  case unreadable(reason: String, isMissing: Bool)

  /// A fault of a file, with its path.
  indirect case file(path: String, fault: ImageError)

  /// libpng could not write the image.
  case unencodable(reason: String)

  /// The resolution is not a positive number that the format can hold.
  case resolution(dotsPerInch: Double)

  /// A text entry's keyword or value is not one that PNG can hold.
  case text(keyword: String, reason: String)
}

extension ImageError: CustomStringConvertible {
  /// The fault in one line: control characters that a file has put into it, as into a chunk's name, become “?”.
  public var description: String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            ? "?" : scalar
        }))
  }

  private var text: String {
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
    case .truncatedJPEG(let byteCount):
      "JPEG ends at byte \(byteCount): expected more image data"
    case .undecodableJPEG(let reason):
      "JPEG cannot be decoded: \(reason)"
    case .unsupportedFormat(let found):
      "expected a PNG or JPEG image, found \(found)"
    case .unreadable(let reason, _):
      "cannot be read: \(reason)"
    case .file(let path, let fault):
      "\(path): \(fault)"
    case .unencodable(let reason):
      "PNG cannot be written: \(reason)"
    case .resolution(let dotsPerInch):
      "resolution \(dotsPerInch) dpi: expected a positive number up to 100,000"
    case .text(let keyword, let reason):
      "PNG text entry \"\(keyword)\": \(reason)"
    }
  }

  /// Whether the input is missing, as opposed to bad.
  public var isMissingInput: Bool {
    switch self {
    case .unreadable(_, let isMissing): isMissing
    case .file(_, let fault): fault.isMissingInput
    default: false
    }
  }
}
