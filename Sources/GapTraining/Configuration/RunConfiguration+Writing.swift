import GapModels

extension RunConfiguration {
  /// The configuration with every key and absolute paths, as `RUN.yaml` is read.
  package var yaml: String {
    var lines: [String] = []
    func add(_ key: String, _ value: String?) { if let value { lines.append("\(key): \(value)") } }
    add("checkpoint", parts.checkpoint.map(Self.quoted))
    add("vision", parts.vision.map(Self.quoted))
    add("llm", parts.decoder.map(Self.quoted))
    add("projector_file", parts.projector.map(Self.quoted))
    add("features", features.map(Self.quoted))
    add("pairs", Self.quoted(pairs))
    switch projector {
    case .checkpoint: add("projector", "{init: checkpoint}")
    case .new(let depth, let hidden, let outputScale):
      let kind = depth == 1 ? "linear" : "mlp\(depth)x_gelu"
      let width = hidden.map { ", hidden: \($0)" } ?? ""
      add("projector", "{kind: \(kind), init: seed, output_scale: \(outputScale)\(width)}")
    }
    let end =
      switch end {
      case .eos: "eos"
      case .text(let text): Self.quoted(text)
      }
    let question = questionTemplate == "{question}" ? "" : ", question: \(Self.quoted(questionTemplate))"
    add("template", "{prompt: \(Self.quoted(prompt)), end: \(end)\(question)}")
    add("objective", objective.rawValue)
    add("weights", "{ntp: \(ntpWeight), contrastive: \(contrastiveWeight)}")
    let control = contrastive.shuffles ? ", shuffle: true" : ""
    let larger = contrastive.batch.map { ", batch: \($0)" } ?? ""
    add(
      "contrastive",
      "{loss: \(contrastive.loss.rawValue), readout: \(Self.quoted("\(contrastive.readout)")), "
        + "image_prompt: \(Self.quoted(contrastive.imagePrompt)), text_prompt: \(Self.quoted(contrastive.textPrompt)), "
        + "temperature: \(contrastive.temperature), learn_temperature: \(contrastive.learnsTemperature)\(control)\(larger)}"
    )
    add(
      "optimizer",
      "{lr: \(rate), betas: [\(optimizer.beta1), \(optimizer.beta2)], eps: \(optimizer.epsilon), "
        + "weight_decay: \(optimizer.weightDecay), clip: \(optimizer.clip)}")
    add("schedule", "{kind: \(schedule.rawValue), warmup_ratio: \(warmup)}")
    switch duration {
    case .epochs(let count): add("epochs", "\(count)")
    case .steps(let count): add("steps", "\(count)")
    }
    add("batch", "\(batch)")
    add("micro_batch", "\(microBatch)")
    add("precision", precision.rawValue)
    add("seed", "\(seed)")
    add("threads", "\(threads)")
    add("save", "{every: \(saveEvery)}")
    add("on_nonfinite", onNonFinite.rawValue)
    add("skip_bad_images", "\(skipsBadImages)")
    if let evaluation {
      let features = evaluation.features.map { ", features: \(Self.quoted($0))" } ?? ""
      let readouts = evaluatedReadouts.map { Self.quoted("\($0)") }.joined(separator: ", ")
      let questions = evaluation.questions.map { ", questions: \(Self.quoted($0))" } ?? ""
      let attributes = evaluation.attributes.map(Self.quoted).joined(separator: ", ")
      add(
        "evaluation",
        "{pairs: \(Self.quoted(evaluation.pairs))\(features), every: \(evaluation.every), readouts: [\(readouts)]"
          + "\(questions), captions: \(evaluation.captions), attributes: [\(attributes)]}"
      )
    }
    if let instruct {
      let batch = instruct.batch.map { ", batch: \($0)" } ?? ""
      add(
        "instruct",
        "{questions: \(Self.quoted(instruct.questions)), steps: \(instruct.steps), lora_rank: \(instruct.rank), "
          + "lora_alpha: \(instruct.alpha), lr: \(instruct.rate), projector_lr: \(instruct.projectorRate)\(batch)}"
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What decides the numbers: all but how many threads work and how often the state is saved.
  package var identity: [String] {
    yaml.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("threads:") && !$0.hasPrefix("save:") }
  }

  /// The same run wherever its files lie.
  var withoutPaths: RunConfiguration {
    var same = self
    same.parts = ModelParts()
    same.pairs = ""
    same.features = features.map(Self.key)
    same.evaluation?.pairs = ""
    same.evaluation?.features = evaluation?.features.map(Self.key)
    same.evaluation?.questions = evaluation?.questions.map { _ in "" }
    same.instruct?.questions = ""
    return same
  }

  /// `::KEY` of `FILE::KEY`.
  private static func key(_ reference: String) -> String {
    reference.firstRange(of: "::").map { String(reference[$0.lowerBound...]) } ?? ""
  }

  /// A YAML scalar in double quotes.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
          result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
