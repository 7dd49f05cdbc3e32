import EmbeddingGap
import Notebook

/// Readings of a shift sweep.
enum Sweep {
  static func loss(_ sweep: ShiftSweep, at shift: Double) -> Double {
    sweep.points.first { abs($0.shift - shift) < 1e-9 }?.loss ?? .nan
  }

  /// The shift at which the loss is lowest.
  static func lowest(_ sweep: ShiftSweep) -> Double { sweep.points.min { $0.loss < $1.loss }?.shift ?? .nan }

  /// A curve for each name, with a band over its sweeps.
  static func figure(_ arms: [(name: String, sweeps: [ShiftSweep])]) -> Figure {
    let series = arms.map { name, sweeps in
      let shifts = sweeps[0].points.map(\.shift)
      let losses = shifts.indices.map { place in sweeps.map { $0.points[place].loss } }
      return LineChart.Series(
        name, x: shifts, y: losses.map(Notebook.mean), lower: losses.map { $0.min() ?? .nan },
        upper: losses.map { $0.max() ?? .nan })
    }
    return Figure([
      .line(
        LineChart(
          series: series, x: PlotAxis("shift, as a share of the gap"), y: PlotAxis("contrastive loss"),
          xReferences: [ReferenceLine(0, label: "as trained"), ReferenceLine(0.5, label: "centred")]))
    ])
  }
}
