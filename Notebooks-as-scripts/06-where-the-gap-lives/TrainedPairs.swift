import EmbeddingGap
import Notebook

/// Held-out pairs at readout `input` after training, one a seed.
struct TrainedPairs {
  let objective: String
  let pairs: [EmbeddingPair]
  let measurements: [GapMeasurement]

  init(_ experiment: EmbeddedExperiment, _ data: [String], _ objective: String, _ notebook: Notebook) throws {
    self.objective = objective
    var made: [EmbeddingPair] = []
    for seed in 0..<3 {
      let configuration = try RunConfiguration(
        path: experiment.configuration,
        assignments: data + [
          "instruct=null", "objective=\(objective)", "steps=100", "seed=\(seed)", "evaluation.every=100",
          "evaluation.captions=0", "evaluation.questions=null", "evaluation.readouts=[input]",
        ])
      let run = TrainingRun(configuration, directory: "\(notebook.work)/\(objective)-\(seed)")
      made.append(try run.run(resumes: false).pair)
    }
    pairs = made
    measurements = try made.map { try Self.measured($0) }
  }

  /// Without intervals: seeds tell how sure the numbers are.
  static func measured(_ pair: EmbeddingPair) throws -> GapMeasurement {
    var options = MeasurementOptions()
    options.resamples = 0
    return try GapMeasurement(of: pair, options: options)
  }

  /// The same pairs after fixes.
  func fixed(by fixes: [GapFix]) throws -> [GapMeasurement] {
    try pairs.map { try Self.measured($0.fixed(by: fixes)) }
  }

  /// The squared difference of the centres, dimension by dimension.
  func shares(_ seed: Int) throws -> DimensionShares {
    DimensionShares(try CentroidGap(of: pairs[seed]).absoluteDifferences)
  }
}
