package import GapLinearAlgebra

/// Rotary position embedding: turns pairs of query and key numbers by angles that grow with the position.
///
/// ```
/// (x_i, x_{i+r/2}) turned by position · frequency_i,   i < r/2
/// ```
///
/// r is the rotated width, the first part of each head; the rest is left alone (Phi).
///
/// - Source: Su et al., *RoFormer*; halves, not neighbours, are paired, as Hugging Face stores weights.
package struct RotaryEmbedding: Sendable {
  /// Angle a position, [r/2].
  package let frequencies: [Double]
  /// Factor of both cosine and sine (1 but for some scalings).
  package let magnitude: Double

  package init(frequencies: [Double], magnitude: Double = 1) {
    self.frequencies = frequencies
    self.magnitude = magnitude
  }

  /// Cosines and sines, [positions, r/2] each, for positions `0..<count`.
  package func table(_ count: Int) -> (cosines: Block<Float>, sines: Block<Float>) {
    let half = frequencies.count
    let cosines = Block<Float>.zeros(count, half)
    let sines = Block<Float>.zeros(count, half)
    for position in 0..<count {
      for k in 0..<half {
        // The reference multiplies in single precision.
        let angle = Double(Float(position) * Float(frequencies[k]))
        cosines.buffer[position * half + k] = Float(cosine(angle) * magnitude)
        sines.buffer[position * half + k] = Float(sine(angle) * magnitude)
      }
    }
    return (cosines, sines)
  }

  /// Turns every head of every row in place; positions count from 0 in each sequence.
  ///
  /// - Parameter turningBack: turns the other way, as gradients are.
  package func apply(
    to x: Block<Float>, headWidth: Int, _ sequences: Sequences, turningBack: Bool = false, on pool: WorkerPool
  ) throws {
    let turning = Turning(self, sequences, isBack: turningBack)
    let pieces = Pieces(of: 0..<x.rows, size: 64)
    try pool.forEach(pieces.count) { _, piece in
      turning.apply(to: x.rows(pieces[piece]), headWidth: headWidth, rows: pieces[piece])
    }
  }
}

/// A rotary embedding with the angles of some sequences worked out.
package struct Turning: Sendable {
  private let cosines: Block<Float>
  private let sines: Block<Float>
  /// The position of each row.
  private let positions: [Int]

  /// - Parameter isBack: turns the other way, as gradients are.
  package init(_ rotary: RotaryEmbedding, _ sequences: Sequences, isBack: Bool) {
    (cosines, sines) = rotary.table(sequences.positions)
    if isBack { for i in 0..<sines.buffer.count { sines.buffer[i].negate() } }
    positions = (0..<sequences.count).flatMap { sequence in
      (0..<sequences.rows(of: sequence).count).map { sequences.position(of: $0, in: sequence) }
    }
  }

  /// Turns every head of some rows in place.
  ///
  /// - Parameters:
  ///   - x: [rows, heads · headWidth].
  ///   - rows: which rows of all sequences they are.
  ///   - rounded: becomes the rows, rounded to bfloat16; nil for none.
  package func apply(to x: Block<Float>, headWidth: Int, rows: Range<Int>, rounded: ProductRows? = nil) {
    ActivationKernels.rotateHeads(
      of: x, headWidth: headWidth, cosines: cosines, sines: sines, positions: positions[rows], rounded: rounded)
  }
}
