import Synchronization

/// A frozen matrix W [outputs, inputs], packed once for each of the two products that training takes with it.
///
/// ```
/// forward: y = x Wᵀ          gradient: dx = dy W
/// ```
///
/// Each direction has a packing of its own, made when it is first asked for, unless its kernels take the matrix as it
/// is. Rows are cut in blocks of one size, whatever the number of threads, so that bits do not depend on it.
@safe package final class PackedWeights: Sendable {
  /// Reads some rows of W, widened.
  package typealias Reader = @Sendable (_ rows: Range<Int>, _ into: inout MutableSpan<Float>) throws -> Void

  package let outputs: Int
  package let inputs: Int
  package let precision: ProductPrecision
  private let read: Reader

  package let kernels: ProductKernels
  // Each is made once, under the lock; looking it up takes none.
  private let forward = AtomicLazyReference<PackedMatrix>()
  private let gradient = AtomicLazyReference<PackedMatrix>()
  private let packing = Mutex(())

  /// - Parameter read: called when a direction is packed, not before.
  /// - Parameter kernels: who multiplies; the fastest where nothing is said.
  package init(
    outputs: Int, inputs: Int, precision: ProductPrecision, kernels: ProductKernels? = nil,
    read: @escaping Reader
  ) {
    precondition(outputs > 0 && inputs > 0)
    let kernels = kernels ?? .fastest(precision)
    precondition(kernels.suit(precision), "\(kernels) has no products in \(precision.rawValue)")
    self.kernels = kernels
    self.outputs = outputs
    self.inputs = inputs
    self.precision = precision
    self.read = read
  }

  /// Rows of x that one thread takes at a time: enough that weights are not read too often, few enough that what lies
  /// between two products of a block stays in the cache.
  package static let rows = 96

  /// `y = x Wᵀ`, or `y += x Wᵀ` with `adding`, on the calling thread.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs].
  ///   - y: [rows, outputs].
  package func forward(_ x: Block<Float>, into y: Block<Float>, adding: Bool = false) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    try packed(isForward: true).multiply(x, into: y, plus: adding ? y : nil)
  }

  /// The same from rows that are in the precision of products.
  package func forward(_ x: ProductRows, into y: Block<Float>, adding: Bool = false) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    try packed(isForward: true).multiply(x, into: y, plus: adding ? y : nil)
  }

  /// `y = base + x Wᵀ`, in one go where kernels can.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs], in the precision of products or in single precision.
  ///   - base: [rows, outputs], with rows as long as y's.
  package func forward(_ x: ProductRows, plus base: Block<Float>, into y: Block<Float>) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    precondition(base.rows == y.rows && base.columns == outputs)
    try packed(isForward: true).multiply(x, into: y, plus: base)
  }

  /// The same, with results in the precision of products.
  package func forward(_ x: ProductRows, into y: ProductRows) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    try packed(isForward: true).multiply(x, into: y)
  }

  /// `dx = dy W`, or `dx += dy W` with `adding`, on the calling thread.
  ///
  /// - Parameters:
  ///   - dy: [rows, outputs].
  ///   - dx: [rows, inputs].
  package func inputGradient(_ dy: Block<Float>, into dx: Block<Float>, adding: Bool = false) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows)
    try packed(isForward: false).multiply(dy, into: dx, plus: adding ? dx : nil)
  }

  /// The same from rows that are in the precision of products.
  package func inputGradient(_ dy: ProductRows, into dx: Block<Float>, adding: Bool = false) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows)
    try packed(isForward: false).multiply(dy, into: dx, plus: adding ? dx : nil)
  }

  /// The same, with results in the precision of products.
  package func inputGradient(_ dy: ProductRows, into dx: ProductRows) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows)
    try packed(isForward: false).multiply(dy, into: dx)
  }

  private func packed(isForward: Bool) throws -> PackedMatrix {
    if let made = isForward ? forward.load() : gradient.load() { return made }
    return try packing.withLock { _ in
      if let made = isForward ? forward.load() : gradient.load() { return made }
      let other = isForward ? gradient.load() : forward.load()
      let made = try PackedMatrix(self, isForward: isForward, beside: other)
      return isForward ? forward.storeIfNil(made) : gradient.storeIfNil(made)
    }
  }

  /// All of W in single precision.
  func whole() throws -> [Float] {
    var values = [Float](repeating: 0, count: outputs * inputs)
    var span = values.mutableSpan
    try read(0..<outputs, &span)
    return values
  }

  /// Calls `body` with some rows of W at a time, in the precision of products.
  func eachRows(_ body: (_ first: Int, _ rows: ProductRows) throws -> Void) throws {
    let pieces = Pieces(of: 0..<outputs, size: max(1, (1 << 18) / inputs))
    let most = min(pieces.size, outputs)
    let wide = Block(Buffer<Float>(unset: most * inputs), rows: most, columns: inputs)
    let narrow = precision == .single ? ProductRows(wide) : .unset(most, inputs, precision)
    for piece in pieces.all {
      try wide.buffer.write(0..<piece.count * inputs) { try read(piece, &$0) }
      let rows = narrow.first(piece.count)
      if precision != .single { rows.copy(wide.rows(0..<piece.count)) }
      try body(piece.lowerBound, rows)
    }
  }
}
