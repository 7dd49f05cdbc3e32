import CCairo
public import GapImages

extension Scene {
  /// Draws the scene into the bytes of a file.
  ///
  /// The same scene and provenance give the same bytes: no time is written.
  ///
  /// - Parameters:
  ///   - format: PNG, SVG or PDF.
  ///   - dotsPerInch: the resolution of PNG; the others have none.
  ///   - provenance: where the figure comes from.
  /// - Returns: a complete file.
  /// - Throws: `PlotError.resolution`, `.drawing` or `.encoding`.
  /// - Complexity: O(marks + pixels).
  public func encoded(
    as format: FigureFormat, dotsPerInch: Double = 300, provenance: Provenance = [:]
  ) throws(PlotError) -> [UInt8] {
    switch format {
    case .png: try png(dotsPerInch: dotsPerInch, provenance: provenance)
    case .svg: try svg(provenance: provenance)
    case .pdf: try pdf(provenance: provenance)
    }
  }

  /// Draws the scene as pixels.
  ///
  /// - Parameter dotsPerInch: the resolution; a point is 1/72 inch.
  /// - Returns: the picture, rounded up to whole pixels, so that nothing is cut off; the ground covers them all.
  /// - Throws: `PlotError.resolution`, `.drawing` or `.encoding`.
  public func image(dotsPerInch: Double = 300) throws(PlotError) -> PNGImage {
    guard dotsPerInch >= 1, dotsPerInch <= 2400 else { throw .resolution(dotsPerInch: dotsPerInch) }
    let scale = dotsPerInch / 72
    let (columns, rows) = (Self.pixels(width * scale), Self.pixels(height * scale))
    guard columns * rows <= PNGImage.defaultMaximumPixels else { throw .resolution(dotsPerInch: dotsPerInch) }
    let canvas = try CairoCanvas(target: .image(width: columns, height: rows, scale: scale))
    try draw(on: canvas)
    let pixels = try canvas.pixels()
    do {
      return try PNGImage(width: columns, height: rows, channels: .rgb, pixels: pixels)
    } catch {
      throw .encoding(reason: error.description)
    }
  }

  /// The whole pixels that hold a length, forgiving its rounding error.
  private static func pixels(_ length: Double) -> Int { max(1, Int((length - 1e-6).rounded(.up))) }

  // MARK: Formats

  private func png(dotsPerInch: Double, provenance: Provenance) throws(PlotError) -> [UInt8] {
    let image = try image(dotsPerInch: dotsPerInch)
    do throws(ImageError) {
      var text: [PNGText] = []
      for entry in provenance.entries { text.append(try PNGText(keyword: entry.key, value: entry.value)) }
      return try image.encoded(dotsPerInch: dotsPerInch, text: text)
    } catch {
      throw .encoding(reason: error.description)
    }
  }

  private func pdf(provenance: Provenance) throws(PlotError) -> [UInt8] {
    let canvas = try CairoCanvas(target: .pdf(width: width, height: height))
    let fields: [String: cairo_pdf_metadata_t] = [
      "Title": CAIRO_PDF_METADATA_TITLE, "Author": CAIRO_PDF_METADATA_AUTHOR,
      "Description": CAIRO_PDF_METADATA_SUBJECT, "Software": CAIRO_PDF_METADATA_CREATOR,
    ]
    for entry in provenance.entries {
      if let field = fields[entry.key] { canvas.setMetadata(field, entry.value) }
    }
    if !provenance.entries.isEmpty {
      let keywords = provenance.entries.map { $0.key + ": " + $0.value }.joined(separator: "; ")
      canvas.setMetadata(CAIRO_PDF_METADATA_KEYWORDS, keywords)
    }
    // An empty date drops the field, which would otherwise hold the time of drawing.
    canvas.setMetadata(CAIRO_PDF_METADATA_CREATE_DATE, "")
    try draw(on: canvas)
    return try canvas.document()
  }

  private func svg(provenance: Provenance) throws(PlotError) -> [UInt8] {
    let canvas = try CairoCanvas(target: .svg(width: width, height: height))
    try draw(on: canvas)
    var document = SVGDocument(renumbering: try canvas.document())
    try document.insert(provenance)
    return document.bytes
  }

  // MARK: Drawing

  private func draw(on canvas: CairoCanvas) throws(PlotError) {
    canvas.paint(.white)
    for mark in marks {
      if case .text(let text) = mark.shape {
        try canvas.text(text)
      } else if let clip = mark.clip {
        canvas.clip(to: clip) { Self.draw(mark.shape, on: canvas) }
      } else {
        Self.draw(mark.shape, on: canvas)
      }
    }
  }

  private static func draw(_ shape: Mark.Shape, on canvas: CairoCanvas) {
    switch shape {
    case .symbols(let batch): canvas.symbols(batch)
    case .polyline(let points, let stroke): canvas.line(points, stroke)
    case .area(let corners, let color): canvas.fill(corners, color)
    case .rectangle(let rect, let color): canvas.fill(rect, color)
    case .segments(let segments, let stroke): canvas.lines(segments, stroke)
    case .raster(let raster): canvas.raster(raster)
    case .text: break
    }
  }
}
