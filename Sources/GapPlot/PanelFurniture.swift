/// Draws what stands around the data of one panel: grid, axes, ticks, labels, title, notes, legend, references.
///
/// The room that a panel needs is read off the boxes of the very marks that are drawn, so that nothing is clipped
/// and nothing is measured twice in two ways.
struct PanelFurniture {
  /// Holds the room needed on each side of the plot.
  struct Insets: Equatable {
    var left = 0.0
    var top = 0.0
    var right = 0.0
    var bottom = 0.0
  }

  /// Drawn before the data.
  private(set) var below: [Mark] = []

  /// Drawn after the data.
  private(set) var above: [Mark] = []

  let content: PanelContent
  let frame: PanelFrame
  let measure: TextMeasure

  /// The upper edge of what has been stacked on the plot so far.
  private var top: Double

  /// - Parameters:
  ///   - letter: the panel's name in a figure of several, "(a)".
  ///   - hasLegend: whether the panel shows its own legend.
  init(
    _ content: PanelContent, frame: PanelFrame, letter: String?, hasLegend: Bool, measure: TextMeasure
  ) throws(PlotError) {
    self.content = content
    self.frame = frame
    self.measure = measure
    top = frame.plot.y
    try addHorizontalAxis()
    try addVerticalAxis()
    try addTopLabels()
    try addRightLabels()
    if hasLegend, !content.legend.isEmpty { try addLegend() }
    try addAnnotations()
    try addTitle(letter)
  }

  private var plot: PlotRect { frame.plot }

  /// Returns the room that the type needs outside the plot.
  func insets() throws(PlotError) -> Insets {
    var insets = Insets(left: 1, top: 3, right: 1, bottom: Theme.tickLength)
    for mark in above {
      guard case .text(let text) = mark.shape else { continue }
      let box = try text.bounds(measure)
      insets.left = max(insets.left, plot.x - box.x)
      insets.top = max(insets.top, plot.y - box.y)
      insets.right = max(insets.right, box.maxX - plot.maxX)
      insets.bottom = max(insets.bottom, box.maxY - plot.maxY)
    }
    return insets
  }

  private func height(_ size: Double) throws(PlotError) -> Double {
    try measure.extent(of: "", size: size).height
  }

  // MARK: Axes

  private mutating func addHorizontalAxis() throws(PlotError) {
    let places = frame.xTicks.values.map { frame.x.position(of: $0) }
    let minor = frame.xTicks.minor.map { frame.x.position(of: $0) }
    func down(_ x: Double, _ length: Double) -> Segment {
      Segment(from: PlotPoint(x: x, y: plot.maxY), to: PlotPoint(x: x, y: plot.maxY + length))
    }
    if content.x.showsGrid {
      below.append(Mark(.grid, .segments(places.map { down($0, -plot.height) }, Theme.grid)))
    }
    let line = [PlotPoint(x: plot.x, y: plot.maxY), PlotPoint(x: plot.maxX, y: plot.maxY)]
    above.append(Mark(.axis, .polyline(line, Theme.axis)))
    let ticks = places.map { down($0, Theme.tickLength) } + minor.map { down($0, Theme.minorTickLength) }
    above.append(Mark(.tick, .segments(ticks, Theme.axis)))
    // Labels of both axes meet at the corner: those below begin where the lowest one beside the axis may end.
    var bottom = plot.maxY + max(Theme.tickLength + 1, try height(Theme.tickSize) / 2)
    if let categories = content.x.categories {
      bottom = try addCategories(categories, top: bottom)
    } else if content.x.showsTickLabels {
      let middle = bottom + (try height(Theme.tickSize)) / 2
      for (label, place) in zip(frame.xTicks.labels, places) {
        addTickLabel(label, at: PlotPoint(x: place, y: middle), anchor: .middle)
      }
      bottom += try height(Theme.tickSize)
    }
    guard content.x.showsLabel else { return }
    let lines = try measure.lines(of: content.x.label, size: Theme.labelSize, width: plot.width)
    for line in lines {
      let place = PlotPoint(x: plot.midX, y: bottom + 1 + (try height(Theme.labelSize)) / 2)
      above.append(Mark(.axisLabel, .text(TextMark(line, at: place, anchor: .middle, size: Theme.labelSize))))
      bottom += try height(Theme.labelSize)
    }
  }

  /// Names groups under the axis, each broken into lines in its own width; the type shrinks before words are cut, and
  /// where even cut words have no room, only every second, third, … group is named.
  private mutating func addCategories(_ categories: [String], top: Double) throws(PlotError) -> Double {
    let slot = plot.width / Double(categories.count)
    let step = max(1, Int((17 / slot).rounded(.up)))
    let width = slot * Double(step) - 3
    var size = Theme.tickSize
    for category in categories {
      for word in category.split(separator: " ") {
        let needed = try measure.extent(of: String(word), size: Theme.tickSize).width
        size = min(size, max(Theme.smallestSize, Theme.tickSize * width / max(needed, 1)))
      }
    }
    let lineHeight = try height(size)
    var bottom = top
    for (index, category) in categories.enumerated() where index % step == 0 {
      let lines = try measure.lines(of: category, size: size, width: width + 1e-6)
      let x = frame.x.position(of: Double(index) + 0.5)
      for (row, line) in lines.enumerated() {
        let place = PlotPoint(x: x, y: top + (Double(row) + 0.5) * lineHeight)
        above.append(Mark(.tickLabel, .text(TextMark(line, at: place, anchor: .middle, size: size))))
      }
      bottom = max(bottom, top + Double(lines.count) * lineHeight)
    }
    return bottom
  }

  private mutating func addVerticalAxis() throws(PlotError) {
    let places = frame.yTicks.values.map { frame.y.position(of: $0) }
    let minor = frame.yTicks.minor.map { frame.y.position(of: $0) }
    func left(_ y: Double, _ length: Double) -> Segment {
      Segment(from: PlotPoint(x: plot.x, y: y), to: PlotPoint(x: plot.x - length, y: y))
    }
    if content.y.showsGrid {
      below.append(Mark(.grid, .segments(places.map { left($0, -plot.width) }, Theme.grid)))
    }
    let line = [PlotPoint(x: plot.x, y: plot.y), PlotPoint(x: plot.x, y: plot.maxY)]
    above.append(Mark(.axis, .polyline(line, Theme.axis)))
    let ticks = places.map { left($0, Theme.tickLength) } + minor.map { left($0, Theme.minorTickLength) }
    above.append(Mark(.tick, .segments(ticks, Theme.axis)))
    var edge = plot.x - Theme.tickLength - 1.5
    if content.y.showsTickLabels {
      var widest = 0.0
      for (label, place) in zip(frame.yTicks.labels, places) {
        addTickLabel(label, at: PlotPoint(x: edge, y: place), anchor: .end)
        widest = max(widest, try measure.extent(of: label, size: Theme.tickSize).width)
      }
      edge -= widest
    }
    guard content.y.showsLabel else { return }
    let lines = try measure.lines(of: content.y.label, size: Theme.labelSize, width: plot.height)
    for line in lines.reversed() {
      let place = PlotPoint(x: edge - 2 - (try height(Theme.labelSize)) / 2, y: plot.midY)
      let text = TextMark(line, at: place, anchor: .middle, size: Theme.labelSize, isVertical: true)
      above.append(Mark(.axisLabel, .text(text)))
      edge -= try height(Theme.labelSize)
    }
  }

  private mutating func addTickLabel(_ label: String, at place: PlotPoint, anchor: TextMark.Anchor) {
    above.append(Mark(.tickLabel, .text(TextMark(label, at: place, anchor: anchor, size: Theme.tickSize))))
  }

  // MARK: References

  /// Vertical lines, with their labels in one row above the plot where they have room, else in a list.
  private mutating func addTopLabels() throws(PlotError) {
    let labels = content.topLabels.filter { (frame.x.lower...frame.x.upper).contains($0.value) }
      .sorted { $0.value < $1.value }
    guard !labels.isEmpty else { return }
    let places = labels.map { frame.x.position(of: $0.value) }
    for (label, x) in zip(labels, places) {
      let line = [PlotPoint(x: x, y: plot.y), PlotPoint(x: x, y: plot.maxY)]
      above.append(Mark(.reference, .polyline(line, Stroke(color: label.color, width: 0.8, dash: label.dash))))
    }
    let size = Theme.annotationSize
    var widths: [Double] = []
    for label in labels { widths.append(try measure.extent(of: label.text, size: size).width) }
    if let middles = LabelRow.spread(
      centers: places, sizes: widths, lower: plot.x, upper: plot.maxX, gap: 6)
    {
      try addRow(labels, places: places, middles: middles)
    } else {
      top -= Theme.gap
      for label in labels.reversed() {
        try stack(label.text, size: size, role: .referenceLabel, color: label.color)
      }
    }
  }

  private mutating func addRow(
    _ labels: [PanelContent.EdgeLabel], places: [Double], middles: [Double]
  ) throws(PlotError) {
    let (size, rise) = (Theme.annotationSize, 5.0)
    for (index, label) in labels.enumerated() {
      let leader = [PlotPoint(x: places[index], y: plot.y), PlotPoint(x: middles[index], y: plot.y - rise)]
      above.append(Mark(.leader, .polyline(leader, Stroke(color: label.color, width: 0.6))))
      let place = PlotPoint(x: middles[index], y: plot.y - rise - (try height(size)) / 2)
      let text = TextMark(label.text, at: place, anchor: .middle, size: size, color: label.color)
      above.append(Mark(.referenceLabel, .text(text)))
    }
    top = plot.y - rise - (try height(size)) - 1
  }

  /// Horizontal lines, with their labels spread to the right of the plot.
  private mutating func addRightLabels() throws(PlotError) {
    let labels = content.rightLabels.filter { (frame.y.lower...frame.y.upper).contains($0.value) }
      .sorted { $0.value > $1.value }
    guard !labels.isEmpty else { return }
    let places = labels.map { frame.y.position(of: $0.value) }
    let lineHeight = try height(Theme.annotationSize)
    var texts: [[String]] = []
    for label in labels {
      texts.append(try measure.lines(of: label.text, size: Theme.annotationSize, width: Theme.rightLabelWidth))
    }
    let heights = texts.map { Double($0.count) * lineHeight }
    let needed = heights.reduce(0, +) + 2 * Double(heights.count)
    let (lower, upper) = (min(plot.y - lineHeight / 2, plot.maxY - needed), plot.maxY)
    let middles =
      LabelRow.spread(centers: places, sizes: heights, lower: lower, upper: upper, gap: 1) ?? places
    for (index, label) in labels.enumerated() {
      let ends = [PlotPoint(x: plot.x, y: places[index]), PlotPoint(x: plot.maxX, y: places[index])]
      let stroke = Stroke(color: label.color, width: 0.8, dash: label.dash)
      above.append(Mark(.reference, .polyline(ends, stroke)))
      let leader = [ends[1], PlotPoint(x: plot.maxX + 5, y: middles[index])]
      above.append(Mark(.leader, .polyline(leader, Stroke(color: label.color, width: 0.6))))
      for (row, line) in texts[index].enumerated() {
        let y = middles[index] - heights[index] / 2 + (Double(row) + 0.5) * lineHeight
        let text = TextMark(
          line, at: PlotPoint(x: plot.maxX + 7, y: y), size: Theme.annotationSize, color: label.color)
        above.append(Mark(.referenceLabel, .text(text)))
      }
    }
  }

  // MARK: Above the plot

  /// Puts one line of type on top of what stands above the plot.
  private mutating func stack(
    _ line: String, size: Double, role: Mark.Role, isBold: Bool = false, color: PlotColor = .ink
  ) throws(PlotError) {
    let lineHeight = try height(size)
    let lines = try measure.lines(
      of: line, size: size, width: plot.width, isBold: isBold, breaksWords: true)
    for line in lines.reversed() {
      let place = PlotPoint(x: plot.x, y: top - lineHeight / 2)
      above.append(Mark(role, .text(TextMark(line, at: place, size: size, isBold: isBold, color: color))))
      top -= lineHeight
    }
  }

  private mutating func addLegend() throws(PlotError) {
    let legend = try Legend(content.legend, width: plot.width, measure: measure)
    top -= legend.height + Theme.gap
    above += legend.marks.map { $0.moved(x: plot.x, y: top) }
  }

  private mutating func addAnnotations() throws(PlotError) {
    guard !content.annotations.isEmpty else { return }
    top -= Theme.gap - 1
    for line in content.annotations.reversed() {
      try stack(line, size: Theme.annotationSize, role: .annotation)
    }
  }

  /// The panel's letter, bold, and its title behind it.
  private mutating func addTitle(_ letter: String?) throws(PlotError) {
    let size = Theme.titleSize
    var indent = 0.0
    if let letter { indent = try measure.extent(of: letter, size: size, isBold: true).width + 4 }
    let width = max(Theme.smallestPlot, plot.width - indent)
    let lines = try measure.lines(of: content.title ?? "", size: size, width: width, breaksWords: true)
    guard letter != nil || !lines.isEmpty else { return }
    let lineHeight = try height(size)
    top -= Theme.gap + Double(max(1, lines.count)) * lineHeight
    let first = PlotPoint(x: plot.x, y: top + lineHeight / 2)
    if let letter {
      above.append(Mark(.panelLabel, .text(TextMark(letter, at: first, size: size, isBold: true))))
    }
    for (row, line) in lines.enumerated() {
      let place = PlotPoint(x: first.x + indent, y: first.y + Double(row) * lineHeight)
      above.append(Mark(.title, .text(TextMark(line, at: place, size: size))))
    }
  }
}
