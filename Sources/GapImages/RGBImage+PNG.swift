import CPNG

extension RGBImage {
  /// Reads a PNG file's stored samples; the first image of an animation.
  static func png(_ bytes: [UInt8], maximumPixels: Int) throws(ImageError) -> RGBImage {
    let chunks = try PNGChunk.all(in: bytes)
    // libpng keeps the address of the bytes between its calls, so all of them run inside one closure.
    let result: Result<RGBImage, ImageError> = unsafe bytes.withUnsafeBufferPointer { memory in
      do throws(ImageError) {
        return .success(try unsafe decoded(memory, chunks, maximumPixels: maximumPixels))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func decoded(
    _ memory: UnsafeBufferPointer<UInt8>, _ chunks: [PNGChunk], maximumPixels: Int
  ) throws(ImageError) -> RGBImage {
    var status: Int32 = 0
    guard let input = unsafe gap_png_open(memory.baseAddress, memory.count, &status) else {
      throw .undecodable(reason: "out of memory")
    }
    defer { unsafe gap_png_close(input) }
    guard status == 0 else { throw unsafe .undecodable(reason: PNGImage.string(of: input.pointee.message)) }
    let (width, height) = unsafe (Int(input.pointee.width), Int(input.pointee.height))
    try PNGImage.checkDimensions(width: width, height: height, maximumPixels: maximumPixels)
    try PNGImage.checkPayload(chunks, width: width, height: height)
    let layout = unsafe PNGLayout(input.pointee, depth: Int(gap_png_depth(input)))
    let stride = width * layout.bytes
    var samples = [UInt8](repeating: 0, count: height * stride)
    let bothBytes: Int32 = layout == .deepGrey ? 1 : 0
    guard unsafe gap_png_decode(input, &samples, stride, bothBytes) == 0 else {
      throw unsafe .undecodable(reason: PNGImage.string(of: input.pointee.message))
    }
    return RGBImage(
      checkedWidth: width, height: height, pixels: layout.rgb(samples, pixelCount: width * height))
  }
}

/// What the bytes of a decoded PNG pixel mean.
private enum PNGLayout: Equatable {
  case grey
  case greyAlpha
  case rgb
  case rgba
  /// Grey of 16 bits, the high byte first.
  case deepGrey
  case palette([UInt8])

  init(_ input: gap_png_input, depth: Int) {
    if unsafe input.has_palette != 0 {
      // Colours that a file uses and does not define are black, as in Pillow.
      let colours = unsafe withUnsafeBytes(of: input.palette) { bytes in unsafe Array(bytes) }
      self = .palette(colours)
      return
    }
    switch unsafe input.channels {
    case 1: self = depth == 16 ? .deepGrey : .grey
    case 2: self = .greyAlpha
    case 3: self = .rgb
    default: self = .rgba
    }
  }

  /// Bytes of one pixel.
  var bytes: Int {
    switch self {
    case .grey, .palette: 1
    case .greyAlpha, .deepGrey: 2
    case .rgb: 3
    case .rgba: 4
    }
  }

  /// The three channels of every pixel.
  func rgb(_ samples: [UInt8], pixelCount: Int) -> [UInt8] {
    if self == .rgb { return samples }
    var pixels = [UInt8](repeating: 0, count: pixelCount * 3)
    for pixel in 0..<pixelCount {
      let (red, green, blue) = colour(samples, at: pixel * bytes)
      pixels[pixel * 3] = red
      pixels[pixel * 3 + 1] = green
      pixels[pixel * 3 + 2] = blue
    }
    return pixels
  }

  @inline(__always)
  private func colour(_ samples: [UInt8], at place: Int) -> (UInt8, UInt8, UInt8) {
    let first = samples[place]
    switch self {
    case .grey, .greyAlpha: return (first, first, first)
    case .deepGrey:
      let clipped = first > 0 ? 255 : samples[place + 1]
      return (clipped, clipped, clipped)
    case .palette(let colours):
      let start = Int(first) * 3
      return (colours[start], colours[start + 1], colours[start + 2])
    case .rgb, .rgba: return (first, samples[place + 1], samples[place + 2])
    }
  }
}
