extension HistogramChart {
  func content() throws(PlotError) -> PanelContent {
    try validate()
    let histograms = histograms()
    let x = ValueSpan(
      of: histograms.flatMap { [$0.edges[0], $0.edges[$0.edges.count - 1]] } + means.compactMap(\.self)
    )
    .opened(.linear)
    let tallest = histograms.flatMap(\.density).reduce(0, max)
    var content = PanelContent(
      title: title, annotations: annotations,
      x: .init(label: xLabel, span: x.padded(.linear, lower: 0.02, upper: 0.02)),
      y: .init(label: yLabel, span: ValueSpan(lower: 0, upper: tallest * 1.05))
    ) { frame, _ in
      areas(histograms, frame)
    }
    content.x.showsGrid = false
    for (index, series) in series.enumerated() {
      let style = style(index)
      let fill = style.color.opacity(Self.fillOpacity)
      let outline = Stroke(color: style.color, width: 1, dash: style.dash)
      content.legend.append(
        LegendEntry(label: series.label, key: .box(fill: fill, outline: outline, isHatched: false)))
      guard let mean = means[index] else { continue }
      let text = "\(series.label): mean \(NumberText.significant(mean, digits: 3))"
      content.topLabels.append(.init(value: mean, text: text, color: style.color))
    }
    return content
  }

  private static let fillOpacity = 0.28

  private func style(_ index: Int) -> SeriesStyle { series[index].style ?? SeriesStyle(index: index) }

  private var means: [Double?] {
    series.map { series in
      guard showsMeans else { return nil }
      if case .values(let values) = series.content, series.mean == nil {
        return values.reduce(0) { $0 + $1 / Double(values.count) }
      }
      return series.mean
    }
  }

  private func validate() throws(PlotError) {
    guard !series.isEmpty else { throw .nothingToDraw(what: "histogram series") }
    for series in series {
      if let mean = series.mean { try Checked.values([mean], series: series.label) }
      switch series.content {
      case .values(let values): try Checked.values(values, series: series.label)
      case .binned(let edges, let counts): try Self.validate(edges, counts, series: series.label)
      }
    }
  }

  private static func validate(_ edges: [Double], _ counts: [Int], series: String) throws(PlotError) {
    try Checked.values(edges, series: series)
    try Checked.count(edges.count, is: counts.count + 1, series: series, quantity: "bin edges")
    for (index, (lower, upper)) in zip(edges, edges.dropFirst()).enumerated() where lower >= upper {
      throw .invertedInterval(series: series, index: index, lower: lower, upper: upper)
    }
    for (index, count) in counts.enumerated() where count < 0 {
      throw .notPositive(series: series, index: index, value: Double(count))
    }
    guard counts.contains(where: { $0 > 0 }) else { throw .emptySeries(series: series) }
  }

  private func histograms() -> [Histogram] {
    series.map { series in
      switch series.content {
      case .binned(let edges, let counts): return Histogram(edges: edges, counts: counts)
      case .values(let values):
        let span = ValueSpan(of: values).opened(.linear)
        let count = bins.map { min(4096, max(1, $0)) } ?? Histogram.binCount(for: values, span: span)
        return Histogram(of: values, span: span, bins: count)
      }
    }
  }

  private func areas(_ histograms: [Histogram], _ frame: PanelFrame) -> [Mark] {
    let outlines = histograms.map { $0.outline.map { frame.position($0.x, $0.y) } }
    let fills = outlines.enumerated().map { index, outline in
      let color = style(index).color.opacity(Self.fillOpacity)
      return Mark(.distribution, .area(outline, color), series: series[index].label, clip: frame.plot)
    }
    let lines = outlines.enumerated().map { index, outline in
      let stroke = Stroke(color: style(index).color, width: 1, dash: style(index).dash)
      return Mark(.line, .polyline(outline, stroke), series: series[index].label, clip: frame.plot)
    }
    return fills + lines
  }
}
