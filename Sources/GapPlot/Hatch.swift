/// Draws slanted white lines over a filled box, so that grey print tells neighbouring fills apart.
enum Hatch {
  static let stroke = Stroke(color: .white, width: 0.55)

  /// Lines that rise at 45° through a box, cut at its edges.
  static func lines(in box: PlotRect, spacing: Double = 3.6) -> [Segment] {
    guard box.width > 0, box.height > 0 else { return [] }
    let reach = box.width + box.height
    return stride(from: spacing, to: reach, by: spacing).map { offset in
      // Points of the line satisfy (x − box.x) + (y − box.y) = offset.
      let left = max(0, offset - box.height)
      let right = min(box.width, offset)
      return Segment(
        from: PlotPoint(x: box.x + left, y: box.y + offset - left),
        to: PlotPoint(x: box.x + right, y: box.y + offset - right))
    }
  }
}
