public import GapDatasets
public import GapMetrics
public import GapModels
import GapLinearAlgebra
import GapTensorFiles

/// Which vectors are read off a checkpoint.
public enum ReadoutChoice: Sendable, Equatable, CustomStringConvertible {
  /// Those of one readout.
  case one(Readout)
  /// Those of every layer in one pass, and of `input`.
  case layers

  /// Reads `input`, `layer:K`, `last` or `layers`; nil for anything else.
  public init?(_ text: String) {
    if text == "layers" {
      self = .layers
    } else if let readout = Readout(text) {
      self = .one(readout)
    } else {
      return nil
    }
  }

  /// As it is written on the command line.
  public var description: String {
    switch self {
    case .one(let readout): readout.description
    case .layers: "layers"
    }
  }
}

/// What is to be read off a checkpoint, and how.
public struct CheckpointRequest: Sendable {
  /// Where the parts of the model lie.
  public var parts: ModelParts
  /// File of images and captions.
  public var pairs: String
  /// Features in place of images: `FILE` or `FILE::KEY`.
  public var features: String?
  /// Which vectors.
  public var readout = ReadoutChoice.one(.input)
  /// What follows the image at readout `last`.
  public var imagePrompt = ""
  /// What follows the caption and a space at readout `last`.
  public var textPrompt = ""
  /// Leaves pairs out whose image cannot be read, and counts them.
  public var skipsBadImages = false
  /// Directory in which features are kept, so that a run that was stopped goes on.
  public var cache: String?
  /// The file that the vectors will be written to, so that its disk is looked at before they are read.
  public var output: String?
  /// Refuses what surely does not fit into disk or memory.
  public var checksLimits = true
  /// Takes the SHA-256 of the inputs.
  public var isHashing = false
  /// The most threads; 0 means all processors.
  public var threads = 0
  /// Of samples.
  public var seed: UInt64 = 0
  /// How MIR is worked out; nil leaves it out.
  public var integrationRate: MIRMode? = .exact
  /// Whether visual tokens are held against the vocabulary.
  public var usesVocabularyLens = true
  /// The most tokens that MIR and the vocabulary lens look at; 0 for all.
  public var tokenLimit = 10_000

  /// A request with the defaults.
  public init(parts: ModelParts, pairs: String) {
    self.parts = parts
    self.pairs = pairs
  }
}

/// Vectors that were read off a checkpoint for the images and captions of a file.
public struct CheckpointEmbeddings: Sendable {
  /// The vectors of one readout, row i those of pair i.
  public struct Vectors: Sendable {
    /// How they were read.
    public let readout: Readout
    /// Image rows.
    public let image: VectorRows
    /// Text rows.
    public let text: VectorRows
  }

  /// For each readout its vectors: one readout, or `input` and then every layer.
  public let vectors: [Vectors]
  /// For each pair, a name that captions of one image share; nil where no image has several.
  public let ids: [String]?
  /// For each pair, the number of its record in the file; records whose image cannot be read are missing.
  public let records: [Int]
  /// For each pair, its caption.
  public let captions: [String]
  /// For each pair, what the file calls it, or the last part of its image's path.
  public let names: [String]
  /// For each pair, the path of its image; nil where features are stored in place of images.
  public let images: [String]?
  /// What was read, for the report.
  public let inputs: [InputRecord]
  /// Pairs left out because their image could not be read.
  public let skippedPairs: Int
  /// What a careful reviewer would raise.
  public let warnings: [GapWarning]
  /// Metrics that need the model: `mir`, `vocabulary_lens`.
  public let metrics: [MetricEntry]
  /// How many images those metrics used, where not all.
  public let sampled: [String: Int]
  /// How fast it went.
  public let speed: ReadingSpeed
}

/// How fast a checkpoint was read.
public struct ReadingSpeed: Sendable, Equatable {
  /// Images.
  public let images: Int
  /// Seconds from image file to vector, all images together.
  public let imageSeconds: Double
  /// Tokens of captions.
  public let tokens: Int
  /// Seconds from token to vector, all captions together.
  public let tokenSeconds: Double

  /// Such as "12.3 images/s, 4,100 caption tokens/s".
  public var text: String {
    func rate(_ count: Int, _ seconds: Double) -> String {
      let rate = Double(count) / max(seconds, 1e-6)
      return rate < 100 ? "\((rate * 10).rounded() / 10)" : Decimal.grouped(Int(rate.rounded()))
    }
    return "\(rate(images, imageSeconds)) images/s, \(rate(tokens, tokenSeconds)) caption tokens/s"
  }
}
