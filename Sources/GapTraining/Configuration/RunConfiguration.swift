package import GapLinearAlgebra
package import GapModels

/// What `RUN.yaml` says: one alignment run.
public struct RunConfiguration: Sendable, Equatable {
  /// How the projector begins.
  package enum ProjectorStart: Sendable, Equatable {
    /// As the checkpoint stores it.
    case checkpoint
    /// New: `depth` linear layers with GELU between, rows of `hidden` numbers between them.
    case new(depth: Int, hidden: Int?, outputScale: Double)
  }

  /// What ends a caption.
  package enum TemplateEnd: Sendable, Equatable {
    /// Text that is tokenised with the caption as one string.
    case text(String)
    /// The tokenizer's EOS.
    case eos
  }

  /// How the contrastive loss is set up.
  package struct Contrastive: Sendable, Equatable {
    package var loss = ContrastiveLoss.infonce
    package var readout = Readout.layer(2)
    package var imagePrompt = ""
    package var textPrompt = ""
    package var temperature = 0.07
    package var learnsTemperature = true
    /// Whether captions are compared with other samples' images: a control, with the same loss on broken pairs.
    package var shuffles = false
    /// Samples that are compared with each other; nil for those of a batch.
    package var batch: Int?
  }

  /// How long a run is.
  package enum Duration: Sendable, Equatable {
    case epochs(Int)
    case steps(Int)
  }

  /// Of products with the decoder's frozen weights.
  package enum Precision: String, Sendable, CaseIterable {
    /// bf16 where the processor is faster in it and the decoder is wide enough for that to be felt.
    case auto
    case f32
    case bf16

    /// Narrower decoders spend their time elsewhere.
    private static let narrow = 256

    /// What it means here.
    ///
    /// - Parameter width: C of the decoder.
    package func resolved(width: Int) -> ProductPrecision {
      switch self {
      case .auto: width >= Self.narrow && ProductPrecision.hasFastBFloat16 ? .bfloat16 : .single
      case .f32: .single
      case .bf16: .bfloat16
      }
    }
  }

  package enum NonFinite: String, Sendable, CaseIterable {
    case stop
    case skip
  }

  /// What held-out data is measured on, and how often.
  package struct Evaluation: Sendable, Equatable {
    package var pairs: String
    /// `FILE` or `FILE::KEY` in place of its images.
    package var features: String?
    /// Steps between two evaluations; the start and the end have one each.
    package var every = 50
    /// Where gaps are read; nil for `input` and the contrastive readout.
    package var readouts: [Readout]?
    /// Questions that are asked at the end of each stage.
    package var questions: String?
    /// Held-out images that captions are written for at the end of each stage.
    package var captions = 200
    /// Words that say what an image shows: `attribute_f1` compares those of written and true captions.
    package var attributes: [String] = []
  }

  /// The second stage: questions are learnt, by the projector and by adapters of the decoder.
  package struct Instruct: Sendable, Equatable {
    package var questions: String
    package var steps = 100
    package var rank = 8
    package var alpha = 16.0
    /// Of the adapters.
    package var rate = 3e-3
    package var projectorRate = 1e-3
    /// nil for the first stage's.
    package var batch: Int?
  }

  package var parts: ModelParts
  package var features: String?
  package var pairs: String
  package var projector = ProjectorStart.new(depth: 2, hidden: nil, outputScale: 1)
  package var prompt = ""
  package var end = TemplateEnd.text("\n")
  /// What is put to the decoder for a question: `{question}` stands for its text.
  package var questionTemplate = "{question}"
  package var objective = Objective.joint
  package var ntpWeight = 1.0
  package var contrastiveWeight = 1.0
  package var contrastive = Contrastive()
  package var rate = 1e-3
  package var optimizer = AdamWSettings()
  package var schedule = LearningRateSchedule.Kind.cosine
  /// nil where the file does not say: 0.03 for cosine, 0 for constant.
  package var warmupRatio: Double?
  package var duration = Duration.epochs(1)
  package var batch = 256
  package var microBatch = 8
  package var precision = Precision.auto
  package var seed: UInt64 = 0
  package var threads = 0
  package var saveEvery = 50
  package var onNonFinite = NonFinite.stop
  package var skipsBadImages = false
  package var evaluation: Evaluation?
  package var instruct: Instruct?

  package init(parts: ModelParts, pairs: String) {
    self.parts = parts
    self.pairs = pairs
  }

  /// Warm-up as the schedule has it.
  package var warmup: Double { warmupRatio ?? (schedule == .cosine ? 0.03 : 0) }

  /// Readouts of evaluations.
  package var evaluatedReadouts: [Readout] {
    if let own = evaluation?.readouts { return own }
    return objective.contrasts && contrastive.readout != .input ? [.input, contrastive.readout] : [.input]
  }
}
