import GapImages
import Testing

/// Small pictures: their sides, their format, and that they show what they are of.
@Suite struct ThumbnailTests {
  private static func image(_ width: Int, _ height: Int, _ color: (Int, Int) -> [UInt8]) throws -> RGBImage {
    try RGBImage(
      width: width, height: height,
      pixels: (0..<height).flatMap { y in (0..<width).flatMap { x in color(x, y) } })
  }

  @Test(arguments: [(200, 100, 56, 28), (100, 200, 28, 56), (20, 10, 20, 10), (1000, 1, 56, 1)])
  func keepsItsShape(width: Int, height: Int, smallWidth: Int, smallHeight: Int) throws {
    let image = try Self.image(width, height) { x, _ in [x < width / 2 ? 255 : 0, 0, 0] }
    let small = try image.thumbnail(side: 56)
    let read = try RGBImage(decoding: small.bytes)
    #expect(read.width == smallWidth && read.height == smallHeight)
    #expect(read.pixels[0] > 200 && read.pixels[(smallWidth - 1) * 3] < 60)
  }

  @Test func flatPicturesArePNGAndBusyOnesAreJPEG() throws {
    let flat = try Self.image(80, 80) { _, _ in [10, 20, 30] }.thumbnail(side: 56)
    #expect(flat.type == "image/png")
    var state: UInt32 = 1
    let busy = try Self.image(80, 80) { _, _ in
      (0..<3).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(state >> 24)
      }
    }.thumbnail(side: 56)
    #expect(busy.type == "image/jpeg" && busy.bytes.count < 56 * 56 * 3 / 2)
  }

  @Test func jpegReadsBackToNearlyTheSameAndIsTheSameEachTime() throws {
    let image = try Self.image(33, 17) { x, y in [UInt8(x * 7), UInt8(y * 15), UInt8(255 - x * 7)] }
    let bytes = try image.jpeg(quality: 95)
    #expect(try image.jpeg(quality: 95) == bytes)
    let read = try RGBImage(decoding: bytes)
    #expect(read.width == 33 && read.height == 17)
    let error = zip(read.pixels, image.pixels).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) }
    #expect(error / Double(image.pixels.count) < 6)
  }

  @Test func whatIsTooWideForJPEGIsAnErrorAndNoCrash() throws {
    let image = try Self.image(70_000, 1) { _, _ in [0, 0, 0] }
    #expect(throws: ImageError.self) { try image.jpeg() }
  }
}
