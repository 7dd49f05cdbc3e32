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
    /// Samples that are compared with each other; nil for those of a batch.
    package var batch: Int?
  }

  /// How long a run is.
  package enum Duration: Sendable, Equatable {
    case epochs(Int)
    case steps(Int)
  }

  package enum Precision: String, Sendable, CaseIterable {
    case auto
    case f32
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
  }

  package var parts: ModelParts
  package var features: String?
  package var pairs: String
  package var projector = ProjectorStart.new(depth: 2, hidden: nil, outputScale: 1)
  package var prompt = ""
  package var end = TemplateEnd.text("\n")
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
