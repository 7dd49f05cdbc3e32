import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

/// Low-rank adapters on all linear layers of a decoder's blocks, trained in single precision in one buffer.
///
/// Layers that a family stores as one (`c_attn`, `qkv_proj`, `gate_up_proj`) get one adapter, as PEFT gives them.
///
/// - Source: Hu et al., *LoRA*, ICLR 2022; names and beginning as Hugging Face PEFT has them.
package struct DecoderAdapters: Sendable {
  /// A tensor of the parameters, its name as PEFT saves it.
  package struct Parameter: Sendable, Equatable {
    package let name: String
    package let shape: [Int]
    /// Its place in the buffer.
    package let range: Range<Int>
  }

  package let rank: Int
  package let alpha: Double
  package let parameters: [Parameter]
  /// All numbers, parameter after parameter, and their gradients.
  package let values: Buffer<Float>
  package let gradient: Buffer<Float>
  /// Names of the adapted modules, such as `q_proj`.
  package let modules: [String]
  private let isTransposed: Bool
  private let isPart: Bool

  /// Adapters that add nothing yet: A is uniform in ±1/√inputs, B is 0.
  package init(_ decoder: Decoder, rank: Int, alpha: Double, generator: inout SeededGenerator) {
    precondition(rank > 0)
    var parameters: [Parameter] = []
    var numbers: [Float] = []
    func add(_ name: String, _ shape: [Int], _ make: () -> Float) {
      let range = numbers.count..<numbers.count + shape[0] * shape[1]
      parameters.append(Parameter(name: name, shape: shape, range: range))
      for _ in range { numbers.append(make()) }
    }
    for (index, block) in decoder.blocks.enumerated() {
      for site in AdapterSite.all(decoder.configuration.family) {
        let layers = site.layers.compactMap { $0.get(block) }
        let (inputs, outputs) = (layers[0].inputs, layers.reduce(0) { $0 + $1.outputs })
        let name = decoder.modulePath + "\(index)." + site.name
        let bound = 1 / Double(inputs).squareRoot()
        add(name + ".lora_A.weight", [rank, inputs]) { Float((2 * generator.uniform() - 1) * bound) }
        add(name + ".lora_B.weight", [outputs, rank]) { 0 }
      }
    }
    self.rank = rank
    self.alpha = alpha
    self.parameters = parameters
    values = Buffer(numbers)
    gradient = Buffer(repeating: 0, count: numbers.count)
    modules = AdapterSite.all(decoder.configuration.family).map { site in
      String(site.name.split(separator: ".").last ?? "")
    }
    isTransposed = decoder.configuration.family == .gpt2
    isPart = decoder.isPartOfLlava
  }

  /// The decoder with these adapters; what they learn shows at once.
  package func applied(to decoder: Decoder) -> Decoder {
    var decoder = decoder
    var next = 0
    for index in decoder.blocks.indices {
      for site in AdapterSite.all(decoder.configuration.family) {
        let (a, b) = (parameters[next], parameters[next + 1])
        next += 2
        func block(_ buffer: Buffer<Float>, _ parameter: Parameter) -> Block<Float> {
          Block(
            buffer, offset: parameter.range.lowerBound, rows: parameter.shape[0], columns: parameter.shape[1])
        }
        let whole = LowRankAdapter(
          down: block(values, a), up: block(values, b), downGradient: block(gradient, a),
          upGradient: block(gradient, b), scale: Float(alpha / Double(rank)))
        var start = 0
        for layer in site.layers {
          guard let frozen = layer.get(decoder.blocks[index]) else { continue }
          let part = site.layers.count == 1 ? whole : whole.outputs(start..<start + frozen.outputs)
          start += frozen.outputs
          layer.set(&decoder.blocks[index], AdaptableLinear(frozen.frozen, adapter: part))
        }
      }
    }
    return decoder
  }

  /// `adapter_model.safetensors`.
  package var writer: SafetensorsWriter {
    var writer = SafetensorsWriter(metadata: [("format", "pt")])
    for parameter in parameters {
      let numbers = values.read(parameter.range) { span in span.indices.map { span[$0] } }
      writer.add(parameter.name, shape: parameter.shape, numbers)
    }
    return writer
  }

  /// `adapter_config.json`.
  ///
  /// - Parameter base: the model that the adapters belong to.
  package func settings(base: String) -> String {
    let quoted = base.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let names = Set(modules).sorted()
    // Vision encoders have modules of the same names.
    let targets =
      isPart
      ? "\".*language_model.*\\\\.(\(names.joined(separator: "|")))\""
      : "[" + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    return """
      {
        "base_model_name_or_path": "\(quoted)",
        "bias": "none",
        "fan_in_fan_out": \(isTransposed),
        "inference_mode": true,
        "lora_alpha": \(Int(exactly: alpha).map(String.init) ?? "\(alpha)"),
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": \(rank),
        "target_modules": \(targets),
        "task_type": "CAUSAL_LM"
      }

      """
  }
}

/// A module of a block that an adapter is put on, and the layers that it is made of.
private struct AdapterSite {
  struct Layer {
    let get: (TransformerBlock) -> AdaptableLinear?
    let set: (inout TransformerBlock, AdaptableLinear) -> Void

    init(_ path: WritableKeyPath<TransformerBlock, AdaptableLinear>) {
      get = { $0[keyPath: path] }
      set = { $0[keyPath: path] = $1 }
    }

    init(_ path: WritableKeyPath<TransformerBlock, AdaptableLinear?>) {
      get = { $0[keyPath: path] }
      set = { $0[keyPath: path] = $1 }
    }
  }

  let name: String
  let layers: [Layer]

  static func all(_ family: DecoderFamily) -> [AdapterSite] {
    let (query, key, value) = (Layer(\.attention.query), Layer(\.attention.key), Layer(\.attention.value))
    let (output, up, down) = (Layer(\.attention.output), Layer(\.feedForward.up), Layer(\.feedForward.down))
    let gate = Layer(\.feedForward.gate)
    let sites: [(String, [Layer])] =
      switch family {
      case .gpt2:
        [
          ("attn.c_attn", [query, key, value]), ("attn.c_proj", [output]), ("mlp.c_fc", [up]),
          ("mlp.c_proj", [down]),
        ]
      case .opt:
        [
          ("self_attn.q_proj", [query]), ("self_attn.k_proj", [key]), ("self_attn.v_proj", [value]),
          ("self_attn.out_proj", [output]), ("fc1", [up]), ("fc2", [down]),
        ]
      case .phi3:
        [
          ("self_attn.qkv_proj", [query, key, value]), ("self_attn.o_proj", [output]),
          ("mlp.gate_up_proj", [gate, up]), ("mlp.down_proj", [down]),
        ]
      case .llama, .mistral, .qwen2, .qwen3, .gemma:
        [
          ("self_attn.q_proj", [query]), ("self_attn.k_proj", [key]), ("self_attn.v_proj", [value]),
          ("self_attn.o_proj", [output]), ("mlp.gate_proj", [gate]), ("mlp.up_proj", [up]),
          ("mlp.down_proj", [down]),
        ]
      }
    return sites.map { AdapterSite(name: $0.0, layers: $0.1) }
  }
}

extension Decoder {
  /// What PEFT calls the blocks of the model that this decoder belongs to, up to their number.
  fileprivate var modulePath: String {
    let root = "base_model.model."
    switch configuration.family {
    case .gpt2: return root + "transformer.h."
    case .opt: return root + (isPartOfLlava ? "model.language_model.decoder.layers." : "model.decoder.layers.")
    default: return root + (isPartOfLlava ? "model.language_model.layers." : "model.layers.")
    }
  }

  /// Whether the checkpoint is Hugging Face's, of a vision-language model whose decoder is a part.
  fileprivate var isPartOfLlava: Bool { prefix.contains("language_model.") }
}
