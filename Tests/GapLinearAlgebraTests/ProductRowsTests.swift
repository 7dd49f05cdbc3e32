import Foundation
import Testing

@testable import GapLinearAlgebra

/// Gates between two products, whose results are rounded to the products' precision, against the formula in Double.
@Suite struct ProductRowsTests {
  /// Odd numbers of columns, so that lanes are left over, and numbers far out, where exponentials end.
  private static func numbers(_ seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed, purpose: "gates")
    let drawn = (0..<3 * 67).map { _ in Float(3 * generator.normal()) }
    return (drawn + [0, -0.0, 20, -20, 86, -86, 200, -200, 1e-20, -1e-20, 1, -1])
      .map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
  }

  private static func rows(_ numbers: [Float], _ precision: ProductPrecision) -> ProductRows {
    let rows = ProductRows.unset(3, numbers.count / 3, precision)
    rows.copy(Block(Buffer(numbers), rows: 3, columns: numbers.count / 3))
    return rows
  }

  private static func values(_ rows: ProductRows) -> [Double] {
    switch rows.numbers {
    case .single(let buffer): buffer.array().map(Double.init)
    case .bfloat16(let buffer): buffer.array().map { Double(Float(bitPattern: UInt32($0) << 16)) }
    }
  }

  @Test(arguments: [ProductPrecision.single, .bfloat16], [ActivationKernels.Function.silu, .gelu])
  func gates(precision: ProductPrecision, function: ActivationKernels.Function) {
    let (g, u, d) = (Self.numbers(1), Self.numbers(2), Self.numbers(3))
    let (gate, up) = (Self.rows(g, precision), Self.rows(u, precision))
    let (h, ofGate, ofUp) = (Self.rows(d, precision), Self.rows(d, precision), Self.rows(d, precision))
    h.activate(function, gate: gate, up: up)
    let gradient = Block(Buffer(d), rows: 3, columns: d.count / 3)
    ofGate.activateGradient(function, gate: gate, up: up, from: gradient, ofUp: ofUp)
    let found = (Self.values(h), Self.values(ofGate), Self.values(ofUp))
    // Half of the last of 8 bits, a few units in the last place of single precision for what cancels before it, and what
    // the processor's rounding takes for 0.
    func expectNear(_ x: Double, _ y: Double, scale: Double, _ what: String) {
      let rounding = precision == .single ? 0 : abs(y) / 256
      #expect(abs(x - y) <= rounding + 2e-6 * scale + 0x1p-126, "\(what): \(x), not \(y)")
    }
    for i in g.indices {
      let (x, factor, slope) = (Double(g[i]), Double(u[i]), Double(d[i]))
      let (value, rise) = function == .silu ? Self.silu(x) : Self.gelu(x)
      expectNear(found.0[i], value * factor, scale: abs(x * factor), "value at \(x)")
      expectNear(found.1[i], slope * factor * rise, scale: abs(slope * factor) * (1 + abs(x)), "slope at \(x)")
      expectNear(found.2[i], slope * value, scale: abs(slope * x), "slope of the factor at \(x)")
    }
  }

  /// What is not a number stays one.
  @Test(arguments: [ProductPrecision.single, .bfloat16]) func notANumber(precision: ProductPrecision) {
    let (gate, up) = (Self.rows([.nan, 1, 2], precision), Self.rows([1, .nan, 3], precision))
    let h = Self.rows([0, 0, 0], precision)
    h.activate(.silu, gate: gate, up: up)
    let found = Self.values(h)
    #expect(found[0].isNaN && found[1].isNaN && found[2].isFinite)
  }

  /// Slopes of logits: the target's is rounded once, after 1 is taken from its share; the logits themselves may become them.
  @Test(arguments: [ProductPrecision.single, .bfloat16]) func crossEntropy(precision: ProductPrecision) {
    // More than a part of 1024 numbers, and a target in each part and at an end.
    let (columns, targets, scale) = (1500, [Int32(0), 1023, 1499], 0.25)
    var generator = SeededGenerator(seed: 4, purpose: "logits")
    var drawn = (0..<3 * columns).map { _ in Float(4 * generator.normal()) }
    // A share above a half: rounded before 1 is taken from it, it would leave few bits.
    drawn[columns + 1023] = 25
    let logits = Block(Buffer(drawn), rows: 3, columns: columns)
    let slopes: ProductRows =
      precision == .single ? ProductRows(logits) : .unset(3, columns, precision)
    let losses = TrainingKernels.crossEntropy(
      logits, targets: targets[...], scale: Float(scale), slopes: slopes)
    let plain = TrainingKernels.crossEntropy(
      Block(Buffer(drawn), rows: 3, columns: columns), targets: targets[...], scale: Float(scale), slopes: nil)
    #expect(losses == plain)
    let found = Self.values(slopes)
    for (i, target) in targets.enumerated() {
      let row = drawn[i * columns..<(i + 1) * columns].map(Double.init)
      let total = row.reduce(0) { $0 + exp($1) }
      #expect(abs(losses[i] - (log(total) - row[Int(target)])) < 1e-5)
      for j in row.indices {
        let slope = scale * (exp(row[j]) / total - (j == Int(target) ? 1 : 0))
        let rounding = precision == .single ? 0 : abs(slope) / 256
        #expect(abs(found[i * columns + j] - slope) <= rounding + 1e-6 * scale, "row \(i), logit \(j)")
      }
    }
  }

  /// What is worked out and rounded in one go is what is rounded afterwards.
  @Test func roundedInOneGo() {
    let numbers = Self.numbers(5).dropLast(3).map { $0 }
    func block() -> Block<Float> { Block(Buffer(numbers), rows: 3, columns: numbers.count / 3) }
    let columns = numbers.count / 3
    let (sum, rounded) = (block(), Self.rows(numbers, .bfloat16))
    ActivationKernels.addNormalizeBySquareGradient(
      block(), at: block(), weight: [Float](repeating: 0.5, count: columns), offset: 1, epsilon: 1e-5, to: sum,
      rounded: rounded)
    let expected = Self.rows(numbers, .bfloat16)
    expected.copy(sum)
    #expect(sum.buffer.array() != numbers && Self.values(rounded) == Self.values(expected))

    // Heads of 10, of which 6 are turned, by the angles of rows 2, 0 and 1.
    let (turned, roundedTurned) = (block(), Self.rows(numbers, .bfloat16))
    let angles = (0..<9).map { Float($0) / 3 }
    func table(_ function: (Float) -> Float) -> Block<Float> {
      Block(Buffer(angles.map(function)), rows: 3, columns: 3)
    }
    ActivationKernels.rotateHeads(
      of: turned, headWidth: columns / 7, cosines: table(cosf), sines: table(sinf), positions: [2, 0, 1],
      rounded: roundedTurned)
    expected.copy(turned)
    #expect(Self.values(roundedTurned) == Self.values(expected))
    let width = columns / 7
    for (row, position) in [2, 0, 1].enumerated() {
      for j in 0..<columns {
        let (place, start) = (j % width, row * columns + j / width * width)
        func x(_ i: Int) -> Float { numbers[start + i] }
        let angle = angles[position * 3 + place % 3]
        let wanted =
          place < 3
          ? x(place) * cosf(angle) - x(place + 3) * sinf(angle)
          : place < 6 ? x(place) * cosf(angle) + x(place - 3) * sinf(angle) : x(place)
        #expect(abs(turned.buffer[row * columns + j] - wanted) <= 1e-6 * (1 + abs(wanted)))
      }
    }
  }

  private static func silu(_ x: Double) -> (Double, Double) {
    let s = 1 / (1 + exp(-x))
    return (x * s, s * (1 + x * (1 - s)))
  }
  private static func gelu(_ x: Double) -> (Double, Double) {
    let area = 0.5 * erfc(-x / 2.0.squareRoot())
    return (x * area, area + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot())
  }
}
