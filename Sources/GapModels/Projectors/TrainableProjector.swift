import GapLayers
package import GapLinearAlgebra

/// A projector whose weights are trained, in single precision, in one buffer.
///
/// Each step is a forward/backward pair; the parameters of all steps lie one after the other, and so do their
/// gradients, for an optimiser that sees one vector.
package struct TrainableProjector: Sendable {
  /// A tensor of the parameters.
  package struct Parameter: Sendable, Equatable {
    /// Its name in files.
    package let name: String
    package let shape: [Int]
    /// Its place in the buffer.
    package let range: Range<Int>
  }

  /// One thing that is done to the rows.
  enum Step: Sendable {
    /// `y = x Wᵀ + b`; W [outputs, inputs] or, transposed, [inputs, outputs].
    case linear(weight: Range<Int>, bias: Range<Int>?, inputs: Int, outputs: Int)
    case activation(ActivationKernels.Function)
    case norm(weight: Range<Int>, bias: Range<Int>?, offset: Float, epsilon: Float, width: Int)
    /// Rows are gathered, merged or averaged: no parameters.
    case rearrangement(Projector.Step)
  }

  package let parameters: [Parameter]
  /// All numbers, parameter after parameter.
  package let values: Buffer<Float>
  package let inputs: Int
  package let outputs: Int
  let steps: [Step]

  /// Number of all parameters' numbers.
  package var count: Int { values.count }

  init(parameters: [Parameter], values: Buffer<Float>, inputs: Int, outputs: Int, steps: [Step]) {
    self.parameters = parameters
    self.values = values
    self.inputs = inputs
    self.outputs = outputs
    self.steps = steps
  }

  /// What the gradient needs: the rows that entered each step.
  package struct Saved: Sendable {
    let inputs: [Block<Float>]
    let images: Int
  }

  /// - Parameters:
  ///   - features: [images · rows, inputs].
  /// - Returns: [images · tokens, outputs], and what the gradient needs.
  /// - Throws: `ModelError.badSetting` when rows cannot be merged.
  package func forward(
    _ features: Block<Float>, images: Int, path: String, on pool: WorkerPool
  ) throws -> (Block<Float>, Saved) {
    var rows = features
    var entered: [Block<Float>] = []
    for step in steps {
      entered.append(rows)
      switch step {
      case .linear(let weight, let bias, let inputs, let outputs):
        rows = try linear(rows, weight, bias, inputs, outputs, on: pool)
      case .activation(let function):
        rows = try rows.copied(on: pool)
        try rows.forEachRow(on: pool) { _, row in ActivationKernels.apply(function, to: &row) }
      case .norm:
        rows = try norm(step).forward(rows, on: pool)
      case .rearrangement(let step):
        rows = try Projector.rearranged(rows, step, images: images, path: path, on: pool)
      }
    }
    return (rows, Saved(inputs: entered, images: images))
  }

  /// Adds the gradients of the parameters.
  ///
  /// - Parameters:
  ///   - dy: [images · tokens, outputs], the gradient of the tokens; not kept.
  ///   - gradient: `count` numbers, in the order of `values`, added to.
  package func addGradient(
    _ dy: Block<Float>, _ saved: Saved, to gradient: Buffer<Float>, on pool: WorkerPool
  ) throws {
    var dy = dy
    for (place, step) in steps.enumerated().reversed() {
      let x = saved.inputs[place]
      switch step {
      case .linear(let weight, let bias, let inputs, let outputs):
        try addWeightGradient(
          dy, x, Block(gradient, offset: weight.lowerBound, rows: outputs, columns: inputs), on: pool)
        if let bias {
          Self.addSums(dy, to: Block(gradient, offset: bias.lowerBound, rows: 1, columns: outputs))
        }
        if place > 0 { dy = try inputGradient(dy, weight, inputs, outputs, on: pool) }
      case .activation(let function):
        dy = try dy.copied(on: pool)
        try dy.forEachRow(on: pool) { i, row in
          x.row(i) { ActivationKernels.applyGradient(function, at: $0, to: &row) }
        }
      case .norm(let weight, let bias, _, _, let width):
        let norm = norm(step)
        addNormGradient(
          dy, x, norm, weight: Block(gradient, offset: weight.lowerBound, rows: 1, columns: width),
          bias: bias.map { Block(gradient, offset: $0.lowerBound, rows: 1, columns: width) })
        dy = try dy.copied(on: pool)
        try norm.applyGradient(at: x, to: dy, on: pool)
      case .rearrangement(let step):
        dy = try Projector.spreadBack(dy, step, like: x, images: saved.images, on: pool)
      }
    }
  }

  // MARK: Linear

  /// Output columns, and tokens, that one thread works on at a time.
  private static let side = 128

  private func linear(
    _ x: Block<Float>, _ weight: Range<Int>, _ bias: Range<Int>?, _ inputs: Int, _ outputs: Int,
    on pool: WorkerPool
  ) throws -> Block<Float> {
    let y = Block<Float>.zeros(x.rows, outputs)
    let w = Block(values, offset: weight.lowerBound, rows: outputs, columns: inputs)
    let pieces = Pieces(of: 0..<outputs, size: Self.side)
    try pool.forEach(pieces.count) { _, piece in
      let columns = pieces[piece]
      let target = y.columns(columns)
      Products.inner(x, w.rows(columns), into: target)
      guard let bias else { return }
      values.read(bias.lowerBound + columns.lowerBound..<bias.lowerBound + columns.upperBound) { terms in
        for i in 0..<target.rows { target.writeRow(i) { ActivationKernels.add(terms, to: &$0) } }
      }
    }
    return y
  }

  private func inputGradient(
    _ dy: Block<Float>, _ weight: Range<Int>, _ inputs: Int, _ outputs: Int, on pool: WorkerPool
  ) throws -> Block<Float> {
    let dx = Block<Float>.zeros(dy.rows, inputs)
    let w = Block(values, offset: weight.lowerBound, rows: outputs, columns: inputs)
    let pieces = Pieces(of: 0..<dy.rows, size: Self.side)
    try pool.forEach(pieces.count) { _, piece in
      Products.product(dy.rows(pieces[piece]), w, into: dx.rows(pieces[piece]))
    }
    return dx
  }

  /// `dW += dyᵀ x`.
  private func addWeightGradient(
    _ dy: Block<Float>, _ x: Block<Float>, _ target: Block<Float>, on pool: WorkerPool
  ) throws {
    let pieces = Pieces(of: 0..<target.rows, size: Self.side)
    try pool.forEach(pieces.count) { _, piece in
      Products.addCross(dy.columns(pieces[piece]), x, to: target.rows(pieces[piece]))
    }
  }

  /// Adds the sums of all columns, taken in Double.
  private static func addSums(_ rows: Block<Float>, to target: Block<Float>) {
    var sums = [Double](repeating: 0, count: rows.columns)
    for i in 0..<rows.rows { rows.row(i) { row in for k in row.indices { sums[k] += Double(row[k]) } } }
    target.writeRow(0) { row in for k in row.indices { row[k] += Float(sums[k]) } }
  }

  // MARK: Norm

  private func norm(_ step: Step) -> Normalization {
    guard case .norm(let weight, let bias, let offset, let epsilon, _) = step else {
      preconditionFailure("a step that is no norm")
    }
    let factors = values.read(weight) { span in span.indices.map { span[$0] } }
    guard let bias else { return .rootMeanSquare(weight: factors, offset: offset, epsilon: epsilon) }
    return .layer(
      weight: factors, bias: values.read(bias) { span in span.indices.map { span[$0] } }, epsilon: epsilon)
  }

  /// `dw += Σ dy n`, `db += Σ dy`, n the rows normalised without weights.
  private func addNormGradient(
    _ dy: Block<Float>, _ x: Block<Float>, _ norm: Normalization, weight: Block<Float>, bias: Block<Float>?
  ) {
    let plain: Normalization
    let ones = [Float](repeating: 1, count: x.columns)
    switch norm {
    case .rootMeanSquare(_, _, let epsilon): plain = .rootMeanSquare(weight: ones, offset: 0, epsilon: epsilon)
    case .layer(_, _, let epsilon):
      plain = .layer(weight: ones, bias: ones.map { _ in 0 }, epsilon: epsilon)
    }
    var sums = [Double](repeating: 0, count: x.columns)
    let row = Buffer<Float>(repeating: 0, count: x.columns)
    for i in 0..<x.rows {
      row.write(0..<x.columns) { row in
        x.row(i) { x in for k in x.indices { row[k] = x[k] } }
        plain.apply(to: &row)
        dy.row(i) { dy in for k in dy.indices { sums[k] += Double(dy[k]) * Double(row[k]) } }
      }
    }
    weight.writeRow(0) { row in for k in row.indices { row[k] += Float(sums[k]) } }
    if let bias { Self.addSums(dy, to: bias) }
  }
}
