import GapTensorFiles

/// Why files do not make a data set.
public enum DatasetError: Error, CustomStringConvertible, Equatable {
  /// A tensor has not the axes that it needs.
  case wrongShape(label: String, expected: String, found: [Int])
  /// A file with several tensors, none of which are known as image and text.
  case noPair(path: String, known: [String])
  /// A file has more than one pair of tensors that could be meant.
  case ambiguousPair(path: String, candidates: [String])
  /// One side is given and the other is not.
  case oneSideOnly(given: String, missing: String)
  /// A text file that cannot be read.
  case unreadable(path: String, reason: String, isMissing: Bool)
  /// A line of a file is not what it should be.
  case badLine(path: String, line: Int, expected: String, found: String)
  /// An image that a line names is not there.
  case imageMissing(path: String, line: Int, image: String)
  /// A file of another kind than needed.
  case wrongFile(path: String, expected: String, found: String)
  /// A file or directory that cannot be made.
  case cannotWrite(path: String, reason: String)

  /// One line: what, where, expected, found, hint; what files say in it is escaped and shortened.
  public var description: String { MessageText.line(text) }

  private var text: String {
    switch self {
    case .wrongShape(let label, let expected, let found):
      "\(label): expected an array of shape \(expected), found (\(found.map(String.init).joined(separator: ", ")))"
    case .noPair(let path, let known):
      "\(path): expected one array of shape (2, n, d), or tensors named image and text; found \(MessageText.list(known))"
        + " (name them: --image \(path)::KEY --text \(path)::KEY)"
    case .ambiguousPair(let path, let candidates):
      "\(path): several pairs of tensors could be meant: \(MessageText.list(candidates))"
        + " (name one: --image \(path)::KEY --text \(path)::KEY)"
    case .oneSideOnly(let given, let missing):
      "\(given) is given without \(missing): both sides are needed"
    case .unreadable(let path, let reason, _):
      "\(path): cannot be read: \(reason)"
    case .badLine(let path, let line, let expected, let found):
      "\(path): line \(line): expected \(expected), found \(found)"
    case .imageMissing(let path, let line, let image):
      "\(path): line \(line): no such image: \(MessageText.path(image)) (paths are relative to the file's folder)"
    case .wrongFile(let path, let expected, let found):
      "\(path): expected \(expected), found \(found)"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  /// Whether the input is missing, as opposed to bad.
  public var isMissingInput: Bool {
    switch self {
    case .unreadable(_, _, let isMissing): isMissing
    case .imageMissing: true
    default: false
    }
  }
}
