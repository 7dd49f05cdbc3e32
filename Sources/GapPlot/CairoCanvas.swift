import CCairo

/// Draws on one cairo surface: an image, or a growing SVG or PDF document.
///
/// This file makes every call to cairo. Faults are sticky in cairo, so that they are looked at once, when the
/// drawing is finished. The class owns the surface and the context, and no pointer leaves it.
@safe final class CairoCanvas {
  /// Names what is drawn on.
  enum Target {
    /// Pixels; `scale` is pixels a point.
    case image(width: Int, height: Int, scale: Double)

    /// A document, sized in points.
    case svg(width: Double, height: Double)
    case pdf(width: Double, height: Double)
  }

  /// Holds the bytes of a document; cairo hands them over piece by piece.
  private final class Sink {
    var bytes: [UInt8] = []
  }

  private let surface: OpaquePointer
  private let context: OpaquePointer
  private let sink = Sink()

  init(target: Target) throws(PlotError) {
    let closure = unsafe Unmanaged.passUnretained(sink).toOpaque()
    let append: cairo_write_func_t = { closure, bytes, count in
      guard let closure = unsafe closure, let bytes = unsafe bytes else { return CAIRO_STATUS_WRITE_ERROR }
      let sink = unsafe Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue()
      unsafe sink.bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
      return CAIRO_STATUS_SUCCESS
    }
    let made: OpaquePointer? =
      switch target {
      case .image(let width, let height, _):
        unsafe cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(clamping: width), Int32(clamping: height))
      case .svg(let width, let height):
        unsafe cairo_svg_surface_create_for_stream(append, closure, width, height)
      case .pdf(let width, let height):
        unsafe cairo_pdf_surface_create_for_stream(append, closure, width, height)
      }
    guard let surface = unsafe made, let context = unsafe cairo_create(surface) else {
      throw Self.error(CAIRO_STATUS_NO_MEMORY, "drawing")
    }
    unsafe self.surface = unsafe surface
    unsafe self.context = unsafe context
    try check("opening a drawing")
    if case .image(_, _, let scale) = target { unsafe cairo_scale(context, scale, scale) }
    useExactType()
  }

  deinit {
    unsafe cairo_destroy(context)
    unsafe cairo_surface_destroy(surface)
  }

  /// Turns hinting off, which would move letters to whole pixels and make measures depend on the resolution.
  private func useExactType() {
    let options = unsafe cairo_font_options_create()
    unsafe cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    unsafe cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    unsafe cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    unsafe cairo_set_font_options(context, options)
    unsafe cairo_font_options_destroy(options)
  }

  // MARK: Faults

  private static func error(_ status: cairo_status_t, _ operation: String) -> PlotError {
    let reason = unsafe String(cString: cairo_status_to_string(status))
    return .drawing(operation: operation, code: Int(status.rawValue), reason: reason)
  }

  private func check(_ operation: String) throws(PlotError) {
    for status in unsafe [cairo_surface_status(surface), cairo_status(context)]
    where status != CAIRO_STATUS_SUCCESS {
      throw Self.error(status, operation)
    }
  }

  // MARK: Results

  /// Ends a document and returns its bytes.
  func document() throws(PlotError) -> [UInt8] {
    unsafe cairo_show_page(context)
    try check("drawing")
    unsafe cairo_surface_finish(surface)
    try check("finishing the document")
    return sink.bytes
  }

  /// Ends an image and returns its pixels without alpha, [height, width, 3]; the ground must have been painted.
  func pixels() throws(PlotError) -> [UInt8] {
    unsafe cairo_surface_flush(surface)
    try check("drawing")
    let width = unsafe Int(cairo_image_surface_get_width(surface))
    let height = unsafe Int(cairo_image_surface_get_height(surface))
    let stride = unsafe Int(cairo_image_surface_get_stride(surface))
    guard let data = unsafe cairo_image_surface_get_data(surface) else {
      throw Self.error(CAIRO_STATUS_SURFACE_TYPE_MISMATCH, "reading pixels")
    }
    var pixels = [UInt8]()
    pixels.reserveCapacity(width * height * 3)
    for row in 0..<height {
      let line = unsafe UnsafeRawBufferPointer(start: data + row * stride, count: width * 4)
      for column in 0..<width {
        let value = unsafe line.loadUnaligned(fromByteOffset: column * 4, as: UInt32.self)
        pixels.append(UInt8(truncatingIfNeeded: value >> 16))
        pixels.append(UInt8(truncatingIfNeeded: value >> 8))
        pixels.append(UInt8(truncatingIfNeeded: value))
      }
    }
    return pixels
  }

  /// Sets one field of a PDF document's information.
  func setMetadata(_ field: cairo_pdf_metadata_t, _ value: String) {
    unsafe cairo_pdf_surface_set_metadata(surface, field, value)
  }

  // MARK: Shapes

  func clip(to rect: PlotRect, _ body: () -> Void) {
    unsafe cairo_save(context)
    unsafe cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    unsafe cairo_clip(context)
    body()
    unsafe cairo_restore(context)
  }

  /// Covers the whole ground, also the part of a pixel at its edges.
  func paint(_ color: PlotColor) {
    use(color)
    unsafe cairo_paint(context)
  }

  func fill(_ rect: PlotRect, _ color: PlotColor) {
    use(color)
    unsafe cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height)
    unsafe cairo_fill(context)
  }

  func fill(_ corners: [PlotPoint], _ color: PlotColor) {
    use(color)
    trace(corners)
    unsafe cairo_close_path(context)
    unsafe cairo_fill(context)
  }

  func line(_ points: [PlotPoint], _ stroke: Stroke) {
    use(stroke)
    trace(points)
    unsafe cairo_stroke(context)
  }

  /// Strokes each segment for itself, so that translucent lines add up where they cross.
  func lines(_ segments: [Segment], _ stroke: Stroke) {
    use(stroke)
    for segment in segments {
      unsafe cairo_move_to(context, segment.from.x, segment.from.y)
      unsafe cairo_line_to(context, segment.to.x, segment.to.y)
      unsafe cairo_stroke(context)
    }
  }

  func symbols(_ batch: SymbolBatch) {
    let outline = batch.symbol.outline
    for center in batch.centers {
      symbolPath(outline, center: center, radius: batch.radius)
      if let stroke = batch.outline {
        use(stroke)
        unsafe cairo_stroke_preserve(context)
      }
      use(batch.fill)
      unsafe cairo_fill(context)
    }
  }

  private func symbolPath(_ outline: [PlotPoint], center: PlotPoint, radius: Double) {
    unsafe cairo_new_path(context)
    if outline.isEmpty {
      unsafe cairo_arc(context, center.x, center.y, radius, 0, 2 * .pi)
    } else {
      trace(outline.map { PlotPoint(x: center.x + radius * $0.x, y: center.y + radius * $0.y) })
    }
    unsafe cairo_close_path(context)
  }

  /// Draws a grid of cells with sharp edges; cairo copies nothing, so the cells live until it has drawn them.
  func raster(_ raster: Raster) {
    let image = unsafe cairo_image_surface_create(
      CAIRO_FORMAT_ARGB32, Int32(clamping: raster.columns), Int32(clamping: raster.rows))
    defer { unsafe cairo_surface_destroy(image) }
    unsafe cairo_surface_flush(image)
    guard let data = unsafe cairo_image_surface_get_data(image) else { return }
    let stride = unsafe Int(cairo_image_surface_get_stride(image))
    for row in 0..<raster.rows {
      let line = unsafe UnsafeMutableRawBufferPointer(start: data + row * stride, count: raster.columns * 4)
      for column in 0..<raster.columns {
        let cell = Self.premultiplied(raster.color, raster.opacity[row * raster.columns + column])
        unsafe line.storeBytes(of: cell, toByteOffset: column * 4, as: UInt32.self)
      }
    }
    unsafe cairo_surface_mark_dirty(image)
    unsafe cairo_save(context)
    unsafe cairo_translate(context, raster.frame.x, raster.frame.y)
    unsafe cairo_scale(
      context, raster.frame.width / Double(raster.columns), raster.frame.height / Double(raster.rows))
    unsafe cairo_set_source_surface(context, image, 0, 0)
    unsafe cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
    unsafe cairo_paint(context)
    unsafe cairo_restore(context)
  }

  private static func premultiplied(_ color: PlotColor, _ opacity: UInt8) -> UInt32 {
    let alpha = color.alpha * Double(opacity) / 255
    func part(_ value: Double) -> UInt32 { UInt32((min(1, max(0, value)) * 255).rounded()) }
    return part(alpha) << 24 | part(color.red * alpha) << 16 | part(color.green * alpha) << 8
      | part(color.blue * alpha)
  }

  // MARK: Type

  /// Measures a line: how far it advances, and the font's ascent and descent.
  func typeExtent(
    of string: String, size: Double, isBold: Bool
  ) throws(PlotError) -> (advance: Double, ascent: Double, descent: Double) {
    use(size: size, isBold: isBold)
    var text = cairo_text_extents_t()
    var font = cairo_font_extents_t()
    unsafe cairo_text_extents(context, string, &text)
    unsafe cairo_font_extents(context, &font)
    try check("measuring \"\(string)\"")
    return (text.x_advance, font.ascent, font.descent)
  }

  func text(_ mark: TextMark) throws(PlotError) {
    let extent = try typeExtent(of: mark.string, size: mark.size, isBold: mark.isBold)
    let before =
      switch mark.anchor {
      case .start: 0.0
      case .middle: extent.advance / 2
      case .end: extent.advance
      }
    unsafe cairo_save(context)
    use(mark.color)
    unsafe cairo_translate(context, mark.position.x, mark.position.y)
    if mark.isVertical { unsafe cairo_rotate(context, -.pi / 2) }
    unsafe cairo_move_to(context, -before, (extent.ascent - extent.descent) / 2)
    unsafe cairo_show_text(context, mark.string)
    unsafe cairo_restore(context)
    unsafe cairo_new_path(context)
  }

  // MARK: State

  private func use(_ color: PlotColor) {
    unsafe cairo_set_source_rgba(context, color.red, color.green, color.blue, color.alpha)
  }

  private func use(_ stroke: Stroke) {
    use(stroke.color)
    unsafe cairo_set_line_width(context, stroke.width)
    unsafe cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    unsafe cairo_set_dash(context, stroke.dash, Int32(clamping: stroke.dash.count), 0)
  }

  private func use(size: Double, isBold: Bool) {
    unsafe cairo_select_font_face(
      context, TextMeasure.fontFamily, CAIRO_FONT_SLANT_NORMAL,
      isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    unsafe cairo_set_font_size(context, size)
  }

  private func trace(_ points: [PlotPoint]) {
    guard let first = points.first else { return }
    unsafe cairo_move_to(context, first.x, first.y)
    for point in points.dropFirst() { unsafe cairo_line_to(context, point.x, point.y) }
  }
}
