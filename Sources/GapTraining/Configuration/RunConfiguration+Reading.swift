import GapLinearAlgebra
import GapModels
import GapTensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RunConfiguration {
  /// The most of steps, epochs, samples: more than any run has, and so little that products of two do not overflow.
  private static let largestCount = 1_000_000_000

  /// Reads `RUN.yaml`.
  ///
  /// Paths are looked for beside the file first, then in the working directory.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - assignments: `key=value` each, in place of what the file says.
  /// - Throws: `TrainingError`, with the line of an unknown key, of a wrong type, of a value out of range.
  public init(path: String, assignments: [String] = []) throws {
    var node = try ConfigurationNode(path: path)
    for assignment in assignments { try node.set(assignment) }
    let slash = path.lastIndex(of: "/")
    try self.init(node, folder: slash.map { String(path[...$0]) } ?? "")
  }

  init(_ node: ConfigurationNode, folder: String) throws {
    func located(_ path: String?) -> String? {
      guard let path, !path.isEmpty else { return path }
      // A key may follow the file's name.
      let file = path.components(separatedBy: "::").first ?? path
      let isBeside = !path.hasPrefix("/") && FileManager.default.fileExists(atPath: folder + file)
      return FilePath.absolute(isBeside ? folder + file : file) + path.dropFirst(file.count)
    }
    var whole = try ConfigurationSection(node)
    let parts = ModelParts(
      checkpoint: located(try whole.text("checkpoint")), vision: located(try whole.text("vision")),
      decoder: located(try whole.text("llm")), projector: located(try whole.text("projector_file")))
    let features = located(try whole.text("features"))
    guard parts.checkpoint != nil || parts.decoder != nil else {
      throw TrainingError.missingKey(
        place: node.place, key: "checkpoint",
        hint: "the model's directory, or llm: DIR with vision: or features:")
    }
    let pairs = try whole.requiredText("pairs", "the file of images and captions")
    self.init(parts: parts, pairs: located(pairs) ?? pairs)
    self.features = features
    try readProjector(&whole)
    try readTemplate(&whole)
    objective = try whole.choice("objective", default: objective)
    if var weights = try whole.section("weights") {
      ntpWeight = try weights.number("ntp", default: ntpWeight, "a number from 0") { $0 >= 0 }
      contrastiveWeight = try weights.number("contrastive", default: contrastiveWeight, "a number from 0") {
        $0 >= 0
      }
      try weights.finish()
    }
    try readContrastive(&whole)
    try readOptimizer(&whole)
    try readLength(&whole)
    precision = try whole.choice("precision", default: precision)
    if precision == .bf16, !ProductPrecision.hasFastBFloat16 {
      throw whole.fault("precision", "f32 or auto (this build or this processor has no fast bf16)")
    }
    seed = UInt64(try whole.integer("seed", 0...Int.max) ?? 0)
    threads = try whole.integer("threads", 0...1024) ?? threads
    if var save = try whole.section("save") {
      saveEvery = try save.integer("every", 1...Self.largestCount) ?? saveEvery
      try save.finish()
    }
    onNonFinite = try whole.choice("on_nonfinite", default: onNonFinite)
    skipsBadImages = try whole.flag("skip_bad_images", default: skipsBadImages)
    if var section = try whole.section("evaluation") {
      let pairs = try section.requiredText("pairs", "the file of held-out images and captions")
      var own = Evaluation(pairs: located(pairs) ?? pairs)
      own.features = located(try section.text("features"))
      own.every = try section.integer("every", 1...Self.largestCount) ?? own.every
      own.readouts = try section.texts("readouts")?.map { text in
        guard let readout = Readout(text) else { throw section.fault("readouts", "input, layer:K or last") }
        return readout
      }
      own.questions = located(try section.text("questions"))
      own.captions = try section.integer("captions", 0...Self.largestCount) ?? own.captions
      own.attributes = try section.texts("attributes") ?? []
      try section.finish()
      evaluation = own
    }
    if var section = try whole.section("instruct") {
      let questions = try section.requiredText("questions", "the file of questions about images")
      var own = Instruct(questions: located(questions) ?? questions)
      own.steps = try section.integer("steps", 1...Self.largestCount) ?? own.steps
      own.rank = try section.integer("lora_rank", 1...4096) ?? own.rank
      own.alpha = try section.number("lora_alpha", default: own.alpha, "a number above 0") { $0 > 0 }
      own.rate = try section.number("lr", default: own.rate, "a number above 0") { $0 > 0 }
      own.projectorRate = try section.number("projector_lr", default: own.projectorRate, "a number from 0") {
        $0 >= 0
      }
      own.batch = try section.integer("batch", 1...Self.largestCount)
      try section.finish()
      instruct = own
    }
    try whole.finish()
  }

  private mutating func readProjector(_ whole: inout ConfigurationSection) throws {
    guard var section = try whole.section("projector") else { return }
    let depth = try section.parsed("kind", default: 2, "linear or mlpNx_gelu, N from 2 to 8") { text in
      if text == "linear" { return 1 }
      guard text.hasPrefix("mlp"), text.hasSuffix("x_gelu"), let n = Int(text.dropFirst(3).dropLast(6)),
        (1...8).contains(n)
      else { return nil }
      return n
    }
    let isStored = try section.parsed("init", default: false, "seed or checkpoint") { text in
      ["seed": false, "checkpoint": true][text]
    }
    let hidden = try section.integer("hidden", 1...1 << 20)
    let scale = try section.number("output_scale", default: 1, "a number above 0") { $0 > 0 }
    try section.finish()
    projector = isStored ? .checkpoint : .new(depth: depth, hidden: hidden, outputScale: scale)
  }

  private mutating func readTemplate(_ whole: inout ConfigurationSection) throws {
    guard var section = try whole.section("template") else { return }
    prompt = try section.text("prompt") ?? prompt
    if let text = try section.text("end") { end = text == "eos" ? .eos : .text(text) }
    questionTemplate = try section.parsed("question", default: questionTemplate, "text with {question} in it") {
      text in
      text.contains("{question}") ? text : nil
    }
    try section.finish()
  }

  private mutating func readContrastive(_ whole: inout ConfigurationSection) throws {
    guard var section = try whole.section("contrastive") else { return }
    contrastive.loss = try section.choice("loss", default: contrastive.loss)
    contrastive.readout = try section.parsed(
      "readout", default: contrastive.readout, "input, layer:K or last", Readout.init)
    contrastive.imagePrompt = try section.text("image_prompt") ?? ""
    contrastive.textPrompt = try section.text("text_prompt") ?? ""
    contrastive.temperature = try section.number(
      "temperature", default: contrastive.temperature, "a number from 0.01 to 1"
    ) { $0 >= 0.01 && $0 <= 1 }
    contrastive.learnsTemperature = try section.flag(
      "learn_temperature", default: contrastive.learnsTemperature)
    contrastive.shuffles = try section.flag("shuffle", default: contrastive.shuffles)
    contrastive.batch = try section.integer("batch", 1...Self.largestCount)
    try section.finish()
  }

  private mutating func readOptimizer(_ whole: inout ConfigurationSection) throws {
    if var section = try whole.section("optimizer") {
      rate = try section.number("lr", default: rate, "a number from 0") { $0 >= 0 }
      let betas = try section.numbers(
        "betas", default: [optimizer.beta1, optimizer.beta2], "two numbers from 0 to below 1"
      ) { $0 >= 0 && $0 < 1 }
      (optimizer.beta1, optimizer.beta2) = (betas[0], betas[1])
      optimizer.epsilon = try section.number("eps", default: optimizer.epsilon, "a number above 0") { $0 > 0 }
      optimizer.weightDecay = try section.number(
        "weight_decay", default: optimizer.weightDecay, "a number from 0"
      ) { $0 >= 0 }
      optimizer.clip = try section.number("clip", default: optimizer.clip, "a number from 0 (0 is off)") {
        $0 >= 0
      }
      try section.finish()
    }
    if var section = try whole.section("schedule") {
      schedule = try section.choice("kind", default: schedule)
      if section.has("warmup_ratio") {
        warmupRatio = try section.number("warmup_ratio", default: 0, "a number from 0 to 1") {
          $0 >= 0 && $0 <= 1
        }
      }
      try section.finish()
    }
  }

  private mutating func readLength(_ whole: inout ConfigurationSection) throws {
    let steps = try whole.integer("steps", 1...Self.largestCount)
    let epochs = try whole.integer("epochs", 1...Self.largestCount)
    if steps != nil, epochs != nil { throw whole.fault("steps", "epochs or steps, not both") }
    if let steps { duration = .steps(steps) }
    if let epochs { duration = .epochs(epochs) }
    batch = try whole.integer("batch", 1...Self.largestCount) ?? batch
    microBatch = try whole.integer("micro_batch", 1...Self.largestCount) ?? min(microBatch, batch)
    guard let larger = contrastive.batch else { return }
    guard larger % batch == 0 else {
      throw TrainingError.badValue(
        place: "contrastive", key: "contrastive.batch", expected: "a multiple of batch (\(batch))",
        found: "\(larger)")
    }
  }
}
