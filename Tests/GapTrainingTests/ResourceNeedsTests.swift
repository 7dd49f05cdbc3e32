import GapLinearAlgebra
import GapTraining
import Testing

/// What a run needs against what is there.
@Suite struct ResourceNeedsTests {
  static let needs = ResourceNeeds(
    disk: [
      .init(name: "image features", bytes: 900, hint: "fewer pairs"),
      .init(name: "checkpoints", bytes: 100, hint: "x"),
    ],
    memory: [
      .init(name: "decoder", bytes: 40, hint: "y"),
      .init(name: "activations", bytes: 60, hint: "a smaller micro_batch"),
    ])

  @Test func whatFitsExactlyPasses() throws {
    try Self.needs.check("run", free: 1000, memory: 100)
    try Self.needs.check("run", free: nil, memory: nil)
  }

  @Test func oneByteTooLittleIsToldWithTheLargestPartsHint() {
    #expect {
      try Self.needs.check("run", free: 999, memory: 100)
    } throws: { error in
      guard case TrainingError.cannotWrite(path: "run", let reason) = error else { return false }
      return ["1000", "999", "fewer pairs", "image features 900"].allSatisfy { reason.contains($0) }
    }
    #expect {
      try Self.needs.check("run", free: 1000, memory: 99)
    } throws: { error in
      guard case TrainingError.tooLarge = error else { return false }
      return ["100", "99", "smaller micro_batch"].allSatisfy { "\(error)".contains($0) }
    }
  }

  @Test func whatNoIntHoldsIsToldToo() {
    let needs = ResourceNeeds(disk: [.init(name: "checkpoints", bytes: 1e30, hint: "less")])
    #expect {
      try needs.check("run", free: 1, memory: nil)
    } throws: { "\($0)".contains("1e+30") }
  }
}
