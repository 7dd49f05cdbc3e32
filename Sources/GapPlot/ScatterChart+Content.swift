extension ScatterChart {
  func content() throws(PlotError) -> PanelContent {
    try validate()
    let centroids = series.map { centroid(of: $0) }
    let (x, y) = spans(centroids: centroids)
    let clouds = try clouds(x: x, y: y)
    let legend = series.enumerated().map { index, series in
      let style = series.style ?? SeriesStyle(index: index)
      return LegendEntry(label: series.label, key: .symbol(style.symbol, style.color))
    }
    return PanelContent(
      title: title, annotations: annotations + notes(),
      x: .init(label: xLabel, span: x), y: .init(label: yLabel, span: y), hasEqualAspect: true,
      aspect: Self.aspect(x, y), legend: legend
    ) { frame, _ in
      joins(clouds, frame) + marks(clouds, frame) + marks(of: centroids, frame)
    }
  }

  // MARK: Checks

  private func validate() throws(PlotError) {
    guard !series.isEmpty else { throw .nothingToDraw(what: "scatter series") }
    for series in series {
      switch series.content {
      case .points(let points):
        try Checked.values(points.map(\.x), series: series.label)
        try Checked.values(points.map(\.y), series: series.label)
      case .density(let grid):
        guard grid.counts.contains(where: { $0 > 0 }) else { throw .emptySeries(series: series.label) }
        try Checked.values(
          [grid.x.lowerBound, grid.x.upperBound, grid.y.lowerBound, grid.y.upperBound], series: series.label)
      }
      if let centroid = series.centroid { try Checked.values([centroid.x, centroid.y], series: series.label) }
    }
    guard joinsPairs else { return }
    guard series.count >= 2 else { throw .nothingToDraw(what: "second scatter series to join") }
    try Checked.count(
      series[1].count, is: series[0].count, series: series[1].label, quantity: "points to join")
  }

  // MARK: Ranges and notes

  /// Height over width of a plot that suits two ranges, within what suits a page.
  static func aspect(_ x: ValueSpan, _ y: ValueSpan) -> Double {
    min(1, max(0.66, (y.upper - y.lower) / (x.upper - x.lower)))
  }

  /// The ranges around all points, with a margin.
  private func spans(centroids: [PlotPoint?]) -> (x: ValueSpan, y: ValueSpan) {
    var xs: [Double] = centroids.compactMap { $0?.x }
    var ys: [Double] = centroids.compactMap { $0?.y }
    for series in series {
      switch series.content {
      case .points(let points):
        let (x, y) = (ValueSpan(of: points.lazy.map(\.x)), ValueSpan(of: points.lazy.map(\.y)))
        xs += [x.lower, x.upper]
        ys += [y.lower, y.upper]
      case .density(let grid):
        xs += [grid.x.lowerBound, grid.x.upperBound]
        ys += [grid.y.lowerBound, grid.y.upperBound]
      }
    }
    func span(_ values: [Double]) -> ValueSpan {
      ValueSpan(of: values).opened(.linear).padded(.linear, lower: 0.06, upper: 0.06)
    }
    return (span(xs), span(ys))
  }

  private func notes() -> [String] {
    let counts = Set(series.map(\.count))
    let noun = joinsPairs ? "pairs" : "points"
    let count = counts.count == 1 ? series[0].count : series.reduce(0) { $0 + $1.count }
    let total = NumberText.count(count)
    if cells != nil || series.contains(where: { $0.points == nil }) {
      return ["density of \(total) \(noun)"]
    }
    if case .sample(let wished) = drawing, let largest = counts.max(), largest > max(1, wished) {
      let limit = max(1, wished)
      let drawn = series.reduce(0) { $0 + min($1.count, limit) }
      return ["\(NumberText.count(counts.count == 1 ? min(limit, count) : drawn)) of \(total) \(noun) drawn"]
    }
    return []
  }

  /// Cells along the longer side when points are drawn as densities.
  private var cells: Int? {
    switch drawing {
    case .density(let cells): min(4096, max(1, cells))
    case .automatic where series.contains(where: { $0.count > Self.automaticLimit }): 110
    default: nil
    }
  }

  private func centroid(of series: Series) -> PlotPoint? {
    if !showsCentroids || series.centroid != nil { return showsCentroids ? series.centroid : nil }
    guard let points = series.points else { return nil }
    let share = 1 / Double(points.count)
    return points.reduce(into: PlotPoint(x: 0, y: 0)) { mean, point in
      mean.x += point.x * share
      mean.y += point.y * share
    }
  }

  // MARK: Clouds

  /// What is drawn of each series.
  private func clouds(x: ValueSpan, y: ValueSpan) throws(PlotError) -> [Series.Content] {
    var clouds: [Series.Content] = []
    for series in series {
      guard let points = series.points else {
        clouds.append(series.content)
        continue
      }
      if let cells {
        clouds.append(.density(try Self.grid(points, cells: cells, x: x, y: y)))
      } else {
        clouds.append(.points(sampled(points)))
      }
    }
    return clouds
  }

  private func sampled(_ points: [PlotPoint]) -> [PlotPoint] {
    guard case .sample(let wished) = drawing, points.count > max(1, wished) else { return points }
    let limit = max(1, wished)
    return (0..<limit).map { points[$0 * points.count / limit] }
  }

  private static func grid(
    _ points: [PlotPoint], cells: Int, x: ValueSpan, y: ValueSpan
  ) throws(PlotError) -> DensityGrid {
    let (width, height) = (x.upper - x.lower, y.upper - y.lower)
    func count(_ extent: Double) -> Int {
      max(1, Int((Double(cells) * extent / max(width, height)).rounded(.up)))
    }
    var grid = try DensityGrid(
      columns: count(width), rows: count(height), x: x.lower...x.upper, y: y.lower...y.upper)
    for point in points { grid.add(point) }
    return grid
  }

  // MARK: Marks

  private func joins(_ clouds: [Series.Content], _ frame: PanelFrame) -> [Mark] {
    guard joinsPairs, case .points(let first) = clouds[0], case .points(let second) = clouds[1] else {
      return []
    }
    let segments = zip(first, second).map {
      Segment(from: frame.position($0.x, $0.y), to: frame.position($1.x, $1.y))
    }
    let opacity = min(0.6, max(0.02, 60 / Double(segments.count)))
    let stroke = Stroke(color: PlotColor.grey.opacity(opacity), width: 0.35)
    return [Mark(.pairLine, .segments(segments, stroke), clip: frame.plot)]
  }

  private func marks(_ clouds: [Series.Content], _ frame: PanelFrame) -> [Mark] {
    clouds.enumerated().map { index, cloud in
      let style = series[index].style ?? SeriesStyle(index: index)
      switch cloud {
      case .points(let points):
        return Mark(
          .point, .symbols(Self.batch(points, style, frame)), series: series[index].label, clip: frame.plot)
      case .density(let grid):
        return Mark(
          .density, .raster(Self.raster(grid, style, frame)), series: series[index].label, clip: frame.plot)
      }
    }
  }

  /// Makes symbols smaller in small plots; 1 for a plot of one column.
  private static func magnification(_ frame: PanelFrame) -> Double {
    let area = frame.plot.width * frame.plot.height
    return min(1.2, max(0.6, (area / 26_000).squareRoot()))
  }

  /// Symbols that get smaller and clearer as they get more.
  private static func batch(_ points: [PlotPoint], _ style: SeriesStyle, _ frame: PanelFrame) -> SymbolBatch {
    let (radius, opacity) =
      switch points.count {
      case ...60: (2.0, 0.85)
      case ...300: (1.5, 0.75)
      case ...1500: (1.15, 0.65)
      default: (0.8, 0.5)
      }
    let centers = points.map { frame.position($0.x, $0.y) }
    return SymbolBatch(
      centers: centers, symbol: style.symbol, radius: radius * magnification(frame),
      fill: style.color.opacity(opacity))
  }

  private static func raster(_ grid: DensityGrid, _ style: SeriesStyle, _ frame: PanelFrame) -> Raster {
    let lower = frame.position(grid.x.lowerBound, grid.y.lowerBound)
    let upper = frame.position(grid.x.upperBound, grid.y.upperBound)
    let place = PlotRect(x: lower.x, y: upper.y, width: upper.x - lower.x, height: lower.y - upper.y)
    return Raster(
      columns: grid.columns, rows: grid.rows, opacity: grid.opacity(), color: style.color, frame: place)
  }

  private func marks(of centroids: [PlotPoint?], _ frame: PanelFrame) -> [Mark] {
    var marks: [Mark] = []
    let places = centroids.map { centroid in centroid.map { frame.position($0.x, $0.y) } }
    if joinsPairs, let first = places[0], let second = places[1] {
      marks.append(
        Mark(.centroidLine, .polyline([first, second], Stroke(color: .white, width: 2.4)), clip: frame.plot))
      marks.append(
        Mark(.centroidLine, .polyline([first, second], Stroke(color: .ink, width: 1)), clip: frame.plot))
    }
    for (index, place) in places.enumerated() {
      guard let place else { continue }
      let style = series[index].style ?? SeriesStyle(index: index)
      let radius = 3.8 * Self.magnification(frame)
      for outline in [Stroke(color: .white, width: 2.2), Stroke(color: .ink, width: 1)] {
        let batch = SymbolBatch(
          centers: [place], symbol: style.symbol, radius: radius, fill: style.color, outline: outline)
        marks.append(Mark(.centroid, .symbols(batch), series: series[index].label, clip: frame.plot))
      }
    }
    return marks
  }
}

extension ScatterChart.Series {
  /// The points, where they are given.
  var points: [PlotPoint]? {
    if case .points(let points) = content { return points }
    return nil
  }

  /// How many points the cloud has.
  var count: Int {
    switch content {
    case .points(let points): points.count
    case .density(let grid): grid.total
    }
  }
}
