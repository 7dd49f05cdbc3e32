import Foundation
import GapLayers
import GapLinearAlgebra
import GapTensorFiles

/// The layers again, in Double, by their definitions: one number after the other.
enum Naive {
  typealias Rows = [[Double]]

  static func linear(_ x: Rows, _ layer: FrozenLinear) throws -> Rows {
    let w: [Double] = try layer.weight.elements()
    return x.map { row in
      (0..<layer.outputs).map { o in
        var sum = Double(layer.bias?[o] ?? 0)
        for k in row.indices { sum += row[k] * w[o * layer.inputs + k] }
        return sum
      }
    }
  }

  /// With the adapter's addition, number by number.
  static func linear(_ x: Rows, _ layer: AdaptableLinear) throws -> Rows {
    var y = try linear(x, layer.frozen)
    guard let adapter = layer.adapter else { return y }
    let (a, b) = (adapter.down.numbers, adapter.up.numbers)
    for i in x.indices {
      for r in a.indices {
        var inner = 0.0
        for k in x[i].indices { inner += x[i][k] * Double(a[r][k]) }
        inner *= Double(adapter.scale)
        for o in b.indices { y[i][o] += inner * Double(b[o][r]) }
      }
    }
    return y
  }

  static func activation(_ x: Double, _ function: ActivationKernels.Function) -> Double {
    switch function {
    case .relu: max(0, x)
    case .silu: x / (1 + exp(-x))
    case .gelu: x * 0.5 * (1 + erf(x / 2.0.squareRoot()))
    case .geluTanh: x * 0.5 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .quickGelu: x / (1 + exp(-1.702 * x))
    }
  }

  static func norm(_ row: [Double], _ norm: Normalization) -> [Double] {
    let n = Double(row.count)
    switch norm {
    case .rootMeanSquare(let weight, let offset, let epsilon):
      let size = (row.reduce(0) { $0 + $1 * $1 } / n + Double(epsilon)).squareRoot()
      return row.indices.map { row[$0] / size * Double(weight[$0] + offset) }
    case .layer(let weight, let bias, let epsilon):
      let mean = row.reduce(0, +) / n
      let size = (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n + Double(epsilon)).squareRoot()
      return row.indices.map { (row[$0] - mean) / size * Double(weight[$0]) + Double(bias[$0]) }
    }
  }

  static func feedForward(_ x: Rows, _ layer: FeedForward) throws -> Rows {
    let up = try linear(x, layer.up)
    guard let gate = layer.gate else {
      return try linear(up.map { $0.map { activation($0, layer.activation) } }, layer.down)
    }
    let gates = try linear(x, gate)
    let hidden = up.indices.map { i in
      up[i].indices.map { activation(gates[i][$0], layer.activation) * up[i][$0] }
    }
    return try linear(hidden, layer.down)
  }

  /// Whether the query at one row of a sequence sees the key at another.
  static func sees(_ q: Int, _ k: Int, _ reach: Attention.Reach, _ branch: Sequences.Branch?) -> Bool {
    guard case .before(let window) = reach else { return true }
    func position(_ row: Int) -> Int {
      branch.map { row >= $0.start ? row - $0.start + $0.shared : row } ?? row
    }
    if k > q { return false }
    if let branch, q >= branch.start, k >= branch.shared, k < branch.start { return false }
    return window.map { position(q) - position(k) < $0 } ?? true
  }

  static func attention(_ x: Rows, _ layer: Attention, _ sequences: Sequences) throws -> Rows {
    let width = layer.headWidth
    func turned(_ rows: Rows, _ norm: Normalization?, _ isRotated: Bool) -> Rows {
      var rows = rows
      for s in 0..<sequences.count {
        let range = sequences.rows(of: s)
        for i in range {
          for start in stride(from: 0, to: rows[i].count, by: width) {
            var head = Array(rows[i][start..<start + width])
            if let norm { head = Naive.norm(head, norm) }
            if isRotated, let rotary = layer.rotary {
              let half = rotary.frequencies.count
              for k in 0..<half {
                let angle = Double(sequences.position(of: i - range.lowerBound, in: s)) * rotary.frequencies[k]
                let (a, b) = (head[k], head[k + half])
                head[k] = rotary.magnitude * (a * cos(angle) - b * sin(angle))
                head[k + half] = rotary.magnitude * (b * cos(angle) + a * sin(angle))
              }
            }
            rows[i].replaceSubrange(start..<start + width, with: head)
          }
        }
      }
      return rows
    }
    let q = turned(try linear(x, layer.query), layer.queryNorm, true)
    let k = turned(try linear(x, layer.key), layer.keyNorm, true)
    let v = try linear(x, layer.value)
    var mixed = Rows(repeating: Array(repeating: 0, count: layer.heads * width), count: x.count)
    for s in 0..<sequences.count {
      let range = sequences.rows(of: s)
      for i in range {
        let keys = range.filter {
          sees(i - range.lowerBound, $0 - range.lowerBound, layer.reach, sequences.branches[s])
        }
        for head in 0..<layer.heads {
          let own = head * width
          let shared = head / (layer.heads / layer.keyHeads) * width
          let scores = keys.map { j in
            (0..<width).reduce(0) { $0 + q[i][own + $1] * k[j][shared + $1] } * Double(layer.scale)
          }
          let largest = scores.max() ?? 0
          let weights = scores.map { exp($0 - largest) }
          let total = weights.reduce(0, +)
          for (j, weight) in zip(keys, weights) {
            for c in 0..<width { mixed[i][own + c] += weight / total * v[j][shared + c] }
          }
        }
      }
    }
    return try linear(mixed, layer.output)
  }

  static func block(_ x: Rows, _ block: TransformerBlock, _ sequences: Sequences) throws -> Rows {
    func sum(_ a: Rows, _ b: Rows, _ scale: [Float]?) -> Rows {
      a.indices.map { i in a[i].indices.map { a[i][$0] + b[i][$0] * Double(scale?[$0] ?? 1) } }
    }
    func normed(_ rows: Rows, _ norm: Normalization) -> Rows { rows.map { Naive.norm($0, norm) } }
    if block.isPostNorm {
      let h = normed(
        sum(x, try attention(x, block.attention, sequences), block.attentionScale), block.attentionNorm)
      return normed(
        sum(h, try feedForward(h, block.feedForward), block.feedForwardScale), block.feedForwardNorm)
    }
    let h = sum(
      x, try attention(normed(x, block.attentionNorm), block.attention, sequences), block.attentionScale)
    return sum(h, try feedForward(normed(h, block.feedForwardNorm), block.feedForward), block.feedForwardScale)
  }

  /// The gradient of Σ cotangent · f(x) by central differences.
  static func gradient(at x: Rows, _ cotangent: Rows, _ f: (Rows) throws -> Rows) rethrows -> Rows {
    let step = 1e-5
    func value(_ x: Rows) throws -> Double {
      zip(try f(x), cotangent).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    var result = x
    for i in x.indices {
      for k in x[i].indices {
        var (up, down) = (x, x)
        up[i][k] += step
        down[i][k] -= step
        result[i][k] = (try value(up) - value(down)) / (2 * step)
      }
    }
    return result
  }
}
