import CGapKernels
import Testing

@testable import GapLinearAlgebra

/// Products with packed weights by every kind of kernels into every kind of target, against the formula in Double.
///
/// Rows of a target may lie apart, there may be fewer of them than oneDNN multiplies or than one tile of panels has, and
/// sums may be longer than what panels take of them at a time.
@Suite struct PackedWeightsTests {
  struct Case: Sendable {
    let rows: Int
    let inputs: Int
    let outputs: Int
    let precision: ProductPrecision
    let kernels: ProductKernels
  }

  static let cases = [ProductPrecision.single, .bfloat16].flatMap { precision in
    ProductKernels.allCases.filter { $0.suit(precision) }.flatMap { kernels in
      [(96, 576, 192), (5, 576, 192), (37, 33, 50), (1, 16, 64), (10, 64, 7), (3, 3_201, 66)].map {
        Case(rows: $0.0, inputs: $0.1, outputs: $0.2, precision: precision, kernels: kernels)
      }
    }
  }

  /// The fastest is what this processor has: were it to suit nothing, the cases above would say nothing.
  @Test func kernels() {
    #expect(Set(Self.cases.map(\.kernels)).contains(.fastest(.single)))
    #expect(ProductKernels.openBLAS.suit(.single) && !ProductKernels.openBLAS.suit(.bfloat16))
    #if arch(x86_64)
      if gap_processor_features() & Int32(GAP_HAS_AVX512) != 0 {
        #expect(ProductKernels.fastest(.single) == .panels)
      }
    #endif
  }

  @Test(arguments: cases.indices) func gradients(index: Int) throws {
    let own = Self.cases[index]
    let weights = Self.weights(own)
    // [rows, outputs] times W: sums run over outputs.
    let dy = Self.block(own.rows, own.outputs)
    let rounded = ProductRows.unset(own.rows, own.outputs, own.precision)
    rounded.copy(dy)
    for adding in [false, true] {
      let wide = Block(
        Buffer<Float>(repeating: 7, count: own.rows * own.inputs), rows: own.rows, columns: own.inputs)
      let narrow = Block(
        Buffer<Float>(repeating: 7, count: own.rows * own.inputs), rows: own.rows, columns: own.inputs)
      try weights.inputGradient(dy, into: wide, adding: adding)
      try weights.inputGradient(rounded, into: narrow, adding: adding)
      var worst = 0.0
      for i in 0..<own.rows {
        for j in 0..<own.inputs {
          let sum =
            (0..<own.outputs).reduce(0.0) { $0 + Double(Self.number(i, $1)) * Double(Self.number($1, j)) }
            + (adding ? 7 : 0)
          worst = max(worst, abs(Double(wide.buffer[i * own.inputs + j]) - sum))
          worst = max(worst, abs(Double(narrow.buffer[i * own.inputs + j]) - sum))
        }
      }
      #expect(worst == 0, "\(own), adding \(adding)")
    }
  }

  /// Small whole numbers, which bfloat16 holds exactly, as it does no sum of them alone.
  private static func number(_ i: Int, _ j: Int) -> Float { Float((i * 31 + j * 17 + i * j) % 13) - 6 }

  private static func block(_ rows: Int, _ columns: Int) -> Block<Float> {
    let block = Block(Buffer<Float>(repeating: 0, count: rows * columns), rows: rows, columns: columns)
    for i in 0..<rows { for j in 0..<columns { block.buffer[i * columns + j] = number(i, j) } }
    return block
  }

  private static func weights(_ own: Case) -> PackedWeights {
    PackedWeights(
      outputs: own.outputs, inputs: own.inputs, precision: own.precision, kernels: own.kernels
    ) { rows, target in
      for (place, i) in rows.enumerated() {
        for j in 0..<own.inputs { target[place * own.inputs + j] = number(i, j) }
      }
    }
  }

  @Test(arguments: cases.indices) func products(index: Int) throws {
    let own = Self.cases[index]
    let weights = Self.weights(own)
    let x = Self.block(own.rows, own.inputs)
    let rounded = ProductRows.unset(own.rows, own.inputs, own.precision)
    rounded.copy(x)
    func expected(_ i: Int, _ o: Int) -> Float {
      Float((0..<own.inputs).reduce(0.0) { $0 + Double(Self.number(i, $1)) * Double(Self.number(o, $1)) })
    }
    func expect(_ what: String, _ found: (Int, Int) -> Float, adds: Float = 0, tolerance: Float = 0) {
      var worst: Float = 0
      for i in 0..<own.rows {
        for o in 0..<own.outputs {
          let sum = expected(i, o) + adds
          worst = max(worst, abs(found(i, o) - sum) / max(1, abs(sum)))
        }
      }
      #expect(worst <= tolerance, "\(own), \(what): off by \(worst)")
    }
    // Beside each row of a target with a stride lie numbers that no product touches.
    for stride in [own.outputs, own.outputs + 3] {
      for adding in [false, true] {
        let all = Block(
          Buffer<Float>(repeating: 7, count: own.rows * stride), rows: own.rows, columns: stride)
        let target = all.columns(0..<own.outputs)
        try weights.forward(rounded, into: target, adding: adding)
        expect("stride \(stride), adding \(adding)", { all.buffer[$0 * stride + $1] }, adds: adding ? 7 : 0)
        let base = Block(Buffer<Float>(repeating: 5, count: own.rows * stride), rows: own.rows, columns: stride)
          .columns(0..<own.outputs)
        try weights.forward(rounded, plus: base, into: target)
        expect("stride \(stride), plus a base", { all.buffer[$0 * stride + $1] }, adds: 5)
        try weights.forward(ProductRows(x), plus: base, into: target)
        expect(
          "stride \(stride), plus a base, from single precision", { all.buffer[$0 * stride + $1] }, adds: 5)
        try weights.forward(x, into: target, adding: false)
        expect("stride \(stride), from single precision", { all.buffer[$0 * stride + $1] })
        #expect(
          (0..<own.rows).allSatisfy { i in
            (own.outputs..<stride).allSatisfy { all.buffer[i * stride + $0] == 7 }
          })
      }
    }
    let target = ProductRows.unset(own.rows + 1, own.outputs, own.precision)
    target.copy(
      Block(
        Buffer<Float>(repeating: 7, count: (own.rows + 1) * own.outputs), rows: own.rows + 1,
        columns: own.outputs))
    try weights.forward(rounded, into: target.first(own.rows))
    func widened(_ place: Int) -> Float {
      switch target.numbers {
      case .single(let numbers): numbers[place]
      case .bfloat16(let numbers): Float(bitPattern: UInt32(numbers[place]) << 16)
      }
    }
    // Half of the last of 8 bits.
    expect(
      "in the precision of products", { widened($0 * own.outputs + $1) },
      tolerance: own.precision == .single ? 0 : 1 / 256)
    #expect((0..<own.outputs).allSatisfy { widened(own.rows * own.outputs + $0) == 7 })
  }
}
