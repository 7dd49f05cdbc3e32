/// Names one series in a legend and shows how it looks.
struct LegendEntry: Equatable {
  /// Lists the looks that a key can show.
  enum Key: Equatable {
    case symbol(PlotSymbol, PlotColor)
    case line(Stroke, PlotSymbol?)
    case box(fill: PlotColor, outline: Stroke?, isHatched: Bool)
  }

  var label: String
  var key: Key
}

/// Places legend entries in rows that fill a width, and draws them.
struct Legend {
  /// What is drawn, for an upper left corner at (0, 0).
  let marks: [Mark]
  let height: Double

  private static let keyGap = 3.5
  private static let entryGap = 11.0

  /// Places the entries: they flow into as many rows as they need; a name wider than the whole width is broken into
  /// lines.
  init(_ entries: [LegendEntry], width: Double, measure: TextMeasure) throws(PlotError) {
    var marks: [Mark] = []
    var (x, y, rowHeight) = (0.0, 0.0, 0.0)
    for entry in entries {
      let keyWidth = Self.width(of: entry.key)
      let lines = try measure.lines(
        of: entry.label, size: Theme.legendSize, width: width - keyWidth - Self.keyGap, breaksWords: true)
      var textWidth = 0.0
      for line in lines {
        textWidth = max(textWidth, try measure.extent(of: line, size: Theme.legendSize).width)
      }
      let needed = keyWidth + Self.keyGap + textWidth
      if x > 0, x + needed > width {
        (x, y, rowHeight) = (0, y + rowHeight, 0)
      }
      let lineHeight = try measure.extent(of: "", size: Theme.legendSize).height + 1
      marks += Self.key(entry, x: x, y: y + lineHeight / 2, width: keyWidth)
      for (row, line) in lines.enumerated() {
        let place = PlotPoint(x: x + keyWidth + Self.keyGap, y: y + (Double(row) + 0.5) * lineHeight)
        let text = TextMark(line, at: place, size: Theme.legendSize)
        marks.append(Mark(.legendLabel, .text(text), series: entry.label))
      }
      rowHeight = max(rowHeight, Double(max(1, lines.count)) * lineHeight)
      x += needed + Self.entryGap
    }
    self.marks = marks
    height = y + rowHeight
  }

  private static func width(of key: LegendEntry.Key) -> Double {
    switch key {
    case .symbol: 6
    case .line: 17
    case .box: 10
    }
  }

  private static func key(_ entry: LegendEntry, x: Double, y: Double, width: Double) -> [Mark] {
    let center = PlotPoint(x: x + width / 2, y: y)
    var shapes: [Mark.Shape] = []
    switch entry.key {
    case .symbol(let symbol, let color):
      shapes.append(.symbols(SymbolBatch(centers: [center], symbol: symbol, radius: 2.3, fill: color)))
    case .line(let stroke, let symbol):
      shapes.append(.polyline([PlotPoint(x: x, y: y), PlotPoint(x: x + width, y: y)], stroke))
      if let symbol {
        shapes.append(
          .symbols(SymbolBatch(centers: [center], symbol: symbol, radius: 1.9, fill: stroke.color)))
      }
    case .box(let fill, let outline, let isHatched):
      let box = PlotRect(x: x, y: y - 2.8, width: width, height: 5.6)
      shapes.append(.rectangle(box, fill))
      if isHatched { shapes.append(.segments(Hatch.lines(in: box), Hatch.stroke)) }
      if let outline { shapes.append(.polyline(box.outline, outline)) }
    }
    return shapes.map { Mark(.legendKey, $0, series: entry.label) }
  }
}

extension PlotRect {
  /// The corners in order, the first one twice, for an outline.
  var outline: [PlotPoint] {
    [
      PlotPoint(x: x, y: y), PlotPoint(x: maxX, y: y), PlotPoint(x: maxX, y: maxY), PlotPoint(x: x, y: maxY),
      PlotPoint(x: x, y: y),
    ]
  }
}
