/// Fits a panel's axes to a rectangle of the page: final ranges, and as many ticks as have room for their labels.
struct PanelFrame {
  let plot: PlotRect
  let x: PlotScale
  let y: PlotScale
  let xTicks: PlotTicks
  let yTicks: PlotTicks

  init(_ content: PanelContent, plot: PlotRect, measure: TextMeasure) throws(PlotError) {
    var spans = (
      x: try Self.span(content.x, plot, length: plot.width, measure: measure),
      y: try Self.span(content.y, plot, length: plot.height, measure: measure)
    )
    if content.hasEqualAspect { spans = Self.equalAspect(spans, plot: plot) }
    self.plot = plot
    x = PlotScale(
      kind: content.x.kind, lower: spans.x.lower, upper: spans.x.upper, start: plot.x, end: plot.maxX)
    y = PlotScale(
      kind: content.y.kind, lower: spans.y.lower, upper: spans.y.upper, start: plot.maxY, end: plot.y)
    xTicks = try Self.ticks(content.x, x, isVertical: false, measure: measure)
    yTicks = try Self.ticks(content.y, y, isVertical: true, measure: measure)
  }

  /// Returns the place of a data point on the page.
  func position(_ horizontal: Double, _ vertical: Double) -> PlotPoint {
    PlotPoint(x: x.position(of: horizontal), y: y.position(of: vertical))
  }

  /// The span with the room in points that labels need at its ends.
  private static func span(
    _ axis: PanelContent.Axis, _ plot: PlotRect, length: Double, measure: TextMeasure
  ) throws(PlotError) -> ValueSpan {
    guard let room = axis.room else { return axis.span }
    let wished = try room(plot, measure)
    let (before, after) = (min(wished.before, length * 0.4), min(wished.after, length * 0.4))
    let rest = length - before - after
    return axis.span.padded(axis.kind, lower: before / rest, upper: after / rest)
  }

  /// Widens the span that has more points a unit, so that both axes have the same.
  private static func equalAspect(
    _ spans: (x: ValueSpan, y: ValueSpan), plot: PlotRect
  ) -> (x: ValueSpan, y: ValueSpan) {
    let unit = max(
      (spans.x.upper - spans.x.lower) / plot.width, (spans.y.upper - spans.y.lower) / plot.height)
    return (spans.x.widened(to: unit * plot.width), spans.y.widened(to: unit * plot.height))
  }

  /// The most ticks whose labels keep their distance.
  private static func ticks(
    _ axis: PanelContent.Axis, _ scale: PlotScale, isVertical: Bool, measure: TextMeasure
  ) throws(PlotError) -> PlotTicks {
    guard axis.categories == nil else { return PlotTicks(values: [], labels: []) }
    let range = ticked(axis, scale)
    let length = abs(scale.end - scale.start)
    var count = max(2, isVertical ? min(7, Int(length / 15)) : min(9, Int(length / 20)))
    while count >= 1 {
      let ticks = PlotTicks(kind: axis.kind, lower: range.lower, upper: range.upper, maximumCount: count)
      if try keepDistance(ticks, scale, isVertical: isVertical, measure: measure) { return ticks }
      count -= 1
    }
    return PlotTicks(values: [], labels: [])
  }

  /// The part of the axis where ticks may stand.
  private static func ticked(_ axis: PanelContent.Axis, _ scale: PlotScale) -> ValueSpan {
    guard let fixed = axis.fixed else { return ValueSpan(lower: scale.lower, upper: scale.upper) }
    return ValueSpan(lower: max(scale.lower, fixed.lowerBound), upper: min(scale.upper, fixed.upperBound))
  }

  private static func keepDistance(
    _ ticks: PlotTicks, _ scale: PlotScale, isVertical: Bool, measure: TextMeasure
  ) throws(PlotError) -> Bool {
    var edge = -Double.infinity
    for (value, label) in zip(ticks.values, ticks.labels) {
      let extent = try measure.extent(of: label, size: Theme.tickSize)
      let half = (isVertical ? extent.height : extent.width) / 2
      let place = abs(scale.position(of: value) - scale.start)
      guard place - half >= edge else { return false }
      edge = place + half + (isVertical ? 2 : 6)
    }
    return true
  }
}
