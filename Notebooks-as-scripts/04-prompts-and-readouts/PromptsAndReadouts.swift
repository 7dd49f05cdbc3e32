import EmbeddingGap
import Notebook

/// Prompts and readouts.
///
/// Where on the decoder should image and caption be compared, and what should the decoder be asked there? At readout `last`
/// the contrastive loss holds the last hidden state after image and prompt against the last one after caption and prompt;
/// at `input` and `layer:K` there is no prompt, and means over tokens are compared.
///
/// Both embedded decoders: one of Llama's kind, one of GPT-2's. Three seeds and 80 steps each, on 800 scenes: enough to see
/// large effects, not small ones. At 60 steps the loss at `input` and `layer:2` had not yet come to much in the second decoder.
@main struct PromptsAndReadouts {
  static func main() { Notebook.run(#filePath, tolerance: .training, cells) }

  static func cells(_ notebook: inout Notebook) throws {
    // MARK: - 1. After "in other words :" all captions share one vector
    //
    // Before any training, and without a single image: the last state after caption and prompt holds what the decoder expects
    // to write next, and no more. `text_cone` is the mean cosine of two different captions there; at 1 no loss can match images
    // with them. Both decoders learnt to go on with another caption after "in other words :", and with an attribute of
    // the scene after "in one word :".
    notebook.cell()
    let experiment = try EmbeddedExperiment(scenes: notebook.work + "/scenes", isQuick: true)
    let data = try experiment.drawScenes { _, _ in }
    let last = ComparisonArm.jointAt(.last)
    let everywhere: [ComparisonArm] = [.ntp, .jointAt(.input), .jointAt(.layer(2)), last]
    func asking(_ prompt: String, _ arms: [ComparisonArm]) throws -> PromptRuns {
      try PromptRuns(
        experiment, data,
        [
          "contrastive.image_prompt=\"\(prompt)\"", "contrastive.text_prompt=\"\(prompt)\"",
          "evaluation.readouts=[input, \"layer:2\", last]",
        ],
        arms: arms, steps: 80, notebook)
    }
    let oneWord = try asking("in one word :", everywhere)
    let prompts = [
      ("“in one word :”", oneWord), ("“in other words :”", try asking("in other words :", [.ntp, last])),
      ("no prompt", try asking("", [.ntp, last])),
    ]
    let decoders = PromptRuns.decoders
    let cones = decoders.map { decoder in
      prompts.map { $0.1.valuesAtStart(decoder, "metrics.last.text_cone", .ntp)[0] }
    }
    notebook.table(["text_cone at last"] + prompts.map(\.0), Array(zip(decoders, cones)))
    notebook.claim("“in other words :”: over 0.99 in both decoders", cones.allSatisfy { $0[1] > 0.99 })
    notebook.claim("“in one word :”: below 0.9 in both decoders", cones.allSatisfy { $0[0] < 0.9 })

    // MARK: - 2. Of three prompts, only the one that asks for content lets pairs find each other
    //
    // With the loss at `last`. Captions that differ are not enough: without a prompt they do, but the image's last state then
    // expects the beginning of a caption, and the caption's what follows its end. And a paired cosine alone would have chosen
    // the worst prompt: after "in other words :" it is nearly 1, of strangers too.
    notebook.cell()
    let recall = "retrieval.image_to_text.r1"
    for decoder in decoders {
      for (name, key) in [
        ("R@1", recall), ("margin", "matching_margin"), ("paired cosine", "paired_cosine.mean"),
      ] {
        notebook.table(
          ["\(decoder), \(name) at last"] + PromptRuns.head,
          prompts.flatMap { prompt, runs in
            [ComparisonArm.ntp, last].map { arm in
              PromptRuns.row("\(prompt), \(arm)", runs.values(decoder, "metrics.last." + key, arm))
            }
          })
      }
    }
    /// Whether a number of the runs with the loss at `last` is as it should be, in every seed of both decoders.
    func always(_ prompt: Int, _ key: String, _ holds: (Double) -> Bool) -> Bool {
      decoders.allSatisfy { prompts[prompt].1.values($0, "metrics.last." + key, last).allSatisfy(holds) }
    }
    notebook.claim(
      "“in one word :”: over a fifth of images find their caption first", always(0, recall) { $0 > 0.2 })
    notebook.claim("“in other words :”: fewer than one in twenty do", always(1, recall) { $0 < 0.05 })
    notebook.claim("no prompt: fewer than one in twenty do", always(2, recall) { $0 < 0.05 })
    notebook.claim(
      "“in other words :”: the paired cosine is over 0.95 all the same",
      always(1, "paired_cosine.mean") { $0 > 0.95 })
    try notebook.figure(
      "prompts", PromptRuns.figure(prompts, "metrics.last." + recall, [.ntp, last], "recall, image to text"),
      "Share of images whose caption comes first at readout last, mean of three seeds with their range.")

    // MARK: - 3. The loss works where it is put, and less the further away one looks
    //
    // Rows say where the loss was put, columns where the vectors are read; prompt "in one word :". Recall and margin follow the
    // loss. The distance of the centres does not always: at `last` the loss on `layer:2` brings llama's nearer than the loss on
    // `last` does, which leaves them further apart than next-token training.
    notebook.cell()
    let readouts: [Readout] = [.input, .layer(2), .last]
    for decoder in decoders {
      for (name, key) in [("R@1", recall), ("margin", "matching_margin"), ("distance", "centroid_distance")] {
        notebook.table(
          ["\(decoder), \(name), means"] + readouts.map { "\($0)" },
          everywhere.map { arm in
            (
              "\(arm)",
              readouts.map { Notebook.mean(oneWord.values(decoder, "metrics.\($0).\(key)", arm)) }
            )
          })
      }
      notebook.table(
        ["\(decoder), R@1 where the loss is"] + PromptRuns.head,
        readouts.map { readout in
          PromptRuns.row(
            "\(readout)", oneWord.values(decoder, "metrics.\(readout).\(recall)", .jointAt(readout)))
        })
    }
    notebook.claim(
      "at each readout, in every seed of both decoders, the loss that is put there finds the most captions",
      decoders.allSatisfy { decoder in
        readouts.allSatisfy { readout in
          everywhere.filter { $0 != .jointAt(readout) }.allSatisfy { other in
            let quantity = "metrics.\(readout).\(recall)"
            return zip(
              oneWord.values(decoder, quantity, .jointAt(readout)), oneWord.values(decoder, quantity, other)
            ).allSatisfy { $0 > $1 }
          }
        }
      })
    notebook.claim(
      "the loss at last leaves the gap at the input: no seed of either decoder closes a tenth of it",
      decoders.allSatisfy { decoder in
        let distance = "metrics.input.centroid_distance"
        return zip(oneWord.values(decoder, distance, .ntp), oneWord.values(decoder, distance, last))
          .allSatisfy { $1 > 0.9 * $0 }
      })

    // MARK: - 4. The prompt before the captions of next-token training
    //
    // `template.prompt` stands between image and caption in the next-token loss; at `input` the contrastive loss does not see
    // it. Does the effect depend on it? Here it is left out, and above it was "in other words :". Pairs find each other as
    // well without it, but the gap closes less, and in one seed of gpt2 not at all.
    notebook.cell()
    let bare = try PromptRuns(
      experiment, data, ["template.prompt=\"\"", "evaluation.readouts=[input]"],
      arms: [.ntp, .jointAt(.input)], steps: 80, notebook)
    let templates = [("“in other words :”", oneWord), ("no prompt", bare)]
    for decoder in decoders {
      for (name, quantity) in [
        ("distance", "metrics.input.centroid_distance"), ("R@1", "metrics.input." + recall),
        ("caption loss", "evaluation.aligned.ntp_loss"),
      ] {
        notebook.table(
          ["\(decoder), \(name)"] + PromptRuns.head,
          templates.flatMap { template, runs in
            [ComparisonArm.ntp, .jointAt(.input)].map {
              PromptRuns.row("\(template), \($0)", runs.values(decoder, quantity, $0))
            }
          })
      }
    }
    func nearer(_ runs: PromptRuns, _ decoder: String) -> Bool {
      let distance = "metrics.input.centroid_distance"
      return zip(runs.values(decoder, distance, .ntp), runs.values(decoder, distance, .jointAt(.input)))
        .allSatisfy { $1 < $0 }
    }
    notebook.claim(
      "after “in other words :”, joint training ends nearer in every seed of both decoders",
      decoders.allSatisfy { nearer(oneWord, $0) })
    notebook.claim("without a prompt, it does so in every seed of llama", nearer(bare, "llama"))
    notebook.claim(
      "gpt2 tells captions better after the prompt that it learnt, in every seed of either arm",
      [ComparisonArm.ntp, .jointAt(.input)].allSatisfy { arm in
        let loss = "evaluation.aligned.ntp_loss"
        return zip(oneWord.values("gpt2", loss, arm), bare.values("gpt2", loss, arm)).allSatisfy { $0 < $1 }
      })
  }
}
