import GapModels

/// What a comparison runs: every arm with every seed and budget, for every combination of varied keys.
public struct ComparisonPlan: Sendable {
  /// A key of `RUN.yaml` with the values that it takes in turn.
  public struct Variation: Sendable, Equatable {
    /// The key, dotted.
    public let key: String
    /// Its values, as they are written.
    public let values: [String]

    /// Reads `KEY=a,b,c`; a value with a comma in it stands in double quotes.
    ///
    /// - Throws: `TrainingError.badValue`.
    public init(parsing text: String) throws {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw TrainingError.badValue(place: "--vary", key: text, expected: "KEY=a,b,c", found: "no “=”")
      }
      key = String(parts[0])
      values = Self.split(String(parts[1]))
      guard Set(values).count == values.count, values.count > 1 else {
        throw TrainingError.badValue(
          place: "--vary", key: key, expected: "two or more values, each once", found: String(parts[1]))
      }
    }

    private static func split(_ text: String) -> [String] {
      var (values, isQuoted) = ([""], false)
      for character in text {
        if character == "\"" {
          isQuoted.toggle()
        } else if character == ",", !isQuoted {
          values.append("")
        } else {
          values[values.count - 1].append(character)
        }
      }
      return values
    }
  }

  /// One combination of the varied keys' values.
  package struct Setting: Sendable {
    /// Key and value, in the order of the variations.
    package let values: [(key: String, value: String)]
    package let configuration: RunConfiguration
  }

  /// Keys that arms, seeds and budgets decide, with what says them.
  private static let decided = [
    "objective": "--arms", "contrastive.shuffle": "--arms", "seed": "--seeds", "steps": "--steps",
    "epochs": "--steps",
  ]

  /// The configuration that all runs share but for what is varied.
  public let configuration: RunConfiguration
  /// Arms; `ntp` is what others are compared with.
  public let arms: [ComparisonArm]
  /// Seeds, each of which gives all arms the same start and batches.
  public let seeds: [UInt64]
  /// Steps of the first stage, each a comparison of its own.
  public let budgets: [Int]
  package let settings: [Setting]

  /// - Parameters:
  ///   - path: `RUN.yaml`.
  ///   - assignments: `key=value` each, in place of what the file says.
  ///   - arms: at least one.
  ///   - seeds: how many; they count up from the configuration's.
  ///   - budgets: empty for the configuration's own steps.
  ///   - variations: keys with the values to compare at; every combination is a setting.
  /// - Throws: `TrainingError`.
  public init(
    path: String, assignments: [String] = [], arms: [ComparisonArm], seeds: Int, budgets: [Int] = [],
    variations: [Variation] = []
  ) throws {
    func read(_ varied: [(key: String, value: String)]) throws -> RunConfiguration {
      var configuration = try RunConfiguration(
        path: path, assignments: assignments + varied.map { "\($0.key)=\($0.value)" })
      guard configuration.evaluation != nil else {
        throw TrainingError.missingKey(
          place: path, key: "evaluation",
          hint: "held-out pairs that arms are compared on: evaluation: {pairs: FILE}")
      }
      if configuration.evaluation?.readouts == nil {
        let readouts = arms.map { $0.applied(to: configuration).contrastive.readout }
        configuration.evaluation?.readouts = readouts.reduce(into: [.input]) { list, readout in
          if !list.contains(readout) { list.append(readout) }
        }
      }
      return configuration
    }
    configuration = try read([])
    self.arms = arms
    let first = configuration.seed
    self.seeds = (0..<UInt64(seeds)).map { first + $0 }
    if budgets.isEmpty, case .steps(let steps) = configuration.duration {
      self.budgets = [steps]
    } else {
      self.budgets = budgets
    }
    guard !self.budgets.isEmpty else {
      throw TrainingError.missingKey(
        place: path, key: "steps", hint: "a comparison counts steps: steps: N, or --steps")
    }
    for variation in variations {
      guard let option = Self.decided[variation.key] else { continue }
      throw TrainingError.badValue(
        place: "--vary", key: variation.key, expected: "a key that a comparison leaves alone",
        found: "\(variation.key), which \(option) decides")
    }
    var combinations: [[(key: String, value: String)]] = [[]]
    for variation in variations {
      combinations = combinations.flatMap { combination in
        variation.values.map { combination + [(variation.key, $0)] }
      }
    }
    settings = try combinations.map { Setting(values: $0, configuration: try read($0)) }
  }

  /// The whole configuration as `RUN.yaml` is read.
  public var configurationText: String { configuration.yaml }

  /// Runs that will be made.
  public var runs: Int { settings.count * arms.count * seeds.count * budgets.count }
}
