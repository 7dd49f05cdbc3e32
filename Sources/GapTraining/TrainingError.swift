import GapTensorFiles

/// A fault of a training run: one case a fault; the description is one line of what, where, expected, found, hint.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  /// A file that is named is not there or cannot be read.
  case unreadable(path: String, reason: String)
  /// A configuration is no YAML.
  case notYAML(place: String, reason: String)
  /// A key that does not exist.
  case unknownKey(place: String, key: String, hint: String)
  /// A key is missing that is needed.
  case missingKey(place: String, key: String, hint: String)
  /// A value has a wrong type or is out of range.
  case badValue(place: String, key: String, expected: String, found: String)
  /// The data cannot be trained on.
  case badData(place: String, expected: String, found: String, hint: String)
  /// The output directory cannot be written or holds another run.
  case cannotWrite(path: String, reason: String)
  /// What is to be gone on with is not what was begun.
  case cannotResume(path: String, reason: String)
  /// A loss or a gradient is not a finite number.
  case nonFinite(step: Int, what: String)

  /// Whether something that was named is not there.
  public var isMissingInput: Bool { if case .unreadable = self { true } else { false } }

  /// One line; what files say in it is escaped and shortened.
  public var description: String { MessageText.line(text) }

  private var text: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .notYAML(let place, let reason): "\(place): expected YAML, found \(reason)"
    case .unknownKey(let place, let key, let hint): "\(place): unknown key “\(key)” (\(hint))"
    case .missingKey(let place, let key, let hint): "\(place): the key “\(key)” is missing (\(hint))"
    case .badValue(let place, let key, let expected, let found):
      "\(place): \(key): expected \(expected), found \(found)"
    case .badData(let place, let expected, let found, let hint):
      "\(place): expected \(expected), found \(found) (\(hint))"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .cannotResume(let path, let reason): "\(path): cannot be resumed: \(reason)"
    case .nonFinite(let step, let what):
      "step \(step): \(what) is not a finite number (hint: a lower optimizer.lr, or on_nonfinite: skip)"
    }
  }
}
