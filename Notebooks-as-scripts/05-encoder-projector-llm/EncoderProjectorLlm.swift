import EmbeddingGap
import Notebook

/// Encoder, projector, LLM.
///
/// Does the contrastive loss close the gap whatever the parts are, and which part matters? Two vision encoders (`clip`, and
/// `clip-small` of half the width, which names far fewer objects), two projectors, two decoders of different families: eight
/// models, two seeds, 80 steps on 800 scenes, with next-token loss alone and jointly at readout `input`.
///
/// Encoders and decoders are single draws of their kind, and 80 steps are few: what holds in all eight is worth more than the
/// order among them.
@main struct EncoderProjectorLlm {
  static func main() { Notebook.run(#filePath, tolerance: .training, cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. In all eight models, joint training ends with nearer centres
    //
    // `ComparisonPlan` crosses the varied keys. Rows are models, columns seeds. The difference is paired: same start, same
    // batches.
    notebook.cell()
    let experiment = try EmbeddedExperiment(scenes: notebook.work + "/scenes", isQuick: true)
    let data = try experiment.drawScenes { _, _ in }
    let crossing = try Crossing(experiment, data, notebook)
    notebook.show("runs", Double(crossing.plan.runs), places: 0)
    let distance = "metrics.input.centroid_distance"
    for arm in [ComparisonArm.ntp, .joint] {
      notebook.table(Crossing.head("distance, \(arm)"), crossing.rows { crossing.values($0, distance, arm) })
    }
    notebook.table(Crossing.head("joint less ntp"), crossing.rows { crossing.differences($0, distance) })
    notebook.claim(
      "joint is nearer in each of 16 pairs of runs",
      Crossing.models.allSatisfy { model in
        zip(crossing.values(model, distance, .ntp), crossing.values(model, distance, .joint))
          .allSatisfy { $1 < $0 }
      })
    try notebook.figure(
      "distance", crossing.figure(distance, "centroid distance"),
      "Centroid distance at input, mean of two seeds with their range.")

    // MARK: - 2. How well pairs match depends on the parts
    //
    // The margin, and recall of the right caption. With next-token loss alone both stay near nothing, whatever the parts.
    notebook.cell()
    for (name, key) in [("margin", "matching_margin"), ("R@1", "retrieval.image_to_text.r1")] {
      for arm in [ComparisonArm.ntp, .joint] {
        notebook.table(
          Crossing.head("\(name), \(arm)"), crossing.rows { crossing.values($0, "metrics.input." + key, arm) })
      }
    }
    let margin = "metrics.input.matching_margin"
    notebook.claim(
      "joint has the larger margin in each of 16 pairs of runs",
      Crossing.models.allSatisfy { crossing.differences($0, margin).allSatisfy { $0 > 0 } })
    try notebook.figure(
      "recall", crossing.figure("metrics.input.retrieval.image_to_text.r1", "recall, image to text"),
      "Share of images whose caption comes first, mean of two seeds with their range.")

    // MARK: - 3. What each part changes
    //
    // Effect of exchanging one part, other parts and seeds alike: the mean of eight paired differences of joint runs, with
    // Student's 95% interval over them. Eight runs of four models are no eight models: the interval speaks of these parts. The
    // decoders have spaces and losses of their own, so of their rows only margin and recall compare like with like.
    notebook.cell()
    for (name, key) in [
      ("distance", distance), ("margin", margin), ("R@1", "metrics.input.retrieval.image_to_text.r1"),
      ("caption loss", "evaluation.aligned.ntp_loss"),
    ] {
      notebook.table([name, "mean", "95% from", "to"], crossing.effects(key))
    }
    let recall = "metrics.input.retrieval.image_to_text.r1"
    notebook.claim(
      "the better encoder finds more captions: the interval lies above 0", crossing.isAbove(recall, part: 0))
    notebook.claim(
      "two layers find more captions than one: the interval lies above 0", crossing.isAbove(recall, part: 1))

    // MARK: - 4. What the loss costs in captions
    //
    // Next-token loss on held-out captions, and joint less next-token training. The nearer gap is not free everywhere: with
    // the GPT-2-like decoder joint training tells captions worse, most of all with the projector that closes the gap best.
    notebook.cell()
    let loss = "evaluation.aligned.ntp_loss"
    notebook.table(Crossing.head("ntp"), crossing.rows { crossing.values($0, loss, .ntp) })
    notebook.table(Crossing.head("joint less ntp"), crossing.rows { crossing.differences($0, loss) })
    notebook.claim(
      "with two layers and gpt2, joint training is worse at captions, with both encoders and in every seed",
      Crossing.models.filter { $0.parts[1] != "linear" && $0.parts[2] == "gpt2" }
        .allSatisfy { crossing.differences($0, loss).allSatisfy { $0 > 0 } })
  }
}
