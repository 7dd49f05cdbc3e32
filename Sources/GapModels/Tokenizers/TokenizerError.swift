public import GapTensorFiles

/// A fault found while a tokenizer's files were read; one case a fault.
///
/// The description is always one line: what, where, expected, found, hint.
public enum TokenizerError: Error, Equatable, Sendable {
  /// Where in a tokenizer's files a fault lies.
  public struct Place: Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The field as keys and indices joined by dots; empty for the whole file.
    public let field: String

    /// A place from its parts.
    public init(path: String, field: String = "") {
      self.path = path
      self.field = field
    }

    /// The file, then the field.
    public var description: String {
      MessageText.path(path) + (field.isEmpty ? "" : ": " + MessageText.quoted(field))
    }
  }

  /// The file cannot be read, or is no JSON.
  case file(TensorFileError)
  /// The directory has no `tokenizer.json`.
  case noTokenizer(directory: String)
  /// A field that must be there is not.
  case fieldMissing(Place, expected: String)
  /// A field holds something else than it must.
  case fieldMismatch(Place, expected: String, found: String)
  /// A component of a known file that this reader does not have.
  case unsupported(Place, found: String, known: [String])
  /// A regular expression outside the subset that is matched.
  case unsupportedPattern(Place, pattern: String, part: String)
  /// The number of a token is negative or beyond any vocabulary.
  case identifierRefused(Place, token: String, found: Int, limit: Int)
  /// Two tokens share a number.
  case identifierTaken(Place, identifier: Int, tokens: [String])
  /// A token has two numbers.
  case tokenTwice(Place, token: String)
  /// A token is named that the vocabulary lacks.
  case tokenUnknown(Place, token: String)
  /// A number is named that no token has.
  case identifierUnknown(Place, found: Int)
  /// A text, at a place that its file names, that the tokenizer's steps may make longer than memory holds.
  case textTooLong(place: String, limit: Int, found: Int)

  /// Whether the input is missing or cannot be opened, as opposed to holding bad data.
  public var isMissingInput: Bool {
    switch self {
    case .file(let error): error.isMissingInput
    case .noTokenizer: true
    default: false
    }
  }
}

extension TokenizerError: CustomStringConvertible {
  /// The fault on one line: where, what, expected, found, hint.
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .noTokenizer(let directory):
      "\(MessageText.path(directory)): no tokenizer.json in this directory; hint: "
        + "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) writes one from vocab.json or tokenizer.model"
    case .fieldMissing(let place, let expected): "\(place): missing, expected \(expected)"
    case .fieldMismatch(let place, let expected, let found):
      "\(place): expected \(expected), found \(MessageText.plain(found))"
    case .unsupported(let place, let found, let known):
      "\(place): \(MessageText.quoted(found)) is not supported, expected one of \(known.joined(separator: ", "))"
    case .unsupportedPattern(let place, let pattern, let part):
      "\(place): the pattern \(MessageText.quoted(pattern)) is outside the supported subset at "
        + "\(MessageText.quoted(part)); hint: classes, groups, quantifiers and lookahead are supported"
    case .identifierRefused(let place, let token, let found, let limit):
      "\(place): the token \(MessageText.quoted(token)) has the id \(found), expected 0 to \(limit)"
    case .identifierTaken(let place, let identifier, let tokens):
      "\(place): the tokens \(MessageText.list(tokens)) share the id \(identifier)"
    case .tokenTwice(let place, let token): "\(place): the token \(MessageText.quoted(token)) has two ids"
    case .tokenUnknown(let place, let token):
      "\(place): the token \(MessageText.quoted(token)) is not in the vocabulary"
    case .identifierUnknown(let place, let found): "\(place): no token has the id \(found)"
    case .textTooLong(let place, let limit, let found):
      "\(MessageText.path(place)): a text of \(found) bytes, expected at most \(limit) with this tokenizer, whose steps"
        + " may make it too long for memory"
    }
  }
}
