package import GapModels

/// What a projector is trained for.
package enum Objective: String, Sendable, CaseIterable {
  /// Next-token loss alone.
  case ntp
  /// Contrastive loss alone.
  case contrastive
  /// Their weighted sum.
  case joint

  package var predictsTokens: Bool { self != .contrastive }
  package var contrasts: Bool { self != .ntp }
}

/// The losses of a run and how they are put together.
package struct AlignmentObjective: Sendable {
  package var kind: Objective
  package var ntpWeight = 1.0
  package var contrastiveWeight = 1.0
  package var loss = ContrastiveLoss.infonce
  /// Where vectors are read that the contrastive loss compares.
  package var readout = Readout.input
  /// What follows the image at readout `last`.
  package var imagePrompt: [Int32] = []

  package init(_ kind: Objective) { self.kind = kind }

  /// The weight of the contrastive loss in the whole.
  var contrast: Double { kind == .joint ? contrastiveWeight : 1 }
  /// The weight of the next-token loss in the whole.
  var prediction: Double { kind == .joint ? ntpWeight : 1 }
}

/// One image with what follows it.
package struct TrainingSample: Sendable, Equatable {
  /// Tokens between the image and the targets.
  package let prompt: [Int32]
  /// Tokens to be predicted.
  package let targets: [Int32]

  package init(prompt: [Int32], targets: [Int32]) {
    self.prompt = prompt
    self.targets = targets
  }
}

/// What the losses of one step were, before the update.
package struct StepLosses: Sendable, Equatable {
  /// Mean over all supervised tokens of the batch; nil when tokens are not predicted.
  package var ntp: Double?
  package var contrastive: Double?
}
