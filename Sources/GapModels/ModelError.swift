public import GapImages
import GapTensorFiles

/// A fault in a model directory: one case a fault; the description is one line of what, where, expected, found, hint.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file that a model needs is not there.
  case fileMissing(path: String, hint: String)
  /// A setting is missing, or is not what it must be.
  case badSetting(path: String, key: String, expected: String, found: String)
  /// The `model_type` is of no family that is read.
  case unknownFamily(path: String, found: String, known: [String], hint: String)
  /// A known family uses something that is not built.
  case unsupported(path: String, what: String, hint: String)
  /// No tensor has this ending and shape.
  case tensorMissing(path: String, name: String, shape: String, candidates: [String])
  /// Several tensors have this ending and shape.
  case tensorAmbiguous(path: String, name: String, candidates: [String])
  /// A tensor has another shape than the configuration says.
  case shapeDiffers(path: String, tensor: String, expected: String, found: String)
  /// A token has no row in the embedding table.
  case tokenOutside(path: String, token: Int, rows: Int)
  /// A sequence is longer than the positions that a model has.
  case sequenceTooLong(path: String, tokens: Int, limit: Int)
  /// An image of a record cannot be used.
  case badImage(place: String, fault: ImageError)
  /// A caption of a record has no tokens.
  case captionWithoutTokens(place: String)
  /// A tokenizer knows more tokens than the embedding table has rows.
  case tokenizerDiffers(path: String, tokens: Int, rows: Int)
  /// Features do not belong to the pairs.
  case featuresDiffer(path: String, expected: String, found: String)
  /// Something cannot be written.
  case cannotWrite(path: String, reason: String)

  /// Whether the input is missing, as opposed to bad.
  public var isMissingInput: Bool {
    switch self {
    case .fileMissing: true
    case .badImage(_, let fault): fault.isMissingInput
    default: false
    }
  }

  /// One line; what files say in it is escaped and shortened.
  public var description: String { MessageText.line(text) }

  private var text: String {
    switch self {
    case .fileMissing(let path, let hint): "\(path): no such file (\(hint))"
    case .badSetting(let path, let key, let expected, let found):
      "\(path): \(key): expected \(expected), found \(found)"
    case .unknownFamily(let path, let found, let known, let hint):
      "\(path): model_type: expected one of \(known.joined(separator: ", ")); found \(found) (\(hint))"
    case .unsupported(let path, let what, let hint): "\(path): \(what) is not supported (\(hint))"
    case .tensorMissing(let path, let name, let shape, let candidates):
      "\(path): expected a tensor …\(name) of shape \(shape), found \(Self.listed(candidates))"
    case .tensorAmbiguous(let path, let name, let candidates):
      "\(path): expected one tensor …\(name), found \(Self.listed(candidates))"
    case .shapeDiffers(let path, let tensor, let expected, let found):
      "\(path): \(tensor): expected shape \(expected), found \(found) (do settings and weights belong together?)"
    case .tokenOutside(let path, let token, let rows):
      "\(path): token \(token): expected a row of the embedding table, which has \(rows) (does the tokenizer belong to it?)"
    case .sequenceTooLong(let path, let tokens, let limit):
      "\(path): a sequence of \(tokens) tokens: expected at most \(limit), the positions that the model has"
    case .badImage(let place, let fault): "\(place): \(fault)"
    case .captionWithoutTokens(let place): "\(place): expected a caption, found one without a single token"
    case .tokenizerDiffers(let path, let tokens, let rows):
      "\(path): expected a tokenizer of at most \(rows) tokens, the rows of the embedding table; found \(tokens) (it belongs to another model)"
    case .featuresDiffer(let path, let expected, let found):
      "\(path): expected \(expected), found \(found)"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  private static func listed(_ names: [String]) -> String {
    guard !names.isEmpty else { return "none" }
    return names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
