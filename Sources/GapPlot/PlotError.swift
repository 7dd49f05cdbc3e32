/// Lists what can be wrong with a figure's data, its size or its output.
public enum PlotError: Error, Equatable, Sendable {
  /// A chart without a series, or a figure without a panel.
  case nothingToDraw(what: String)

  /// A series without a value.
  case emptySeries(series: String)

  /// A value that is NaN, infinite or beyond ±1e300.
  case notFinite(series: String, index: Int, value: Double)

  /// Two lists that belong together have different lengths.
  case countMismatch(series: String, quantity: String, expected: Int, found: Int)

  /// A value that a logarithmic axis cannot show.
  case notPositive(series: String, index: Int, value: Double)

  /// An interval or band whose lower end lies above its upper end.
  case invertedInterval(series: String, index: Int, lower: Double, upper: Double)

  /// An axis range that is empty, not finite, or not positive on a logarithmic axis.
  case range(axis: String, lower: Double, upper: Double)

  /// Panels that should share axes of different kinds or groups.
  case incompatibleAxes

  /// A figure too small for its panels and their labels.
  case size(width: Double, height: Double, reason: String)

  /// A resolution that is not positive or makes an image too large.
  case resolution(dotsPerInch: Double)

  /// A file name whose ending is none of png, svg, pdf.
  case format(path: String)

  /// The file could not be written; nothing is left behind.
  case cannotWrite(path: String, reason: String)

  /// The drawing library reported a fault.
  case drawing(operation: String, code: Int, reason: String)

  /// The picture could not be encoded.
  case encoding(reason: String)
}

extension PlotError: CustomStringConvertible {
  /// The fault in one line.
  public var description: String {
    switch self {
    case .nothingToDraw(let what): "\(what): expected at least one, found none"
    case .emptySeries(let series): "series \"\(series)\": expected at least one value, found none"
    case .notFinite(let series, let index, let value):
      "series \"\(series)\", value \(index): expected a finite number within ±1e300, found \(value)"
    case .countMismatch(let series, let quantity, let expected, let found):
      "series \"\(series)\", \(quantity): expected \(expected) values, found \(found)"
    case .notPositive(let series, let index, let value):
      "series \"\(series)\", value \(index): a logarithmic axis expects a positive number, found \(value)"
    case .invertedInterval(let series, let index, let lower, let upper):
      "series \"\(series)\", interval \(index): expected lower ≤ upper, found \(lower) and \(upper)"
    case .range(let axis, let lower, let upper):
      "\(axis) axis: expected a finite range with lower < upper, found \(lower) and \(upper)"
    case .incompatibleAxes: "panels cannot share axes: expected the same spacing and groups in all of them"
    case .size(let width, let height, let reason): "figure of \(width) × \(height) points: \(reason)"
    case .resolution(let dotsPerInch):
      "resolution \(dotsPerInch) dpi: expected 1 to 2400 and at most 2^26 pixels"
    case .format(let path): "\(path): expected a name that ends in .png, .svg or .pdf"
    case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
    case .drawing(let operation, let code, let reason): "\(operation) failed: \(reason) (cairo status \(code))"
    case .encoding(let reason): "cannot encode the picture: \(reason)"
    }
  }
}
