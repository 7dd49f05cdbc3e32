extension Mark {
  /// Returns the mark at another place of the page; its clip moves along.
  func moved(x dx: Double, y dy: Double) -> Mark {
    func moved(_ point: PlotPoint) -> PlotPoint { PlotPoint(x: point.x + dx, y: point.y + dy) }
    var mark = self
    mark.clip = clip?.offset(x: dx, y: dy)
    switch shape {
    case .symbols(var batch):
      batch.centers = batch.centers.map(moved)
      mark.shape = .symbols(batch)
    case .polyline(let points, let stroke): mark.shape = .polyline(points.map(moved), stroke)
    case .area(let corners, let color): mark.shape = .area(corners.map(moved), color)
    case .rectangle(let rect, let color): mark.shape = .rectangle(rect.offset(x: dx, y: dy), color)
    case .segments(let segments, let stroke):
      mark.shape = .segments(segments.map { Segment(from: moved($0.from), to: moved($0.to)) }, stroke)
    case .text(var text):
      text.position = moved(text.position)
      mark.shape = .text(text)
    case .raster(var raster):
      raster.frame = raster.frame.offset(x: dx, y: dy)
      mark.shape = .raster(raster)
    }
    return mark
  }
}
