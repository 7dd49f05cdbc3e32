/// How a vector is read off a model for one image or one caption.
public enum Readout: Sendable, Hashable, CustomStringConvertible {
  /// Mean of the projected visual tokens; mean of the caption's embedding rows.
  case input
  /// Mean of hidden state K over the image's tokens (after BOS), over the caption's tokens (after BOS).
  case layer(Int)
  /// Final state of the last token of BOS + image + prompt, of BOS + caption + space + prompt.
  case last

  /// Reads `input`, `layer:K` or `last`; nil for anything else.
  public init?(_ text: String) {
    if text == "input" {
      self = .input
    } else if text == "last" {
      self = .last
    } else if text.hasPrefix("layer:"), let layer = Int(text.dropFirst("layer:".count)), layer >= 0 {
      self = .layer(layer)
    } else {
      return nil
    }
  }

  /// As it is written on the command line.
  public var description: String {
    switch self {
    case .input: "input"
    case .layer(let layer): "layer:\(layer)"
    case .last: "last"
    }
  }
}
