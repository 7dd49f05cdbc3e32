import GapPlot
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads values off a drawn panel as a person does: by its tick labels alone, not by the scales behind them.
struct AxisReading {
  private var x: Ruler
  private var y: Ruler

  /// Holds two labelled places of an axis.
  private struct Ruler {
    var first: (place: Double, value: Double)
    var last: (place: Double, value: Double)
    var isLogarithmic: Bool

    func value(at place: Double) -> Double {
      let share = (place - first.place) / (last.place - first.place)
      return isLogarithmic
        ? first.value * pow(last.value / first.value, share)
        : first.value + share * (last.value - first.value)
    }
  }

  init(
    _ scene: Scene, panel: Int = 0, xKind: PlotScale.Kind = .linear, yKind: PlotScale.Kind = .linear
  ) throws {
    let plot = scene.panels[panel].plotArea
    let labels = scene.marks(.tickLabel).filter { $0.panel == panel }.compactMap { mark -> TextMark? in
      if case .text(let text) = mark.shape { text } else { nil }
    }
    let below = labels.filter { $0.anchor == .middle && $0.position.y > plot.maxY }
    let beside = labels.filter { $0.anchor == .end && $0.position.x < plot.x }
    x = try Self.ruler(below.map { ($0.position.x, $0.string) }, xKind)
    y = try Self.ruler(beside.map { ($0.position.y, $0.string) }, yKind)
  }

  private static func ruler(_ labels: [(Double, String)], _ kind: PlotScale.Kind) throws -> Ruler {
    let first = try #require(labels.first)
    let last = try #require(labels.last)
    try #require(labels.count >= 2)
    return Ruler(
      first: (first.0, try #require(PlotTicksTests.number(first.1))),
      last: (last.0, try #require(PlotTicksTests.number(last.1))), isLogarithmic: kind == .logarithmic)
  }

  func point(at place: PlotPoint) -> PlotPoint { PlotPoint(x: x.value(at: place.x), y: y.value(at: place.y)) }

  func height(at place: Double) -> Double { y.value(at: place) }

  func across(at place: Double) -> Double { x.value(at: place) }
}

/// Expects places that are read as the data, in number and order.
func expectPlaces(
  _ places: [PlotPoint], _ data: [PlotPoint], _ reading: AxisReading, tolerance: Double = 1e-9,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(places.count == data.count, sourceLocation: sourceLocation)
  for (index, (place, datum)) in zip(places, data).enumerated() {
    let read = reading.point(at: place)
    let size = max(1, abs(datum.x), abs(datum.y))
    #expect(
      abs(read.x - datum.x) <= tolerance * size && abs(read.y - datum.y) <= tolerance * size,
      "point \(index): expected \(datum), drawn at \(read)", sourceLocation: sourceLocation)
  }
}

extension Mark.Shape {
  var batch: SymbolBatch? { if case .symbols(let batch) = self { batch } else { nil } }
  var segments: [Segment]? { if case .segments(let segments, _) = self { segments } else { nil } }
  var polyline: [PlotPoint]? { if case .polyline(let points, _) = self { points } else { nil } }
  var area: [PlotPoint]? { if case .area(let corners, _) = self { corners } else { nil } }
  var rectangle: PlotRect? { if case .rectangle(let rect, _) = self { rect } else { nil } }
  var raster: Raster? { if case .raster(let raster) = self { raster } else { nil } }
  var text: TextMark? { if case .text(let text) = self { text } else { nil } }
  var stroke: Stroke? {
    switch self {
    case .polyline(_, let stroke), .segments(_, let stroke): stroke
    default: nil
    }
  }
}
