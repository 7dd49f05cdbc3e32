extension LineChart {
  func content() throws(PlotError) -> PanelContent {
    try validate()
    let xs = series.flatMap(\.x) + xReferences.map(\.value)
    let ys = series.flatMap { $0.y + ($0.lower ?? []) + ($0.upper ?? []) } + yReferences.map(\.value)
    var content = PanelContent(
      title: title, annotations: annotations, x: Self.axis(x, values: xs, margin: 0.02),
      y: Self.axis(y, values: ys, margin: 0.05)
    ) { frame, _ in
      bands(frame) + lines(frame)
    }
    content.legend = legend
    content.topLabels = xReferences.map { .init(value: $0.value, text: $0.label, color: $0.color) }
    content.rightLabels = yReferences.map { .init(value: $0.value, text: $0.label, color: $0.color) }
    return content
  }

  private func style(_ index: Int) -> SeriesStyle { series[index].style ?? SeriesStyle(index: index) }

  private static func axis(_ axis: PlotAxis, values: [Double], margin: Double) -> PanelContent.Axis {
    if let range = axis.range {
      let span = ValueSpan(lower: range.lowerBound, upper: range.upperBound)
      return .init(label: axis.label, kind: axis.kind, span: span, fixed: range)
    }
    let span = ValueSpan(of: values).opened(axis.kind).padded(axis.kind, lower: margin, upper: margin)
    return .init(label: axis.label, kind: axis.kind, span: span)
  }

  // MARK: Checks

  private func validate() throws(PlotError) {
    guard !series.isEmpty else { throw .nothingToDraw(what: "line series") }
    try x.validated("horizontal")
    try y.validated("vertical")
    try Checked.references(xReferences, kind: x.kind)
    try Checked.references(yReferences, kind: y.kind)
    for series in series {
      try Checked.values(series.x, series: series.label, kind: x.kind)
      try Checked.values(series.y, series: series.label, kind: y.kind)
      try Checked.count(series.y.count, is: series.x.count, series: series.label, quantity: "y")
      try validateBand(of: series)
    }
  }

  private func validateBand(of series: Series) throws(PlotError) {
    guard series.lower != nil || series.upper != nil else { return }
    let (lower, upper) = (series.lower ?? [], series.upper ?? [])
    try Checked.count(lower.count, is: series.x.count, series: series.label, quantity: "lower band")
    try Checked.count(upper.count, is: series.x.count, series: series.label, quantity: "upper band")
    try Checked.values(lower, series: series.label, kind: y.kind)
    try Checked.values(upper, series: series.label, kind: y.kind)
    try Checked.intervals(lower: lower, upper: upper, series: series.label)
  }

  // MARK: Marks

  private var legend: [LegendEntry] {
    series.enumerated().compactMap { index, series in
      guard !series.label.isEmpty else { return nil }
      let style = style(index)
      let stroke = Stroke(color: style.color, width: Theme.lineWidth, dash: style.dash)
      return LegendEntry(label: series.label, key: .line(stroke, series.hasMarkers ? style.symbol : nil))
    }
  }

  private func bands(_ frame: PanelFrame) -> [Mark] {
    series.enumerated().compactMap { index, series in
      guard let lower = series.lower, let upper = series.upper else { return nil }
      let top = zip(series.x, upper).map { frame.position($0, $1) }
      let bottom = zip(series.x, lower).map { frame.position($0, $1) }
      let color = style(index).color.opacity(0.18)
      return Mark(.band, .area(top + bottom.reversed(), color), series: series.label, clip: frame.plot)
    }
  }

  private func lines(_ frame: PanelFrame) -> [Mark] {
    var marks: [Mark] = []
    // Half a line lies outside the plot where a curve runs along its edge.
    let clip = frame.plot.grown(by: Theme.lineWidth)
    for (index, series) in series.enumerated() {
      let style = style(index)
      let points = zip(series.x, series.y).map { frame.position($0, $1) }
      let stroke = Stroke(color: style.color, width: Theme.lineWidth, dash: style.dash)
      marks.append(Mark(.line, .polyline(points, stroke), series: series.label, clip: clip))
      guard series.hasMarkers else { continue }
      let batch = SymbolBatch(centers: points, symbol: style.symbol, radius: 1.9, fill: style.color)
      marks.append(Mark(.point, .symbols(batch), series: series.label, clip: frame.plot.grown(by: 3)))
    }
    return marks
  }
}

extension LineChart.Series {
  /// Whether points are marked: by wish, or because a single point has no line.
  var hasMarkers: Bool { showsMarkers || x.count == 1 }
}
