import EmbeddingGap
import Notebook

/// Prompts and readouts.
///
/// Where on the decoder should image and caption be compared, and what should the decoder be asked there? At readout `last`
/// the contrastive loss holds the last hidden state after image and prompt against the last one after caption and prompt;
/// at `input` and `layer:K` there is no prompt, and means over tokens are compared.
///
/// Both embedded decoders: one of Llama's kind, one of GPT-2's. Three seeds and 80 steps each, on 800 scenes: enough to see
/// large effects, not small ones.
@main struct PromptsAndReadouts {
  // Training carries rounding on: with OpenBLAS's kernels for other processors no number moved by more than a fifth of this.
  static func main() { Notebook.run(#filePath, tolerance: Tolerance(absolute: 0.02), cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. The prompt decides whether captions differ at all
    //
    // Before any training, and without a single image: the last state after caption and prompt holds what the decoder expects
    // to write next, and no more. `text_cone` is the mean cosine of two different captions there; at 1 all captions share one
    // vector, and no loss can match images with them.
    notebook.cell()
    let experiment = try EmbeddedExperiment(scenes: notebook.work + "/scenes", isQuick: true)
    let data = try experiment.drawScenes { _, _ in }
    let prompts = ["in one word :", "in other words :", ""]
    let last = ComparisonArm.jointAt(.last)
    let asked = try prompts.map { prompt in
      try PromptRuns(
        experiment, data,
        [
          "contrastive.image_prompt=\"\(prompt)\"", "contrastive.text_prompt=\"\(prompt)\"",
          "evaluation.readouts=[input, last]",
        ],
        arms: [.ntp, last], steps: 80, notebook)
    }
    let names = prompts.map { $0.isEmpty ? "no prompt" : "“\($0)”" }
    func cone(_ decoder: String, _ prompt: Int) -> Double {
      asked[prompt].valuesAtStart(decoder, "metrics.last.text_cone", .ntp)[0]
    }
    notebook.table(
      ["text_cone at last"] + names,
      PromptRuns.decoders.map { decoder in (decoder, prompts.indices.map { cone(decoder, $0) }) })
    notebook.table(
      ["margin"] + names,
      PromptRuns.decoders.map { decoder in (decoder, prompts.indices.map { cone(decoder, $0) }) })

    // MARK: - 2. With the loss at last
    //
    notebook.cell()
    for decoder in PromptRuns.decoders {
      for key in ["matching_margin", "retrieval.image_to_text.r1", "centroid_distance", "paired_cosine.mean"] {
        notebook.table(
          ["\(decoder): \(key)"] + PromptRuns.head,
          prompts.indices.flatMap { prompt in
            [ComparisonArm.ntp, last].map { arm in
              PromptRuns.row(
                "\(names[prompt]), \(arm)", asked[prompt].values(decoder, "metrics.last." + key, arm))
            }
          })
      }
      notebook.table(
        ["\(decoder): loss"] + PromptRuns.head,
        prompts.indices.flatMap { prompt in
          [ComparisonArm.ntp, last].map { arm in
            PromptRuns.row(
              "\(names[prompt]), \(arm)", asked[prompt].values(decoder, "evaluation.aligned.ntp_loss", arm))
          }
        })
    }

    // MARK: - 3. Readouts
    //
    notebook.cell()
    let arms: [ComparisonArm] = [.ntp, .jointAt(.input), .jointAt(.layer(2)), last]
    let runs = try PromptRuns(
      experiment, data, ["evaluation.readouts=[input, \"layer:2\", last]"], arms: arms, steps: 80, notebook)
    for decoder in PromptRuns.decoders {
      for key in ["matching_margin", "retrieval.image_to_text.r1", "centroid_distance"] {
        for readout in ["input", "layer:2", "last"] {
          notebook.table(
            ["\(decoder): \(key) \(readout)"] + PromptRuns.head,
            arms.map { PromptRuns.row("\($0)", runs.values(decoder, "metrics.\(readout).\(key)", $0)) })
        }
      }
    }

    // MARK: - 4. The prompt of the captions
    //
    notebook.cell()
    for prompt in ["in other words :", "in one word :", ""] {
      let runs = try PromptRuns(
        experiment, data,
        ["template.prompt=\"\(prompt)\"", "evaluation.readouts=[input]"], arms: [.ntp, .jointAt(.input)],
        steps: 80, notebook)
      for decoder in PromptRuns.decoders {
        for key in [
          "metrics.input.centroid_distance", "metrics.input.matching_margin", "evaluation.aligned.ntp_loss",
        ] {
          notebook.table(
            ["\(decoder): \(key) \(prompt)"] + PromptRuns.head,
            [.ntp, .jointAt(.input)].map { PromptRuns.row("\($0)", runs.values(decoder, key, $0)) })
        }
      }
    }
  }
}
