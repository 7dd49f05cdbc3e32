import GapLayers
import GapLinearAlgebra
import GapTensorFiles

extension Projector {
  /// Recognises the projector of a checkpoint by the endings of its tensors' names and by their shapes.
  ///
  /// - Parameters:
  ///   - settings: `config.json`, for what shapes do not say (norms' ε, pooling); nil beside a projector alone.
  ///   - featureWidth: numbers in a feature row, when it is known: it tells how many neighbours are merged.
  /// - Throws: `ModelError.tensorMissing` when no rule matches, `.tensorAmbiguous` when several do, `.shapeDiffers` when
  ///   the shapes of one rule do not follow one another.
  package init(_ weights: ModelWeights, settings: ModelSettings? = nil, featureWidth: Int? = nil) throws {
    let search = ProjectorSearch(weights: weights, settings: settings, featureWidth: featureWidth)
    let matches = search.matches
    guard let match = matches.first else {
      throw ModelError.tensorMissing(
        path: weights.file.path, name: "(projector)", shape: "any of the known families",
        candidates: weights.file.tensors.map(\.name).filter { name in
          ["proj", "merger", "connector", "mm", "mlp1"].contains { name.contains($0) }
        })
    }
    guard matches.count == 1 else {
      throw ModelError.tensorAmbiguous(
        path: weights.file.path, name: "(projector)", candidates: matches.map { "\($0.rule): \($0.names[0])" })
    }
    try self.init(match, search)
  }

  private init(_ match: ProjectorMatch, _ search: ProjectorSearch) throws {
    let steps = try search.steps(of: match)
    let layers = steps.compactMap { if case .linear(let layer) = $0 { layer } else { nil } }
    for (before, after) in zip(layers, layers.dropFirst()) where before.outputs != after.inputs {
      throw ModelError.shapeDiffers(
        path: search.weights.file.path, tensor: after.weight.name, expected: "(_, \(before.outputs))",
        found: ModelWeights.text(after.weight.shape))
    }
    rule = match.rule
    tensors = match.names
    self.steps = steps
    outputs = layers.last?.outputs ?? 0
    inputs = Self.featureWidth(steps)
  }

  /// Numbers in a feature row: what the first layer takes, less what merging puts together before it.
  private static func featureWidth(_ steps: [Step]) -> Int {
    var factor = 1
    for step in steps {
      switch step {
      case .mergeBlocks(let side), .mergeBlocksByChannel(let side): factor *= side * side
      case .mergeRuns(let count): factor *= count
      case .averageBlocks, .activation: continue
      case .normalization(let norm): return norm.width / factor
      case .linear(let layer): return layer.inputs / factor
      }
    }
    return 0
  }
}

/// The tensors that one rule found.
struct ProjectorMatch {
  let rule: String
  let kind: ProjectorSearch.Kind
  /// Names without `.weight` and `.bias`, in the order of use; of Gemma 3, whole names.
  let names: [String]
}

/// Tries every family's rule.
struct ProjectorSearch {
  enum Kind { case perceptron, internVL, qwen, shuffle, gemma3, mistral3 }

  let weights: ModelWeights
  let settings: ModelSettings?
  let featureWidth: Int?

  /// The rules that match: those whose tensors are all there.
  var matches: [ProjectorMatch] {
    [
      numbered(["mm_projector", "_connector", "projector.projector"], "numbered layers", .perceptron),
      numbered(["mm"], "GGUF: mm.N", .perceptron),
      numbered(["mlp1"], "InternVL: mlp1.N", .internVL),
      numbered(["mm.model.mlp"], "GGUF InternVL: mm.model.mlp.N", .internVL),
      single(
        ["mm_projector", "_connector", "projector.projector", "multi_modal_projector.linear"],
        "one linear layer", .perceptron),
      huggingFace, qwen,
      single(
        ["connector.modality_projection.proj", "MP.proj", "mm.model.fc"], "pixel shuffle and one linear layer",
        .shuffle),
      gemma3,
    ].compactMap { $0 }
  }

  private func stem(_ ending: String) -> String? {
    let names = weights.names(endingWith: ending + ".weight")
    return names.count == 1 ? String(names[0].dropLast(".weight".count)) : nil
  }

  private func single(_ endings: [String], _ rule: String, _ kind: Kind) -> ProjectorMatch? {
    for ending in endings {
      guard let stem = stem(ending), rank(stem) == 2 else { continue }
      return ProjectorMatch(rule: "\(rule) …\(ending)", kind: kind, names: [stem])
    }
    return nil
  }

  /// `STEM.0`, `STEM.2`, …: the places of a sequence's layers that hold weights.
  private func numbered(_ stems: [String], _ rule: String, _ kind: Kind) -> ProjectorMatch? {
    for stem in stems {
      var found: [(Int, String)] = []
      for tensor in weights.file.tensors where tensor.name.hasSuffix(".weight") {
        let name = tensor.name.dropLast(".weight".count)
        guard let dot = name.lastIndex(of: "."), let place = Int(name[name.index(after: dot)...]) else {
          continue
        }
        let own = name[..<dot]
        if own == stem || own.hasSuffix("." + stem) { found.append((place, String(name))) }
      }
      guard found.count > 1 || (kind == .perceptron && found.count == 1) else { continue }
      let names = found.sorted { $0.0 < $1.0 }.map(\.1)
      let norms = names.filter { rank($0) == 1 }
      guard kind == .internVL ? norms == [names[0]] : norms.isEmpty else { continue }
      return ProjectorMatch(rule: "\(rule) (\(stem).N)", kind: kind, names: names)
    }
    return nil
  }

  private func rank(_ stem: String) -> Int? { try? weights.file.tensor(named: stem + ".weight").shape.count }

  /// `multi_modal_projector.linear_1`, `linear_2`, with what may stand before them.
  private var huggingFace: ProjectorMatch? {
    let root = "multi_modal_projector."
    guard let first = stem(root + "linear_1"), let second = stem(root + "linear_2") else { return nil }
    if let norm = stem(root + "layer_norm") {
      return ProjectorMatch(
        rule: "InternVL: …\(root)layer_norm", kind: .internVL, names: [norm, first, second])
    }
    if let norm = stem(root + "norm"), let merger = stem(root + "patch_merger.merging_layer") {
      return ProjectorMatch(
        rule: "Mistral: …\(root)patch_merger", kind: .mistral3, names: [norm, merger, first, second])
    }
    return ProjectorMatch(rule: "…\(root)linear_{1,2}", kind: .perceptron, names: [first, second])
  }

  private var qwen: ProjectorMatch? {
    guard let norm = stem("visual.merger.ln_q"), let first = stem("visual.merger.mlp.0"),
      let second = stem("visual.merger.mlp.2")
    else { return nil }
    return ProjectorMatch(rule: "Qwen: …visual.merger", kind: .qwen, names: [norm, first, second])
  }

  private var gemma3: ProjectorMatch? {
    let pairs = [
      ("mm_soft_emb_norm.weight", "mm_input_projection_weight"),
      ("mm.soft_emb_norm.weight", "mm.input_projection.weight"),
    ]
    for (norm, projection) in pairs {
      let (norms, projections) = (weights.names(endingWith: norm), weights.names(endingWith: projection))
      guard norms.count == 1, projections.count == 1 else { continue }
      return ProjectorMatch(
        rule: "Gemma 3: …\(projection)", kind: .gemma3, names: [norms[0], projections[0]])
    }
    return nil
  }
}
