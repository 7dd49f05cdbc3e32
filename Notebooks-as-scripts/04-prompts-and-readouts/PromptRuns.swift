import EmbeddingGap
import Notebook

/// A comparison on both decoders, and its numbers as rows of tables.
struct PromptRuns {
  static let decoders = ["llama", "gpt2"]
  static let head = ["seed 0", "seed 1", "seed 2", "mean"]
  private let outcome: Comparison.Outcome
  /// Decoders by their names.
  private let folders: [String: String]

  /// Makes the runs.
  ///
  /// - Parameters:
  ///   - assignments: keys of the configuration with their values.
  ///   - steps: of every run.
  init(
    _ experiment: EmbeddedExperiment, _ data: [String], _ assignments: [String], arms: [ComparisonArm],
    steps: Int, _ notebook: Notebook
  ) throws {
    let paths = Self.decoders.map { notebook.fixture("miniature/" + $0) }
    folders = Dictionary(uniqueKeysWithValues: zip(Self.decoders, paths))
    let plan = try ComparisonPlan(
      path: experiment.configuration,
      assignments: data + [
        "instruct=null", "evaluation.questions=null", "evaluation.every=\(steps)", "evaluation.captions=0",
      ] + assignments,
      arms: arms, seeds: 3, budgets: [steps],
      variations: [ComparisonPlan.Variation(parsing: "llm=" + paths.joined(separator: ","))])
    outcome = try Comparison(plan).run()
  }

  /// A number after training, seed by seed.
  func values(_ decoder: String, _ quantity: String, _ arm: ComparisonArm) -> [Double] {
    outcome.values(quantity, arm: arm, varied: varied(decoder))
  }

  /// The same before the first step.
  func valuesAtStart(_ decoder: String, _ quantity: String, _ arm: ComparisonArm) -> [Double] {
    outcome.valuesAtStart(quantity, arm: arm, varied: varied(decoder))
  }

  /// A row of a table: every seed, then their mean.
  static func row(_ name: String, _ values: [Double]) -> (String, [Double]) {
    (name, values + [Notebook.mean(values)])
  }

  /// Bars of some arms for each prompt, a panel for each decoder.
  static func figure(
    _ prompts: [(String, PromptRuns)], _ quantity: String, _ arms: [ComparisonArm], _ label: String
  ) -> Figure {
    let panels = decoders.map { decoder in
      BarChart(
        title: decoder, groups: prompts.map(\.0),
        series: arms.map { arm in
          let values = prompts.map { $0.1.values(decoder, quantity, arm) }
          return BarChart.Series(
            "\(arm)", values: values.map(Notebook.mean), lower: values.map { $0.min() ?? .nan },
            upper: values.map { $0.max() ?? .nan })
        },
        yLabel: label)
    }
    return Figure(panels.map { .bar($0) }, columns: 1, width: Figure.oneAndHalfColumns, sharesAxes: true)
  }

  private func varied(_ decoder: String) -> [String: String] { ["llm": folders[decoder] ?? ""] }
}
