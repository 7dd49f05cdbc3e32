import EmbeddingGap
import Notebook

/// Every encoder with every projector and every decoder, trained with and without the contrastive loss.
struct Crossing {
  /// A choice of each part.
  struct Model: Hashable {
    var parts: [String]
    var name: String { parts.joined(separator: ", ") }
  }

  static let keys = ["vision", "projector.kind", "llm"]
  static let choices = [["clip-small", "clip"], ["linear", "mlp2x_gelu"], ["gpt2", "llama"]]
  static let models = choices[0].flatMap { encoder in
    choices[1].flatMap { projector in choices[2].map { Model(parts: [encoder, projector, $0]) } }
  }

  let plan: ComparisonPlan
  private let outcome: Comparison.Outcome
  /// Choices as the configuration names them.
  private let written: [String: String]

  init(_ experiment: EmbeddedExperiment, _ data: [String], _ notebook: Notebook) throws {
    let paths = Self.choices.enumerated().map { place, choices in
      choices.map { place == 1 ? $0 : notebook.fixture("miniature/" + $0) }
    }
    written = Dictionary(uniqueKeysWithValues: zip(Self.choices.flatMap { $0 }, paths.flatMap { $0 }))
    plan = try ComparisonPlan(
      path: experiment.configuration,
      assignments: data + [
        "instruct=null", "evaluation.questions=null", "evaluation.every=80", "evaluation.captions=0",
        "evaluation.readouts=[input]",
      ],
      arms: [.ntp, .joint], seeds: 2, budgets: [80],
      variations: zip(Self.keys, paths).map { key, values in
        try ComparisonPlan.Variation(parsing: "\(key)=\(values.joined(separator: ","))")
      })
    outcome = try Comparison(plan).run()
  }

  static func head(_ name: String) -> [String] { [name, "seed 0", "seed 1", "mean"] }

  /// A row for each model: every seed, then their mean.
  func rows(_ values: (Model) -> [Double]) -> [(String, [Double])] {
    Self.models.map { ($0.name, values($0) + [Notebook.mean(values($0))]) }
  }

  /// A number after training, seed by seed.
  func values(_ model: Model, _ quantity: String, _ arm: ComparisonArm) -> [Double] {
    outcome.values(
      quantity, arm: arm,
      varied: Dictionary(uniqueKeysWithValues: zip(Self.keys, model.parts.map { written[$0] ?? $0 })))
  }

  /// Joint less next-token training, seed by seed.
  func differences(_ model: Model, _ quantity: String) -> [Double] {
    zip(values(model, quantity, .joint), values(model, quantity, .ntp)).map(-)
  }

  /// What the second choice of each part gives more than the first, other parts and seeds alike.
  func effects(_ quantity: String) -> [(String, [Double])] {
    Self.keys.indices.map { part in
      let effect = effect(quantity, part)
      return (
        "\(Self.choices[part][1]) for \(Self.choices[part][0])",
        [effect.mean, effect.interval?.low ?? .nan, effect.interval?.high ?? .nan]
      )
    }
  }

  /// Whether the interval of a part's effect lies above 0.
  func isAbove(_ quantity: String, part: Int) -> Bool {
    effect(quantity, part).interval.map { $0.low > 0 } ?? false
  }

  private func effect(_ quantity: String, _ part: Int) -> PairedDifference {
    let differences = Self.models.filter { $0.parts[part] == Self.choices[part][0] }.flatMap { model in
      var other = model
      other.parts[part] = Self.choices[part][1]
      return zip(values(other, quantity, .joint), values(model, quantity, .joint)).map(-)
    }
    return PairedDifference(differences)
  }

  /// Bars of both arms, a panel for each encoder.
  func figure(_ quantity: String, _ label: String) -> Figure {
    let panels = Self.choices[0].map { encoder in
      let own = Self.models.filter { $0.parts[0] == encoder }
      return BarChart(
        title: encoder,
        groups: own.map { $0.parts[1] == "linear" ? "linear, \($0.parts[2])" : "mlp, \($0.parts[2])" },
        series: [ComparisonArm.ntp, .joint].map { arm in
          let values = own.map { self.values($0, quantity, arm) }
          return BarChart.Series(
            "\(arm)", values: values.map(Notebook.mean), lower: values.map { $0.min() ?? .nan },
            upper: values.map { $0.max() ?? .nan })
        },
        yLabel: label)
    }
    return Figure(panels.map { .bar($0) }, columns: 1, width: Figure.oneAndHalfColumns, sharesAxes: true)
  }
}
