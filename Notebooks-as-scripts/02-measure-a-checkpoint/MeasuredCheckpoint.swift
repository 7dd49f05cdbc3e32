import EmbeddingGap
import Notebook

/// A projector after some steps of next-token training, and what its vectors say.
struct MeasuredCheckpoint {
  let embeddings: CheckpointEmbeddings
  let pair: EmbeddingPair
  /// Of vectors at readout `input`.
  let measurement: GapMeasurement
  /// What needs the model: layers, token clouds, vocabulary.
  let extras: ReportExtras

  /// Trains, then reads every layer off the held-out scenes.
  init(_ experiment: EmbeddedExperiment, _ data: [String], seed: Int, _ notebook: Notebook) throws {
    let configuration = try RunConfiguration(
      path: experiment.configuration,
      assignments: data + [
        "instruct=null", "evaluation=null", "objective=ntp", "steps=100", "seed=\(seed)",
      ])
    let run = try TrainingRun(configuration, directory: "\(notebook.work)/run-\(seed)").run(resumes: false)
    var request = CheckpointRequest(
      parts: ModelParts(
        checkpoint: nil, vision: notebook.fixture("miniature/clip"),
        decoder: notebook.fixture("miniature/llama"), projector: run.projectorFile),
      pairs: experiment.heldOutPairs)
    request.readout = .layers
    embeddings = try CheckpointEmbeddings(request)
    extras = try ReportExtras(embeddings, readout: .layers, ids: embeddings.ids)
    let input = embeddings.vectors[0]
    pair = try EmbeddingPair(image: input.image, text: input.text, ids: embeddings.ids)
    measurement = try GapMeasurement(of: pair)
  }

  /// Captions in even places against captions in odd places: two samples of one modality.
  ///
  /// - Parameter layer: a readout's place, 0 for `input`, then layer by layer.
  func captionsAmongThemselves(_ place: Int) throws -> Double {
    let rows = embeddings.vectors[place].text
    var numbers = [Double](repeating: 0, count: rows.count * rows.dimension)
    var span = numbers.mutableSpan
    rows.read(0..<rows.count, into: &span)
    func half(_ first: Int) -> EmbeddingMatrix {
      let own = stride(from: first, to: rows.count - rows.count % 2, by: 2)
      return EmbeddingMatrix(
        own.flatMap { numbers[$0 * rows.dimension..<($0 + 1) * rows.dimension] }, dimension: rows.dimension)
    }
    return try CentroidGap(of: EmbeddingPair(image: half(0), text: half(1))).distance
  }

  /// A number at a layer.
  func layer(_ layer: Int, _ key: String) -> Double {
    extras.metrics.table("layers")?[layer].number(key) ?? .nan
  }
}
