extension BarChart {
  func content() throws(PlotError) -> PanelContent {
    try validate()
    let ends = series.flatMap { $0.values + ($0.lower ?? []) + ($0.upper ?? []) } + references.map(\.value)
    let range = yRange.map { [$0.lowerBound, $0.upperBound] } ?? []
    var span = ValueSpan(of: ends + range + [0])
    if span.upper - span.lower <= 1e-290 { span = ValueSpan(lower: 0, upper: 1) }
    var content = PanelContent(
      title: title, annotations: annotations,
      x: .init(
        label: "", span: ValueSpan(lower: 0, upper: Double(groups.count)), categories: groups, showsGrid: false),
      y: .init(label: yLabel, span: span, fixed: yRange.map { min(0, $0.lowerBound)...max(0, $0.upperBound) })
    ) { frame, measure throws(PlotError) in
      try marks(frame, measure)
    }
    content.y.room = { plot, measure throws(PlotError) in try room(plot, measure) }
    content.legend = series.enumerated().filter { !$0.element.label.isEmpty }.map { index, series in
      LegendEntry(label: series.label, key: .box(fill: color(index), outline: nil, isHatched: index % 2 == 1))
    }
    content.rightLabels = references.map { .init(value: $0.value, text: $0.label, color: $0.color) }
    return content
  }

  private func color(_ index: Int) -> PlotColor { series[index].color ?? SeriesStyle(index: index).color }

  // MARK: Checks

  private func validate() throws(PlotError) {
    guard !groups.isEmpty else { throw .nothingToDraw(what: "bar groups") }
    guard !series.isEmpty else { throw .nothingToDraw(what: "bar series") }
    try PlotAxis(yLabel, range: yRange).validated("vertical")
    try Checked.references(references)
    for series in series {
      try Checked.values(series.values, series: series.label)
      try Checked.count(series.values.count, is: groups.count, series: series.label, quantity: "bars")
      guard series.lower != nil || series.upper != nil else { continue }
      let (lower, upper) = (series.lower ?? [], series.upper ?? [])
      try Checked.count(lower.count, is: groups.count, series: series.label, quantity: "lower ends")
      try Checked.count(upper.count, is: groups.count, series: series.label, quantity: "upper ends")
      try Checked.values(lower, series: series.label)
      try Checked.values(upper, series: series.label)
      try Checked.intervals(lower: lower, upper: upper, series: series.label)
    }
  }

  // MARK: Numbers at bars

  /// Holds how the numbers are set: as they read in a bar's width, else upward, else not at all.
  private struct ValueType {
    var size: Double
    var isVertical: Bool

    /// The length of the longest number across the bars' ends.
    var extent: Double
  }

  private static let groupShare = 0.8

  private func barWidth(_ plot: PlotRect) -> Double {
    plot.width / Double(groups.count) * Self.groupShare / Double(series.count)
  }

  private func text(_ value: Double) -> String {
    guard let valueDecimals else { return "" }
    let plain = abs(value) < 1e7
    return plain
      ? NumberText.fixed(value, decimals: min(15, max(0, valueDecimals)))
      : NumberText.significant(value, digits: 3)
  }

  private func valueType(_ plot: PlotRect, _ measure: TextMeasure) throws(PlotError) -> ValueType? {
    guard valueDecimals != nil else { return nil }
    let room = barWidth(plot)
    for size in [Theme.valueSize, (Theme.valueSize + Theme.smallestSize) / 2] {
      let (widest, height) = try widestValue(size: size, measure)
      if widest + 1 <= room { return ValueType(size: size, isVertical: false, extent: height) }
    }
    for size in [Theme.valueSize, Theme.smallestSize] {
      let (widest, height) = try widestValue(size: size, measure)
      if height <= room { return ValueType(size: size, isVertical: true, extent: widest) }
    }
    return nil
  }

  private func widestValue(
    size: Double, _ measure: TextMeasure
  ) throws(PlotError) -> (width: Double, height: Double) {
    var widest = 0.0
    for value in series.flatMap(\.values) {
      widest = max(widest, try measure.extent(of: text(value), size: size).width)
    }
    return (widest, try measure.extent(of: "", size: size).height)
  }

  private func room(_ plot: PlotRect, _ measure: TextMeasure) throws(PlotError) -> (
    before: Double, after: Double
  ) {
    let isNegative = series.contains { $0.values.contains { $0 < 0 } }
    guard let type = try valueType(plot, measure) else { return (isNegative ? 2 : 0, 2) }
    return (isNegative ? type.extent + 3 : 0, type.extent + 3)
  }

  // MARK: Marks

  private func marks(_ frame: PanelFrame, _ measure: TextMeasure) throws(PlotError) -> [Mark] {
    let type = try valueType(frame.plot, measure)
    var (bars, intervals, labels): ([Mark], [Mark], [Mark]) = ([], [], [])
    for (index, series) in series.enumerated() {
      for group in groups.indices {
        let box = bar(index, group, frame)
        bars.append(Mark(.bar, .rectangle(box, color(index)), series: series.label))
        if index % 2 == 1 {
          bars.append(Mark(.bar, .segments(Hatch.lines(in: box), Hatch.stroke), series: series.label))
        }
        if let interval = interval(series, group, box, frame) { intervals.append(interval) }
        if let type { labels += try label(series, group, box, type, frame, measure) }
      }
    }
    let zero = frame.y.position(of: 0)
    let ends = [PlotPoint(x: frame.plot.x, y: zero), PlotPoint(x: frame.plot.maxX, y: zero)]
    return bars + [Mark(.axis, .polyline(ends, Theme.axis))] + intervals + labels
  }

  private func bar(_ index: Int, _ group: Int, _ frame: PanelFrame) -> PlotRect {
    let width = barWidth(frame.plot)
    let start = frame.x.position(of: Double(group) + (1 - Self.groupShare) / 2)
    let (zero, end) = (frame.y.position(of: 0), frame.y.position(of: series[index].values[group]))
    return PlotRect(
      x: start + width * (Double(index) + 0.04), y: min(zero, end), width: width * 0.92, height: abs(end - zero)
    )
  }

  private func interval(_ series: Series, _ group: Int, _ box: PlotRect, _ frame: PanelFrame) -> Mark? {
    guard let lower = series.lower, let upper = series.upper else { return nil }
    let (low, high) = (frame.y.position(of: lower[group]), frame.y.position(of: upper[group]))
    let half = min(2.2, box.width * 0.25)
    func across(_ y: Double) -> Segment {
      Segment(from: PlotPoint(x: box.midX - half, y: y), to: PlotPoint(x: box.midX + half, y: y))
    }
    let stem = Segment(from: PlotPoint(x: box.midX, y: low), to: PlotPoint(x: box.midX, y: high))
    return Mark(
      .interval, .segments([stem, across(low), across(high)], Stroke(color: .ink, width: 0.7)),
      series: series.label)
  }

  /// The number beyond the end of bar and interval, on a white ground that interrupts reference lines.
  private func label(
    _ series: Series, _ group: Int, _ box: PlotRect, _ type: ValueType, _ frame: PanelFrame,
    _ measure: TextMeasure
  ) throws(PlotError) -> [Mark] {
    let value = series.values[group]
    let string = text(value)
    let extent = try measure.extent(of: string, size: type.size)
    let half = (type.isVertical ? extent.width : extent.height) / 2
    let ends = [value, value < 0 ? series.lower?[group] : series.upper?[group], 0].compactMap(\.self)
    let places = ends.map { frame.y.position(of: $0) }
    let y = value < 0 ? places.reduce(-.infinity, max) + half + 1.2 : places.reduce(.infinity, min) - half - 1.2
    let mark = TextMark(
      string, at: PlotPoint(x: box.midX, y: y), anchor: .middle, size: type.size, isVertical: type.isVertical)
    return [
      Mark(
        .valueLabel, .rectangle(try mark.bounds(measure), PlotColor.white.opacity(0.85)), series: series.label),
      Mark(.valueLabel, .text(mark), series: series.label),
    ]
  }
}
