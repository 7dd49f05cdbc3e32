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
  /// The run needs more memory than there is.
  case tooLarge(place: String, expected: String, found: String, hint: String)
  /// The output directory cannot be written or holds another run.
  case cannotWrite(path: String, reason: String)
  /// What is to be gone on with is not what was begun.
  case cannotResume(path: String, reason: String)
  /// A saved file is not as it was written.
  case damaged(path: String, expected: String, found: String)
  /// A loss, a gradient or a trained number is not finite.
  case nonFinite(step: Int, what: String, hint: String)
  /// A run was stopped by a fault; what was saved before is whole.
  indirect case stopped(fault: TrainingError, saved: String)
  /// Somebody asked the run to stop; it can be gone on with.
  case interrupted(path: String, reason: String, hint: String)

  /// Why a file could not be read.
  static func notRead(_ path: String) -> TrainingError {
    .unreadable(path: path, reason: FilePath.exists(path) ? "permission denied, or not a file" : "no such file")
  }

  /// The fault itself, without what is said of a run that it stopped.
  public var root: TrainingError { if case .stopped(let fault, _) = self { fault.root } else { self } }

  /// Whether something that was named is not there.
  public var isMissingInput: Bool { if case .unreadable = root { true } else { false } }

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
    case .tooLarge(let place, let expected, let found, let hint):
      "\(place): expected \(expected), found \(found) (hint: \(hint))"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .cannotResume(let path, let reason): "\(path): cannot be resumed: \(reason)"
    case .damaged(let path, let expected, let found): "\(path): damaged: expected \(expected), found \(found)"
    case .nonFinite(let step, let what, let hint):
      "step \(step): \(what) is not a finite number (hint: a lower optimizer.lr, or \(hint))"
    case .stopped(let fault, let saved): "\(fault); \(saved)"
    case .interrupted(let path, let reason, let hint):
      "\(path): interrupted \(reason), and saved (go on with: \(hint))"
    }
  }
}
