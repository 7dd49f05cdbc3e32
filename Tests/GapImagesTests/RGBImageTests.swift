import GapImages
import Testing

@Suite struct RGBImageTests {
  @Test func everyKindIsReadAsTheReferenceReadsIt() throws {
    let expected = try ReferenceImages.read("decoded")
    #expect(expected.count == 31)
    for (name, image) in expected {
      let found = try RGBImage(contentsOf: ReferenceImages.folder + name)
      #expect((found.width, found.height) == (image.width, image.height), "\(name)")
      let different = zip(found.pixels, image.pixels).enumerated().first { $0.element.0 != $0.element.1 }
      #expect(
        found.pixels.count == image.pixels.count && different == nil,
        "\(name): \(String(describing: different))")
    }
  }

  @Test(arguments: ["colour-3-depth-4.png", "colour-2-depth-8.png", "cmyk.jpg", "progressive.jpg", "grey.jpg"])
  func truncationAtEveryByteThrows(name: String) throws {
    let bytes = try ReferenceImages.bytes(name)
    for count in bytes.indices {
      #expect(throws: ImageError.self, "\(name): \(count) bytes") {
        try RGBImage(decoding: Array(bytes[..<count]))
      }
    }
    #expect(throws: Never.self) { try RGBImage(decoding: bytes) }
  }

  @Test(.timeLimit(.minutes(1))) func scansOverALargeImageAreCounted() throws {
    var bytes = try ReferenceImages.bytes("progressive.jpg")
    let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC2 })
    let scan = try #require(bytes.indices.dropLast().last { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA })
    // 4096 × 4096 pixels, and 400 times the last scan, whose missing bits the decoder takes for zeros.
    bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0x10, 0, 0x10, 0])
    let last = Array(bytes[scan..<(bytes.count - 2)])
    for _ in 0..<400 { bytes.insert(contentsOf: last, at: scan) }
    #expect(throws: ImageError.undecodableJPEG(reason: "too many scans for its size")) {
      try RGBImage(decoding: bytes)
    }
  }

  @Test func nameOfAChunkStaysOnOneLineOfTheMessage() throws {
    var bytes = try ReferenceImages.bytes("one.png")
    bytes.replaceSubrange(33..<41, with: [0, 0, 0xFF, 0xFF, 0x0A, 0x1B, 0x0D, 0x41])
    let fault = #expect(throws: ImageError.self) { try RGBImage(decoding: bytes) }
    let text = try #require(fault).description
    #expect(text.hasSuffix("65535 bytes of chunk ???A"), "\(text)")
  }

  /// A JPEG decoder bridges damage, so it may pass; it must not trap, and must keep to the declared limit.
  @Test(arguments: ["palette-short.png", "quarter-colour.jpg", "progressive.jpg", "cmyk.jpg"])
  func flippedBytesNeverTrap(name: String) throws {
    let bytes = try ReferenceImages.bytes(name)
    var refused = 0
    for place in bytes.indices {
      for mask in [0xFF, 0x01, 0x10] as [UInt8] {
        var damaged = bytes
        damaged[place] ^= mask
        do {
          let image = try RGBImage(decoding: damaged, maximumPixels: 1 << 16)
          #expect(image.width * image.height <= 1 << 16)
          #expect(image.pixels.count == image.width * image.height * 3)
        } catch { refused += 1 }
      }
    }
    #expect(refused > 20, "\(name)")
  }

  @Test func damagedPNGIsRefused() throws {
    let bytes = try ReferenceImages.bytes("colour-2-depth-8.png")
    let data = try #require(try PNGChunk.all(in: bytes).first { $0.kind == "IDAT" }).content
    for place in data {
      var damaged = bytes
      damaged[place] ^= 0x40
      #expect(throws: ImageError.self, "byte \(place)") { try RGBImage(decoding: damaged) }
    }
  }

  @Test func declaredSizesAreHeldAgainstLimitAndBytes() throws {
    var jpeg = try ReferenceImages.bytes("quarter-colour.jpg")
    let frame = try #require(jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x20, 0, 0x20, 0])
    #expect(throws: ImageError.truncatedJPEG(byteCount: jpeg.count)) { try RGBImage(decoding: jpeg) }
    #expect(throws: ImageError.dimensions(width: 8192, height: 8192, maximumPixels: 1000)) {
      try RGBImage(decoding: jpeg, maximumPixels: 1000)
    }
    #expect(throws: ImageError.dimensions(width: 3, height: 200, maximumPixels: 599)) {
      try RGBImage(decoding: ReferenceImages.bytes("tall.png"), maximumPixels: 599)
    }
  }

  @Test(
    arguments: [
      (Array("GIF89a".utf8), "GIF"), (Array("RIFF....WEBPVP8 ".utf8), "WebP"), (Array("BM......".utf8), "BMP"),
      ([0x49, 0x49, 0x2A, 0, 8, 0], "TIFF"), (Array("....ftypavif....".utf8), "AVIF"), ([], "an empty file"),
      ([1, 2, 3], "bytes 01 02 03"),
    ] as [([UInt8], String)])
  func otherFormatsAreRefusedByName(bytes: [UInt8], name: String) throws {
    let error = try #require(throws: ImageError.self) { try RGBImage(decoding: bytes) }
    #expect(error.description.contains(name))
    #expect(!error.description.contains("\n") && !error.isMissingInput)
  }

  @Test func missingFilesAreNamed() throws {
    let path = ReferenceImages.folder + "none.png"
    let error = try #require(throws: ImageError.self) { try RGBImage(contentsOf: path) }
    #expect(error.description == "\(path): cannot be read: no such file")
    #expect(error.isMissingInput)
  }
}
