import GapImages
import Testing

@Suite struct PNGImageTests {
  /// A picture whose every byte differs from its neighbours.
  static func pattern(_ width: Int, _ height: Int, _ channels: PNGImage.Channels) throws -> PNGImage {
    let count = width * height * channels.rawValue
    return try PNGImage(
      width: width, height: height, channels: channels, pixels: (0..<count).map { UInt8(($0 * 37 + 11) % 256) })
  }

  @Test(arguments: [(1, 1), (7, 5), (64, 3), (3, 200)])
  func rgbaSurvivesWritingAndReading(width: Int, height: Int) throws {
    let image = try Self.pattern(width, height, .rgba)
    #expect(try PNGImage(decoding: image.encoded()) == image)
  }

  @Test func rgbIsReadWithFullAlpha() throws {
    let image = try Self.pattern(5, 4, .rgb)
    let read = try PNGImage(decoding: image.encoded())
    #expect(read.channels == .rgba)
    #expect((read.width, read.height) == (5, 4))
    for row in 0..<4 {
      for column in 0..<5 {
        #expect(Array(read.pixel(column: column, row: row)) == image.pixel(column: column, row: row) + [255])
      }
    }
  }

  @Test func resolutionIsWrittenAsDotsAMetre() throws {
    let bytes = try Self.pattern(2, 2, .rgb).encoded(dotsPerInch: 300)
    let chunk = try #require(try PNGChunk.all(in: bytes).first { $0.kind == "pHYs" })
    #expect(Array(bytes[chunk.content]) == [0, 0, 0x2E, 0x23, 0, 0, 0x2E, 0x23, 1])
    let plain = try Self.pattern(2, 2, .rgb).encoded()
    #expect(try !PNGChunk.all(in: plain).contains { $0.kind == "pHYs" })
  }

  @Test(arguments: [0, -1, .nan, .infinity, 1e6] as [Double])
  func impossibleResolutionsAreRefused(dotsPerInch: Double) throws {
    let image = try Self.pattern(1, 1, .rgb)
    #expect(throws: ImageError.self) { try image.encoded(dotsPerInch: dotsPerInch) }
  }

  @Test func textIsWrittenInOrder() throws {
    let text = [
      try PNGText(keyword: "Software", value: "embgap 1.0"), try PNGText(keyword: "Source", value: ""),
      try PNGText(keyword: "Description", value: "gap → 0.85 − é"),
    ]
    let bytes = try Self.pattern(2, 2, .rgb).encoded(text: text)
    let chunks = try PNGChunk.all(in: bytes).filter { $0.kind.hasSuffix("EXt") || $0.kind == "iTXt" }
    #expect(chunks.map(\.kind) == ["tEXt", "tEXt", "iTXt"])
    #expect(Array(bytes[chunks[0].content]) == Array("Software\0embgap 1.0".utf8))
    #expect(Array(bytes[chunks[1].content]) == Array("Source\0".utf8))
    #expect(Array(bytes[chunks[2].content]) == Array("Description\0\0\0\0\0gap → 0.85 − é".utf8))
  }

  @Test(arguments: ["", " a", "a ", "a  b", "é", "a\u{0}", String(repeating: "k", count: 80)])
  func keywordsThatPNGCannotHoldAreRefused(keyword: String) {
    #expect(throws: ImageError.self) { try PNGText(keyword: keyword, value: "v") }
  }

  @Test func valuesWithNULAreRefused() {
    #expect(throws: ImageError.text(keyword: "k", reason: "expected a value without NUL")) {
      try PNGText(keyword: "k", value: "a\u{0}b")
    }
  }

  @Test func sameImageGivesSameBytes() throws {
    let image = try Self.pattern(20, 20, .rgba)
    #expect(try image.encoded(dotsPerInch: 72) == image.encoded(dotsPerInch: 72))
  }

  @Test func wrongBuffersAreRefused() {
    #expect(throws: ImageError.byteCount(expected: 12, found: 11)) {
      try PNGImage(width: 2, height: 2, channels: .rgb, pixels: Array(repeating: 0, count: 11))
    }
    for (width, height) in [(0, 1), (1, 0), (-1, -1), (Int.max, 2), (1 << 20, 1 << 20)] {
      #expect(throws: ImageError.self) {
        try PNGImage(width: width, height: height, channels: .rgb, pixels: [])
      }
    }
  }
}

@Suite struct MalformedPNGTests {
  @Test func everyTruncationThrows() throws {
    let bytes = try PNGImageTests.pattern(9, 7, .rgba).encoded(
      dotsPerInch: 300, text: [PNGText(keyword: "Software", value: "embgap")])
    for length in 0..<bytes.count {
      #expect(throws: ImageError.self, "first \(length) bytes") {
        try PNGImage(decoding: Array(bytes[..<length]))
      }
    }
  }

  @Test func noFlippedByteTraps() throws {
    let image = try PNGImageTests.pattern(9, 7, .rgba)
    let bytes = try image.encoded(dotsPerInch: 300, text: [PNGText(keyword: "Software", value: "embgap")])
    var refused = 0
    for index in bytes.indices {
      for flip in [0x01, 0x80, 0xFF] as [UInt8] {
        var broken = bytes
        broken[index] ^= flip
        do throws(ImageError) {
          let read = try PNGImage(decoding: broken, maximumPixels: 1 << 16)
          #expect(read.pixels.count == read.width * read.height * 4)
        } catch {
          #expect(!error.description.contains("\n"))
          refused += 1
        }
      }
    }
    #expect(refused > bytes.count)
  }

  @Test func otherFilesAreNotPNG() {
    for bytes in [[], Array("GIF89a".utf8), Array(repeating: 0, count: 100)] as [[UInt8]] {
      #expect(throws: ImageError.notPNG) { try PNGImage(decoding: bytes) }
    }
  }

  @Test func declaredSizeIsHeldAgainstTheLimit() throws {
    let bytes = try PNGImageTests.pattern(30, 30, .rgb).encoded()
    #expect(throws: ImageError.dimensions(width: 30, height: 30, maximumPixels: 899)) {
      try PNGImage(decoding: bytes, maximumPixels: 899)
    }
    #expect(try PNGImage(decoding: bytes, maximumPixels: 900).width == 30)
  }

  @Test func declaredSizeIsHeldAgainstTheData() throws {
    var bytes = try PNGImageTests.pattern(2, 2, .rgb).encoded()
    // 8192 × 8191 pixels, which fit the limit but not 80 bytes, under a right checksum.
    bytes.replaceSubrange(16..<24, with: [0, 0, 0x20, 0, 0, 0, 0x1F, 0xFF])
    let checksum = Self.checksum(Array(bytes[12..<29]))
    bytes.replaceSubrange(29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
    #expect(throws: ImageError.truncated(offset: bytes.count - 4, expected: "data of 8192×8191 pixels")) {
      try PNGImage(decoding: bytes)
    }
  }

  /// CRC-32 as PNG defines it, bit by bit.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder & 1 == 1 ? 0xEDB8_8320 ^ (remainder >> 1) : remainder >> 1 }
    }
    return ~remainder
  }
}
