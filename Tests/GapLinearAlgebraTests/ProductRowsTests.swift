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

  private static func silu(_ x: Double) -> (Double, Double) {
    let s = 1 / (1 + exp(-x))
    return (x * s, s * (1 + x * (1 - s)))
  }
  private static func gelu(_ x: Double) -> (Double, Double) {
    let area = 0.5 * erfc(-x / 2.0.squareRoot())
    return (x * area, area + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot())
  }
}
