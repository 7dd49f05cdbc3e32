import GapTensorFiles

/// Why a report cannot be read, compared or written.
public enum ReportError: Error, CustomStringConvertible, Equatable {
  /// No report where one was expected.
  case missing(path: String)
  /// A file with another layout.
  case wrongLayout(path: String, expected: String, found: String)
  /// Two reports that are not of the same pairs.
  case notComparable(first: String, second: String, expected: String, found: String)
  /// A figure that no input can supply.
  case noSuchFigure(name: String, known: [String])
  /// A figure whose data a report does not hold.
  case figureDataMissing(path: String, figure: String, reason: String)
  /// An output that cannot be written.
  case cannotWrite(path: String, reason: String)
  /// What is asked for needs more memory than there is.
  case tooLarge(place: String, expected: String, found: String, hint: String)

  /// One line: what, where, expected, found, hint; what files say in it is escaped and shortened.
  public var description: String { MessageText.line(text) }

  private var text: String {
    switch self {
    case .missing(let path):
      "\(path): no report here (embgap measure … --out DIR writes one)"
    case .wrongLayout(let path, let expected, let found):
      "\(path): expected \(expected), found \(found)"
    case .notComparable(let first, let second, let expected, let found):
      "\(first) and \(second) are not of the same pairs: expected \(expected), found \(found)"
    case .noSuchFigure(let name, let known):
      "no figure is called \(name): expected \(known.joined(separator: ", ")) or all"
    case .figureDataMissing(let path, let figure, let reason):
      "\(path): figure \(figure) cannot be drawn: \(reason)"
    case .cannotWrite(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .tooLarge(let place, let expected, let found, let hint):
      "\(place): expected \(expected), found \(found) (hint: \(hint))"
    }
  }

  /// Whether an input is missing, as opposed to bad.
  public var isMissingInput: Bool {
    if case .missing = self { return true }
    return false
  }
}
