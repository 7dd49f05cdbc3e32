import GapLinearAlgebra

/// Small vector arithmetic in Double.
enum Vector {
  static func dot(_ a: [Double], _ b: [Double]) -> Double { RowKernels.dot(a.span, b.span) }

  static func squaredLength(_ a: [Double]) -> Double { dot(a, a) }

  static func difference(_ a: [Double], _ b: [Double]) -> [Double] { a.indices.map { a[$0] - b[$0] } }

  /// `⟨A, B⟩ = Σ A_ij B_ij`.
  static func dot(_ a: Block<Double>, _ b: Block<Double>) -> Double {
    (0..<a.rows).reduce(0) { sum, i in sum + a.row(i) { x in b.row(i) { y in RowKernels.dot(x, y) } } }
  }

  /// `vᵀ A v`.
  static func quadratic(_ a: Block<Double>, _ v: [Double]) -> Double {
    (0..<a.rows).reduce(0) { sum, i in sum + v[i] * a.row(i) { RowKernels.dot($0, v.span) } }
  }

  /// `Σ A_ii`.
  static func trace(_ a: Block<Double>) -> Double {
    (0..<a.rows).reduce(0) { sum, i in sum + a.row(i) { $0[i] } }
  }
}
