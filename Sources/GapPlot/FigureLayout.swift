/// Finds the size of the plots of a figure and puts everything in its place.
///
/// All plots of a figure are equally large, so that lengths can be compared between panels; columns share their
/// side margins and rows their upper and lower ones. The room that labels need depends on the ticks, which depend on
/// the plot's size, which depends on the room: the margins are therefore found by repetition, in which they only
/// grow.
struct FigureLayout {
  let contents: [PanelContent]
  let columns: Int
  let width: Double
  let height: Double?
  let legend: Figure.LegendPlacement

  private var rows: Int { (contents.count + columns - 1) / columns }
  private var hasSharedLegend: Bool { legend == .shared && contents.count > 1 }
  private var hasPanelLegends: Bool { legend == .perPanel || (legend == .shared && contents.count == 1) }

  /// Holds the margins found so far and what follows from them.
  private struct Plan {
    var left: [Double]
    var right: [Double]
    var top: [Double]
    var bottom: [Double]
    var plotWidth = 0.0
    var plotHeight = 0.0
    var legend: Legend?
    var legendX = Theme.margin

    var legendHeight: Double { legend.map { $0.height + Theme.gap } ?? 0 }
  }

  func scene(measure: TextMeasure) throws(PlotError) -> Scene {
    var plan = Plan(
      left: Array(repeating: 1, count: columns), right: Array(repeating: 1, count: columns),
      top: Array(repeating: 1, count: rows), bottom: Array(repeating: 1, count: rows))
    for _ in 0..<12 {
      try fit(&plan, measure: measure)
      guard try grow(&plan, measure: measure) else { break }
    }
    return try assembled(plan, measure: measure)
  }

  // MARK: Margins

  /// Computes the plots' size and the shared legend from the margins.
  private func fit(_ plan: inout Plan, measure: TextMeasure) throws(PlotError) {
    if hasSharedLegend { try fitLegend(&plan, measure: measure) }
    let gaps = Theme.panelGap * Double(columns - 1) + 2 * Theme.margin
    let sides = plan.left.reduce(0, +) + plan.right.reduce(0, +)
    plan.plotWidth = (width - gaps - sides) / Double(columns)
    if let height {
      let gaps = Theme.panelGap * Double(rows - 1) + 2 * Theme.margin + plan.legendHeight
      plan.plotHeight = (height - gaps - plan.top.reduce(0, +) - plan.bottom.reduce(0, +)) / Double(rows)
    } else {
      plan.plotHeight = plan.plotWidth * contents.reduce(0.4) { max($0, $1.aspect) }
    }
    guard plan.plotWidth >= Theme.smallestPlot, plan.plotHeight >= Theme.smallestPlot else {
      throw .size(width: width, height: height ?? 0, reason: "too small for its panels and their labels")
    }
  }

  /// Begins the legend at the first plot where it then needs no more rows, else at the margin.
  private func fitLegend(_ plan: inout Plan, measure: TextMeasure) throws(PlotError) {
    var entries: [LegendEntry] = []
    for entry in contents.flatMap(\.legend) where !entries.contains(entry) { entries.append(entry) }
    guard !entries.isEmpty else { return }
    let indent = plan.left[0]
    let room = max(Theme.smallestPlot, width - 2 * Theme.margin)
    let wide = try Legend(entries, width: room, measure: measure)
    let narrow = try Legend(entries, width: max(Theme.smallestPlot, room - indent), measure: measure)
    let isNarrow = narrow.height <= wide.height
    plan.legend = isNarrow ? narrow : wide
    plan.legendX = Theme.margin + (isNarrow ? indent : 0)
  }

  /// Widens margins that are too small for their labels; false when all fit.
  private func grow(_ plan: inout Plan, measure: TextMeasure) throws(PlotError) -> Bool {
    let plot = PlotRect(x: 0, y: 0, width: plan.plotWidth, height: plan.plotHeight)
    var hasGrown = false
    func widen(_ margin: inout Double, to needed: Double) {
      guard needed > margin + 1e-6 else { return }
      margin = needed
      hasGrown = true
    }
    for index in contents.indices {
      let insets = try furniture(index, plot: plot, measure: measure).insets()
      widen(&plan.left[index % columns], to: insets.left)
      widen(&plan.right[index % columns], to: insets.right)
      widen(&plan.top[index / columns], to: insets.top)
      widen(&plan.bottom[index / columns], to: insets.bottom)
    }
    return hasGrown
  }

  private func furniture(
    _ index: Int, plot: PlotRect, measure: TextMeasure
  ) throws(PlotError) -> PanelFurniture {
    let frame = try PanelFrame(contents[index], plot: plot, measure: measure)
    return try PanelFurniture(
      contents[index], frame: frame, letter: contents.count > 1 ? Self.letter(index) : nil,
      hasLegend: hasPanelLegends, measure: measure)
  }

  /// "(a)" … "(z)", then "(27)".
  private static func letter(_ index: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    return index < letters.count ? "(\(letters[index]))" : "(\(index + 1))"
  }

  // MARK: Places

  private func assembled(_ plan: Plan, measure: TextMeasure) throws(PlotError) -> Scene {
    var marks = plan.legend?.marks.map { $0.moved(x: plan.legendX, y: Theme.margin) } ?? []
    var panels: [Scene.Panel] = []
    var bottom = 0.0
    for index in contents.indices {
      let plot = place(of: index, plan)
      let furniture = try furniture(index, plot: plot, measure: measure)
      let (frame, top) = (furniture.frame, try furniture.insets().top)
      let data = try contents[index].draw(frame, measure)
      // Numbers at bars lie over reference lines, which lie over the bars.
      let numbers = data.filter { $0.role == .valueLabel }
      for mark in furniture.below + data.filter({ $0.role != .valueLabel }) + furniture.above + numbers {
        // Titles of a row stand at one height, whatever stands between them and their plots.
        let rise = [.title, .panelLabel].contains(mark.role) ? plan.top[index / columns] - top : 0
        var mark = mark.moved(x: 0, y: -rise)
        mark.panel = index
        marks.append(mark)
      }
      panels.append(Scene.Panel(plotArea: plot, x: frame.x, y: frame.y))
      bottom = max(bottom, plot.maxY + plan.bottom[index / columns])
    }
    return Scene(
      width: width, height: height ?? (bottom + Theme.margin).rounded(.up), panels: panels, marks: marks)
  }

  private func place(of index: Int, _ plan: Plan) -> PlotRect {
    let (row, column) = (index / columns, index % columns)
    var x = Theme.margin + plan.left[0]
    for earlier in 0..<column {
      x += plan.plotWidth + plan.right[earlier] + Theme.panelGap + plan.left[earlier + 1]
    }
    var y = Theme.margin + plan.legendHeight + plan.top[0]
    for earlier in 0..<row {
      y += plan.plotHeight + plan.bottom[earlier] + Theme.panelGap + plan.top[earlier + 1]
    }
    return PlotRect(x: x, y: y, width: plan.plotWidth, height: plan.plotHeight)
  }
}
