package import GapLinearAlgebra
import GapMetrics

/// A loss that draws the vectors of an image and of its caption together, and those of other pairs apart.
///
/// ```
/// z = exp(s) X̂ Ŷᵀ
/// infonce:  ½ (mean_i −ln softmax(z_i·)_i  +  mean_j −ln softmax(z_·j)_j)
/// siglip:   −(1/B) Σ_ij ln sigmoid(± (z_ij + b)),   + on the diagonal
/// ```
///
/// - Source: Radford et al., *CLIP*; Zhai et al., *Sigmoid Loss for Language Image Pre-Training*.
package enum ContrastiveLoss: String, Sendable, CaseIterable {
  case infonce
  case siglip

  /// What the loss is, and which way it falls.
  package struct Result: Sendable {
    package let loss: Double
    /// Of the image vectors as they were given, [B, C].
    package let imageGradient: Block<Double>
    /// Of s and of b (0 for infonce).
    package let scaleGradient: Double
    package let biasGradient: Double
  }

  /// - Parameters:
  ///   - image: [B, C], of any length.
  ///   - text: [B, C], of any length; row i belongs to image i.
  ///   - scale: s, the logarithm of one over the temperature.
  ///   - bias: b.
  package func evaluate(
    image: Block<Double>, text: Block<Double>, scale: Double, bias: Double, on pool: WorkerPool
  ) throws -> Result {
    precondition(image.rows == text.rows && image.columns == text.columns && image.rows > 0)
    let count = image.rows
    let (x, lengths) = Self.normalised(image)
    let (y, _) = Self.normalised(text)
    let factor = exponential(scale)
    let z = Block(Buffer<Double>(repeating: 0, count: count * count), rows: count, columns: count)
    try Products.inner(x, y, into: z, on: pool)
    for i in 0..<z.buffer.count { z.buffer[i] *= factor }
    // From here `z` is replaced by the gradient of itself.
    let (loss, scaleGradient, biasGradient) =
      switch self {
      case .infonce: Self.softmax(z)
      case .siglip: Self.sigmoid(z, bias)
      }
    let dx = Block(Buffer<Double>(repeating: 0, count: count * x.columns), rows: count, columns: x.columns)
    Products.product(z, y, into: dx)
    for i in 0..<count {
      x.row(i) { x in
        dx.writeRow(i) { dx in
          var along = 0.0
          for k in x.indices { along += x[k] * dx[k] }
          for k in x.indices { dx[k] = factor * (dx[k] - x[k] * along) / lengths[i] }
        }
      }
    }
    return Result(loss: loss, imageGradient: dx, scaleGradient: scaleGradient, biasGradient: biasGradient)
  }

  /// Rows of length 1, and what the lengths were; as PyTorch does, none counts as shorter than 1e-12.
  private static func normalised(_ rows: Block<Double>) -> (Block<Double>, [Double]) {
    let copy = Block(
      Buffer<Double>(repeating: 0, count: rows.rows * rows.columns), rows: rows.rows, columns: rows.columns)
    let lengths = (0..<rows.rows).map { i in
      rows.row(i) { row in
        var square = 0.0
        for k in row.indices { square += row[k] * row[k] }
        let length = max(square.squareRoot(), 1e-12)
        copy.writeRow(i) { copy in for k in row.indices { copy[k] = row[k] / length } }
        return length
      }
    }
    return (copy, lengths)
  }

  private static func softmax(_ z: Block<Double>) -> (loss: Double, scale: Double, bias: Double) {
    let count = z.rows
    let numbers = z.buffer.array()
    func logSum(_ at: (Int) -> Int) -> Double {
      var largest = -Double.infinity
      for j in 0..<count { largest = max(largest, numbers[at(j)]) }
      var total = 0.0
      for j in 0..<count { total += exponential(numbers[at(j)] - largest) }
      return largest + logarithm(total)
    }
    let rows = (0..<count).map { i in logSum { i * count + $0 } }
    let columns = (0..<count).map { j in logSum { $0 * count + j } }
    var (loss, slope) = (0.0, 0.0)
    for i in 0..<count {
      for j in 0..<count {
        let value = numbers[i * count + j]
        var gradient = exponential(value - rows[i]) + exponential(value - columns[j])
        if i == j {
          gradient -= 2
          loss += rows[i] + columns[i] - 2 * value
        }
        gradient /= 2 * Double(count)
        z.buffer[i * count + j] = gradient
        slope += gradient * value
      }
    }
    return (loss / (2 * Double(count)), slope, 0)
  }

  private static func sigmoid(_ z: Block<Double>, _ bias: Double) -> (loss: Double, scale: Double, bias: Double)
  {
    let count = z.rows
    var (loss, slope, shift) = (0.0, 0.0, 0.0)
    for i in 0..<count {
      for j in 0..<count {
        let value = z.buffer[i * count + j]
        let sign = i == j ? 1.0 : -1.0
        let margin = sign * (value + bias)
        // −ln sigmoid(m) = ln(1 + exp(−m)), without overflow.
        loss += max(0, -margin) + logarithm(1 + exponential(-abs(margin)))
        let gradient = -sign / ((1 + exponential(margin)) * Double(count))
        z.buffer[i * count + j] = gradient
        slope += gradient * value
        shift += gradient
      }
    }
    return (loss / Double(count), slope, shift)
  }
}
