import Testing

@testable import GapLinearAlgebra

/// Attention of heads that share a key head, with bfloat16 products, against the formula in Double.
@Suite struct AttentionKernelsTests {
  private struct Case: Sendable {
    let tokens: Int
    let first: Int
    let shared: Int
    let width: Int
    let block: Int
    let seesAll: Bool
  }

  /// Sizes that no tile divides: odd widths and numbers of keys, one token, a block larger than the sequence.
  private static let cases = [
    Case(tokens: 37, first: 0, shared: 3, width: 5, block: 8, seesAll: false),
    Case(tokens: 96, first: 41, shared: 3, width: 64, block: 32, seesAll: false),
    Case(tokens: 70, first: 0, shared: 1, width: 80, block: 48, seesAll: true),
    Case(tokens: 1, first: 0, shared: 2, width: 16, block: 32, seesAll: false),
    Case(tokens: 9, first: 8, shared: 7, width: 33, block: 4, seesAll: true),
  ]

  /// Numbers that bfloat16 holds exactly, [rows, columns].
  private static func numbers(_ rows: Int, _ columns: Int, _ generator: inout SeededGenerator) -> Block<Float> {
    let block = Block(Buffer<Float>(repeating: 0, count: rows * columns), rows: rows, columns: columns)
    for i in 0..<rows * columns {
      block.buffer[i] = Float(bitPattern: Float(generator.normal()).bitPattern & 0xFFFF_0000)
    }
    return block
  }

  /// The same numbers in bfloat16, as the second of several groups of columns; there are no numbers in the others.
  private static func rounded(_ x: Block<Float>, beside groups: Int) -> ProductRows {
    let all = Block(
      Buffer<Float>(repeating: .nan, count: x.rows * x.columns * groups), rows: x.rows,
      columns: x.columns * groups)
    all.columns(x.columns..<2 * x.columns).copy(x)
    let rows = ProductRows.unset(all.rows, all.columns, .bfloat16)
    rows.copy(all)
    return rows
  }

  /// The second group of columns; the others are as `rounded` made them.
  private static func widened(_ rows: ProductRows, own columns: Int) -> Block<Float> {
    let block = Block(
      Buffer<Float>(repeating: 0, count: rows.rows * columns), rows: rows.rows, columns: columns)
    guard case .bfloat16(let halves) = rows.numbers else { return block }
    for i in 0..<rows.rows {
      for j in 0..<rows.columns {
        let number = Float(bitPattern: UInt32(halves[i * rows.columns + j]) << 16)
        if (columns..<2 * columns).contains(j) {
          block.buffer[i * columns + j - columns] = number
        } else {
          #expect(number.isNaN)
        }
      }
    }
    return block
  }

  /// A window of 20 keys, and a hole among them where there are enough; of 60 where the sequence is long, with a hole that
  /// 16 lanes fit into.
  private static func bounds(_ i: Int, _ tokens: Int, _ seesAll: Bool) -> AttentionKernels.Bounds {
    let end = seesAll ? tokens : i + 1
    let first = max(0, end - (tokens > 80 ? 60 : 20))
    let hole = end - first > 50 ? 43 : 3
    return (first, end - first > 6 ? first + 2..<first + 2 + hole : first..<first, end)
  }

  @Test(arguments: cases.indices) func heads(index: Int) throws {
    guard AttentionKernels.hasHalfHeads else { return }
    let own = Self.cases[index]
    var generator = SeededGenerator(seed: 3, purpose: "attention \(index)")
    let columns = own.shared * own.width
    let (n, asking) = (own.tokens, own.tokens - own.first)
    let q = Self.numbers(n, columns, &generator)
    let (k, v) = (Self.numbers(n, own.width, &generator), Self.numbers(n, own.width, &generator))
    let slope = Self.numbers(asking, columns, &generator)
    // Other heads lie beside these.
    let heads = HalfHeads(
      query: Self.rounded(q, beside: 2), key: Self.rounded(k, beside: 2), value: Self.rounded(v, beside: 2),
      keyHead: 1, width: own.width, first: own.first, block: own.block, seesAll: own.seesAll, scale: 0.3
    ) { Self.bounds($0, n, own.seesAll) }
    let scratch = Buffer<UInt32>(
      repeating: .max,
      count: HalfHeads.scratch(tokens: n, block: own.block, shared: own.shared, width: own.width))
    let mixed = Self.rounded(slope, beside: 2)
    heads.mix(into: mixed, scratch)
    let dq = Block(Buffer<Float>(repeating: 0, count: n * columns), rows: n, columns: columns)
    // Gradients of keys and values are added to what is there.
    let dk = Block(Buffer<Float>(repeating: 1, count: n * own.width), rows: n, columns: own.width)
    let dv = Block(Buffer<Float>(repeating: 2, count: n * own.width), rows: n, columns: own.width)
    heads.gradient(Self.rounded(slope, beside: 2), ofQuery: dq, addingOfKey: dk, ofValue: dv, scratch)

    let twin = twin(own, q, k, v, slope)
    expectNear(Self.widened(mixed, own: columns), twin.mixed, "mixed", isRounded: true)
    expectNear(dq, twin.dq, "gradient of queries")
    expectNear(dk, twin.dk.map { $0 + 1 }, "gradient of keys")
    expectNear(dv, twin.dv.map { $0 + 2 }, "gradient of values")
  }

  private struct Twin {
    var mixed: [Double]
    var dq: [Double]
    var dk: [Double]
    var dv: [Double]
  }

  private func twin(
    _ own: Case, _ q: Block<Float>, _ k: Block<Float>, _ v: Block<Float>, _ slope: Block<Float>
  ) -> Twin {
    let (n, w, columns) = (own.tokens, own.width, own.shared * own.width)
    var twin = Twin(
      mixed: [Double](repeating: 0, count: (n - own.first) * columns),
      dq: [Double](repeating: 0, count: n * columns),
      dk: [Double](repeating: 0, count: n * w), dv: [Double](repeating: 0, count: n * w))
    func number(_ block: Block<Float>, _ i: Int, _ j: Int) -> Double {
      Double(block.buffer[i * block.columns + j])
    }
    for i in own.first..<n {
      let bounds = Self.bounds(i, n, own.seesAll)
      let seen = (bounds.first..<bounds.end).filter { !bounds.hole.contains($0) }
      for start in stride(from: 0, to: columns, by: w) {
        let scores = seen.map { j in
          (0..<w).reduce(0.0) { $0 + number(q, i, start + $1) * number(k, j, $1) } * 0.3
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exponential($0 - largest) }
        let total = powers.reduce(0, +)
        let weights = powers.map { $0 / total }
        let row = i - own.first
        let slopes = seen.map { j in
          (0..<w).reduce(0.0) { $0 + number(slope, row, start + $1) * number(v, j, $1) }
        }
        let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
        for (place, j) in seen.enumerated() {
          let ofScore = 0.3 * weights[place] * (slopes[place] - mean)
          for c in 0..<w {
            twin.mixed[row * columns + start + c] += weights[place] * number(v, j, c)
            twin.dv[j * w + c] += weights[place] * number(slope, row, start + c)
            twin.dq[i * columns + start + c] += ofScore * number(k, j, c)
            twin.dk[j * w + c] += ofScore * number(q, i, start + c)
          }
        }
      }
    }
    return twin
  }

  /// Weights and their gradients are rounded to 8 bits before they are multiplied: each sum is off by less than 2⁻⁸ of
  /// the largest, and by 2⁻⁹ more where it is rounded itself.
  private func expectNear(
    _ found: Block<Float>, _ expected: [Double], _ what: String, isRounded: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.rows * found.columns == expected.count, sourceLocation: sourceLocation)
    let size = expected.reduce(0) { max($0, abs($1)) }
    let worst = expected.indices.reduce(0.0) {
      let off = abs(Double(found.buffer[$1]) - expected[$1])
      return max($0, off.isFinite ? off : .infinity)
    }
    let allowed = size / 256 + (isRounded ? size / 512 : 0)
    #expect(worst <= allowed, "\(what): off by \(worst / size)", sourceLocation: sourceLocation)
  }
}
