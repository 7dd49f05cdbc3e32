import Foundation
import GapImages
import Testing

@Suite struct ImageResamplingTests {
  @Test func everyFilterAgreesWithTheReference() throws {
    let source = try RGBImage(contentsOf: ReferenceImages.folder + "quarter-colour.jpg")
    let expected = try ReferenceImages.read("resized")
    #expect(expected.count == 54)
    for (name, image) in expected {
      let code = try #require(name.last?.wholeNumberValue)
      let filter = try #require(ImageResampling(rawValue: code))
      let found = try source.resized(width: image.width, height: image.height, filter)
      #expect(found == image, "\(name)")
    }
  }

  @Test(arguments: ImageResampling.allCases)
  func oneColourStaysOneColour(filter: ImageResampling) throws {
    let image = try RGBImage(
      width: 31, height: 17, pixels: (0..<(31 * 17)).flatMap { _ in [3, 128, 255] as [UInt8] })
    let found = try image.resized(width: 13, height: 40, filter)
    #expect(found.pixels == (0..<(13 * 40)).flatMap { _ in [3, 128, 255] as [UInt8] })
  }

  @Test func theSameSizeIsTheSameImage() throws {
    let image = try RGBImage(contentsOf: ReferenceImages.folder + "tall.png")
    #expect(try image.resized(width: 3, height: 200, .lanczos) == image)
  }

  /// The obvious way: one pixel at a time, weights straight from the definition.
  @Test(arguments: [(40, 33, 17, 9), (7, 5, 33, 20), (64, 48, 16, 15), (16, 90, 30, 5), (50, 50, 49, 12)])
  func blocksAgreeWithOnePixelAtATime(width: Int, height: Int, newWidth: Int, newHeight: Int) throws {
    let bytes: [UInt8] = (0..<(width * height * 3)).map { (i: Int) -> UInt8 in UInt8((i * i * 7 + i * 13) % 251)
    }
    let image = try RGBImage(width: width, height: height, pixels: bytes)
    let found = try image.resized(width: newWidth, height: newHeight, .bilinear)
    func value(_ pixels: [UInt8], _ width: Int, _ x: Int, _ y: Int, _ channel: Int) -> Int {
      Int(pixels[(y * width + x) * 3 + channel])
    }
    func across(_ pixels: [UInt8], _ w: Int, _ h: Int) -> [UInt8] {
      var result: [UInt8] = []
      for y in 0..<h {
        for x in 0..<newWidth {
          for c in 0..<3 { result.append(Self.mixed(x, from: w, to: newWidth) { value(pixels, w, $0, y, c) }) }
        }
      }
      return result
    }
    func down(_ pixels: [UInt8], _ w: Int, _ h: Int) -> [UInt8] {
      var result: [UInt8] = []
      for y in 0..<newHeight {
        for x in 0..<w {
          for c in 0..<3 { result.append(Self.mixed(y, from: h, to: newHeight) { value(pixels, w, x, $0, c) }) }
        }
      }
      return result
    }
    let columnsFirst = newHeight < height && height - newHeight > 2 * (width - newWidth)
    let expected =
      columnsFirst
      ? across(down(image.pixels, width, height), width, newHeight)
      : down(across(image.pixels, width, height), newWidth, height)
    #expect(found.pixels == expected)
  }

  /// One number of a triangle-filtered axis.
  private static func mixed(_ place: Int, from source: Int, to target: Int, _ value: (Int) -> Int) -> UInt8 {
    let scale = Double(source) / Double(target)
    let widened = max(scale, 1)
    let centre = (Double(place) + 0.5) * scale
    let first = max(0, Int(centre - widened + 0.5))
    let last = min(source, Int(centre + widened + 0.5))
    let weights = (first..<last).map { max(0, 1 - abs((Double($0) - centre + 0.5) * (1 / widened))) }
    let sum = weights.reduce(0, +)
    var total = 1 << 21
    for (k, weight) in weights.enumerated() {
      total += Int(weight / sum * Double(1 << 22) + 0.5) * value(first + k)
    }
    return UInt8(min(255, max(0, total >> 22)))
  }

  @Test func impossibleSizesAreRefused() throws {
    let image = try RGBImage(width: 1, height: 1, pixels: [1, 2, 3])
    for (width, height) in [(0, 4), (4, -1), (1 << 20, 1 << 20), (Int.max, 2)] {
      #expect(throws: ImageError.self) { try image.resized(width: width, height: height, .bicubic) }
    }
  }
}
