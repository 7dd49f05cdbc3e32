import CPNG

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension PNGImage {
  /// Writes the image as the bytes of a PNG file.
  ///
  /// The same image, resolution and text give the same bytes: no time is written.
  ///
  /// - Parameters:
  ///   - dotsPerInch: written as a `pHYs` chunk, rounded to whole dots a metre; nil writes none.
  ///   - text: provenance, written in the given order before the pixels.
  /// - Returns: a complete PNG file.
  /// - Throws: `ImageError.resolution` when the resolution is not in 0 ..< 100,000, `ImageError.unencodable` when
  ///   libpng fails.
  /// - Complexity: O(width · height).
  public func encoded(dotsPerInch: Double? = nil, text: [PNGText] = []) throws(ImageError) -> [UInt8] {
    var output = unsafe gap_png_output()
    defer { unsafe free(output.bytes) }
    var strings: [UInt8] = []
    for entry in text {
      strings += entry.keyword.utf8
      strings.append(0)
      strings += entry.value.utf8
      strings.append(0)
    }
    let status = try unsafe write(
      dotsPerMetre: Self.dotsPerMetre(dotsPerInch), strings: strings, textCount: text.count, into: &output)
    guard status == 0 else { throw unsafe .unencodable(reason: Self.string(of: output.message)) }
    return unsafe Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
  }

  private func write(
    dotsPerMetre: UInt32, strings: [UInt8], textCount: Int, into output: inout gap_png_output
  ) throws(ImageError) -> Int32 {
    guard let columns = UInt32(exactly: width), let rows = UInt32(exactly: height),
      let count = Int32(exactly: textCount)
    else {
      throw .dimensions(width: width, height: height, maximumPixels: Self.defaultMaximumPixels)
    }
    return unsafe strings.withUnsafeBytes { texts in
      unsafe gap_png_write(
        pixels, columns, rows, Int32(channels.rawValue), dotsPerMetre,
        texts.baseAddress?.assumingMemoryBound(to: CChar.self), count, &output)
    }
  }

  /// Converts dots an inch to whole dots a metre; 0 stands for no resolution.
  private static func dotsPerMetre(_ dotsPerInch: Double?) throws(ImageError) -> UInt32 {
    guard let dotsPerInch else { return 0 }
    guard dotsPerInch > 0, dotsPerInch <= 100_000 else { throw .resolution(dotsPerInch: dotsPerInch) }
    return max(1, UInt32((dotsPerInch / 0.0254).rounded()))
  }

  /// Copies a C array of characters, imported as a tuple, up to its NUL.
  static func string<Characters>(of characters: Characters) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
