public import GapModels

/// One of the ways to train that a comparison holds against each other.
public enum ComparisonArm: Sendable, Hashable, CustomStringConvertible {
  /// Next-token loss alone.
  case ntp
  /// With the contrastive loss at the configuration's readout.
  case joint
  /// With the contrastive loss at another readout.
  case jointAt(Readout)
  /// As `joint`, captions compared with other samples' images.
  case shuffled
  /// The contrastive loss alone.
  case contrastive

  /// Reads `ntp`, `joint`, `joint-input`, `joint-layer:K`, `joint-last`, `shuffled` or `contrastive`.
  public init?(_ text: String) {
    switch text {
    case "ntp": self = .ntp
    case "joint": self = .joint
    case "shuffled": self = .shuffled
    case "contrastive": self = .contrastive
    default:
      guard text.hasPrefix("joint-"), let readout = Readout(String(text.dropFirst("joint-".count))) else {
        return nil
      }
      self = .jointAt(readout)
    }
  }

  /// Its name.
  public var description: String {
    switch self {
    case .ntp: "ntp"
    case .joint: "joint"
    case .jointAt(let readout): "joint-\(readout)"
    case .shuffled: "shuffled"
    case .contrastive: "contrastive"
    }
  }

  /// The configuration of a run of this arm.
  package func applied(to configuration: RunConfiguration) -> RunConfiguration {
    var result = configuration
    result.objective = .joint
    result.contrastive.shuffles = false
    switch self {
    case .ntp: result.objective = .ntp
    case .joint: break
    case .jointAt(let readout): result.contrastive.readout = readout
    case .shuffled: result.contrastive.shuffles = true
    case .contrastive: result.objective = .contrastive
    }
    return result
  }
}
