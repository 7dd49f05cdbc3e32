import Foundation
import GapImages
import GapPlot
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct SceneEncodingTests {
  /// Four points by two, all black: whatever is not covered shows.
  static func scene(width: Double, height: Double) -> Scene {
    let page = PlotRect(x: 0, y: 0, width: width, height: height)
    let square = PlotRect(x: 1, y: 0.5, width: 1, height: 1)
    return Scene(
      width: width, height: height, panels: [],
      marks: [
        Mark(.bar, .rectangle(square, PlotColor(hex: 0x000000)), clip: page),
        Mark(.bar, .rectangle(PlotRect(x: 2, y: 0.5, width: 1, height: 1), PlotColor(hex: 0xD55E00))),
      ])
  }

  static let provenance: Provenance = [
    "Software": "embgap 1.0", "Source": "a<b>&\"pairs\".npy", "Description": "gap 0.85 → −0.1",
  ]

  // MARK: PNG

  /// Sizes that are whole pixels, just below, just above, and far from it.
  @Test(arguments: [(240.0, 180.0, 300.0), (240, 194, 300), (100.01, 50.02, 72), (99.5, 33.3, 301), (1, 1, 30)])
  func theGroundIsWhiteToTheLastPixelAndNothingIsCutOff(width: Double, height: Double, dpi: Double) throws {
    let image = try Scene(width: width, height: height, panels: [], marks: []).image(dotsPerInch: dpi)
    #expect(image.pixels.allSatisfy { $0 == 255 })
    for (pixels, points) in [(image.width, width), (image.height, height)] {
      let length = points * dpi / 72
      #expect(Double(pixels) >= length - 1e-6 && Double(pixels) < max(1, length) + 1)
    }
  }

  @Test func shapesLieAtTheirPixels() throws {
    let image = try Self.scene(width: 4, height: 2).image(dotsPerInch: 720)
    #expect((image.width, image.height) == (40, 20))
    for (column, row, color) in [
      (5, 10, [255, 255, 255]), (15, 10, [0, 0, 0]), (25, 10, [0xD5, 0x5E, 0]), (35, 10, [255, 255, 255]),
      (15, 2, [255, 255, 255]), (15, 18, [255, 255, 255]),
    ] as [(Int, Int, [UInt8])] {
      #expect(Array(image.pixel(column: column, row: row)) == color, "column \(column), row \(row)")
    }
  }

  @Test(arguments: [72.0, 150, 300])
  func pngHasItsSizeResolutionAndProvenance(dpi: Double) throws {
    let figure = Figure([.histogram(Samples.cosines())])
    let scene = try figure.scene()
    let bytes = try scene.encoded(as: .png, dotsPerInch: dpi, provenance: Self.provenance)
    let image = try PNGImage(decoding: bytes)
    #expect(image.width == Int((scene.width * dpi / 72 - 1e-6).rounded(.up)))
    #expect(image.height == Int((scene.height * dpi / 72 - 1e-6).rounded(.up)))
    let chunks = try PNGChunk.all(in: bytes)
    let resolution = try #require(chunks.first { $0.kind == "pHYs" })
    let dots = bytes[resolution.content].prefix(4).reduce(0) { $0 << 8 | Int($1) }
    #expect(abs(Double(dots) * 0.0254 - dpi) < 0.0254)
    #expect(Array(bytes[resolution.content].prefix(8).suffix(4)) == Array(bytes[resolution.content].prefix(4)))
    #expect(bytes[resolution.content].last == 1)
    let texts = chunks.filter { ["tEXt", "iTXt"].contains($0.kind) }.map { Array(bytes[$0.content]) }
    #expect(texts.count == Self.provenance.entries.count)
    for (text, entry) in zip(texts, Self.provenance.entries) {
      #expect(text.starts(with: Array(entry.key.utf8) + [0]))
      #expect(text.suffix(entry.value.utf8.count).elementsEqual(entry.value.utf8))
    }
    #expect(image.pixels.contains { $0 != 255 })
  }

  @Test(arguments: [0, -1, .nan, .infinity, 0.5, 2401] as [Double])
  func impossibleResolutionsAreRefused(dpi: Double) {
    let error = #expect(throws: PlotError.self) { try Self.scene(width: 4, height: 2).image(dotsPerInch: dpi) }
    #expect(error?.description.hasPrefix("resolution \(dpi) dpi") == true)
    #expect(throws: PlotError.resolution(dotsPerInch: 2400)) {
      try Self.scene(width: 1000, height: 1000).image(dotsPerInch: 2400)
    }
  }

  @Test func provenanceThatPNGCannotHoldIsRefused() {
    for provenance in [["": "v"], ["Source": "a\u{0}b"], ["Größe": "1"]] as [Provenance] {
      #expect(throws: PlotError.self) {
        try Self.scene(width: 4, height: 2).encoded(as: .png, provenance: provenance)
      }
    }
  }

  // MARK: SVG and PDF

  /// Collects the names and the metadata of a document.
  final class Reader: NSObject, XMLParserDelegate {
    var elements: [String] = []
    var metadata = ""
    private var isInMetadata = false

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements.append(name)
      isInMetadata = name == "metadata"
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?)
    {
      if name == "metadata" { isInMetadata = false }
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) { if isInMetadata { metadata += text } }
  }

  @Test(arguments: Samples.ordinary.map { NamedFigure(name: $0.name, figure: $0.figure) })
  func svgIsWellFormed(sample: NamedFigure) throws {
    let bytes = try sample.figure.scene().encoded(as: .svg, provenance: Self.provenance)
    let parser = XMLParser(data: Data(bytes))
    let reader = Reader()
    parser.delegate = reader
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(reader.elements.first == "svg")
    #expect(reader.elements.contains("path"))
    for entry in Self.provenance.entries { #expect(reader.metadata.contains(entry.key + ": " + entry.value)) }
  }

  /// Every use of an element in an SVG document has its element, and no two elements share a name.
  @Test(arguments: ["pca-500", "pca-50000"])
  func svgUsesOnlyElementsThatItHolds(name: String) throws {
    let figure = try #require(Samples.ordinary.first { $0.name == name }).figure
    let text = String(decoding: try figure.scene().encoded(as: .svg), as: UTF8.self)
    let held = text.matches(of: #/ id="([^"]*)"/#).map { String($0.output.1) }
    let used = text.matches(of: #/(?:"|\()#([^")]*)/#).map { String($0.output.1) }
    #expect(held.count > 20 && used.count > 20)
    #expect(Set(held).count == held.count)
    #expect(Set(used).subtracting(held).isEmpty)
  }

  @Test func svgHoldsNoCharacterThatXMLForbids() throws {
    let bytes = try Self.scene(width: 4, height: 2).encoded(
      as: .svg, provenance: ["Source": "a\u{1}b\u{FFFF}c\u{1F}\td"])
    let parser = XMLParser(data: Data(bytes))
    let reader = Reader()
    parser.delegate = reader
    #expect(parser.parse())
    #expect(reader.metadata.contains("Source: abc\td"))
  }

  @Test(arguments: Samples.ordinary.map { NamedFigure(name: $0.name, figure: $0.figure) })
  func pdfBeginsAndEndsAsOne(sample: NamedFigure) throws {
    let bytes = try sample.figure.scene().encoded(as: .pdf, provenance: Self.provenance)
    #expect(bytes.starts(with: Array("%PDF-".utf8)))
    #expect(String(decoding: bytes.suffix(8), as: UTF8.self).contains("%%EOF"))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(!text.contains("/CreationDate"))
  }

  // MARK: All formats

  @Test(arguments: FigureFormat.allCases)
  func sameSceneGivesSameBytes(format: FigureFormat) throws {
    for chart in [Samples.scatter(40), Samples.scatter(40, drawing: .density(cells: 20))] {
      let scene = try Figure([.scatter(chart)]).scene()
      let bytes = try scene.encoded(as: format, provenance: Self.provenance)
      #expect(bytes.count > 500)
      #expect(try scene.encoded(as: format, provenance: Self.provenance) == bytes)
    }
  }

  @Test func formatsAreReadOffNames() throws {
    #expect(try FigureFormat(path: "a/b.png") == .png)
    #expect(try FigureFormat(path: "b.x.SVG") == .svg)
    #expect(try FigureFormat(path: ".pdf") == .pdf)
    for path in ["png", "a.jpg", "a.png.gz", "", "."] {
      #expect(throws: PlotError.format(path: path)) { try FigureFormat(path: path) }
    }
  }
}
