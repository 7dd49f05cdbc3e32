import EmbeddingGap
import Notebook

/// A comparison's numbers, arm by arm, as rows of tables.
struct Arms {
  static let all: [ComparisonArm] = [.ntp, .joint, .shuffled]
  static let differenceHead = ["less ntp", "mean", "95% from", "to"]
  let outcome: Comparison.Outcome

  static func head(_ name: String) -> [String] { [name, "seed 0", "seed 1", "seed 2", "seed 3", "mean"] }

  init(_ outcome: Comparison.Outcome) { self.outcome = outcome }

  /// Before the first step.
  func starts(_ quantity: String) -> [(String, [Double])] {
    rows { outcome.valuesAtStart(quantity, arm: $0) }
  }

  /// After the last one.
  func values(_ quantity: String) -> [(String, [Double])] {
    rows { outcome.values(quantity, arm: $0) }
  }

  private func rows(_ values: (ComparisonArm) -> [Double]) -> [(String, [Double])] {
    Self.all.map { ("\($0)", values($0) + [Notebook.mean(values($0))]) }
  }

  /// Paired by seed, against next-token loss.
  func differences(_ quantity: String) -> [(String, [Double])] {
    Self.all.dropFirst().map { arm in
      let difference = outcome.difference(quantity, arm: arm)
      let interval = difference?.interval
      return ("\(arm)", [difference?.mean ?? .nan, interval?.low ?? .nan, interval?.high ?? .nan])
    }
  }

  func isBelow(_ quantity: String, _ arm: ComparisonArm) -> Bool {
    interval(quantity, arm).map { $0.high < 0 } ?? false
  }

  func isAbove(_ quantity: String, _ arm: ComparisonArm) -> Bool {
    interval(quantity, arm).map { $0.low > 0 } ?? false
  }

  private func interval(_ quantity: String, _ arm: ComparisonArm) -> Interval? {
    outcome.difference(quantity, arm: arm)?.interval
  }
}
