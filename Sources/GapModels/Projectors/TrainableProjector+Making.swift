import GapLayers
package import GapLinearAlgebra
package import GapTensorFiles

extension TrainableProjector {
  /// Gathers parameters and steps.
  private struct Builder {
    var parameters: [Parameter] = []
    var numbers: [Float] = []
    var steps: [Step] = []

    mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) -> Range<Int> {
      let range = numbers.count..<numbers.count + values.count
      parameters.append(Parameter(name: name, shape: shape, range: range))
      numbers += values
      return range
    }

    func projector(inputs: Int, outputs: Int) -> TrainableProjector {
      TrainableProjector(
        parameters: parameters, values: Buffer(numbers), inputs: inputs, outputs: outputs, steps: steps)
    }
  }

  /// A new projector: `linear`, or `mlpNx_gelu`, N linear layers with GELU between them.
  ///
  /// Weights and biases are uniform in ±1/√inputs, as PyTorch starts linear layers; the last layer's are multiplied by
  /// `outputScale`.
  ///
  /// - Parameters:
  ///   - depth: N, the number of linear layers, 1…8.
  ///   - hidden: numbers in a row between two layers; nil for `outputs`, as LLaVA has it.
  /// - Returns: a projector with Hugging Face's key names where it has some (`multi_modal_projector.linear_{1,2}`,
  ///   `multi_modal_projector.linear`), LLaVA's otherwise (`mm_projector.{0,2,4,…}`).
  package static func new(
    depth: Int, inputs: Int, hidden: Int? = nil, outputs: Int, outputScale: Float,
    generator: inout SeededGenerator
  ) -> TrainableProjector {
    var builder = Builder()
    let hidden = hidden ?? outputs
    for layer in 0..<depth {
      let (from, to) = (layer == 0 ? inputs : hidden, layer == depth - 1 ? outputs : hidden)
      let bound = 1 / Double(from).squareRoot()
      let scale = layer == depth - 1 ? Double(outputScale) : 1
      let name = name(layer, of: depth)
      let weights = (0..<from * to).map { _ in Float((2 * generator.uniform() - 1) * bound * scale) }
      let weight = builder.add(name + ".weight", [to, from], weights)
      let biases = (0..<to).map { _ in Float((2 * generator.uniform() - 1) * bound * scale) }
      let bias = builder.add(name + ".bias", [to], biases)
      builder.steps.append(.linear(weight: weight, bias: bias, inputs: from, outputs: to))
      if layer < depth - 1 { builder.steps.append(.activation(.gelu)) }
    }
    return builder.projector(inputs: inputs, outputs: outputs)
  }

  private static func name(_ layer: Int, of depth: Int) -> String {
    switch depth {
    case 1: "multi_modal_projector.linear"
    case 2: "multi_modal_projector.linear_\(layer + 1)"
    default: "mm_projector.\(2 * layer)"
    }
  }

  /// The stored projector of a checkpoint, to be trained on.
  ///
  /// - Throws: `TensorFileError` when its weights cannot be read.
  package init(_ projector: Projector) throws {
    var builder = Builder()
    var names = projector.tensors.makeIterator()
    func name() -> String { names.next() ?? "projector.\(builder.parameters.count)" }
    for step in projector.steps {
      switch step {
      case .linear(let layer):
        let name = name()
        let own = name.hasSuffix("weight") ? name : name + ".weight"
        let weight = builder.add(own, [layer.outputs, layer.inputs], try layer.weight.elements())
        let bias = layer.bias.map { builder.add(Self.bias(own), [layer.outputs], $0) }
        builder.steps.append(.linear(weight: weight, bias: bias, inputs: layer.inputs, outputs: layer.outputs))
      case .normalization(let norm):
        let name = name()
        let own = name.hasSuffix("weight") ? name : name + ".weight"
        builder.steps.append(Self.step(norm, own, &builder))
      case .activation(let function): builder.steps.append(.activation(function))
      default: builder.steps.append(.rearrangement(step))
      }
    }
    self = builder.projector(inputs: projector.inputs, outputs: projector.outputs)
  }

  private static func bias(_ weight: String) -> String { String(weight.dropLast("weight".count)) + "bias" }

  private static func step(_ norm: Normalization, _ name: String, _ builder: inout Builder) -> Step {
    switch norm {
    case .rootMeanSquare(let weight, let offset, let epsilon):
      return .norm(
        weight: builder.add(name, [weight.count], weight), bias: nil, offset: offset, epsilon: epsilon,
        width: weight.count)
    case .layer(let weight, let bias, let epsilon):
      let own = builder.add(name, [weight.count], weight)
      return .norm(
        weight: own, bias: builder.add(Self.bias(name), [bias.count], bias), offset: 0, epsilon: epsilon,
        width: weight.count)
    }
  }

  /// The parameters as a safetensors file.
  package func writer(metadata: [(key: String, value: String)] = []) -> SafetensorsWriter {
    var writer = SafetensorsWriter(metadata: metadata)
    for parameter in parameters {
      let numbers = values.read(parameter.range) { span in span.indices.map { span[$0] } }
      writer.add(parameter.name, shape: parameter.shape, numbers)
    }
    return writer
  }
}
