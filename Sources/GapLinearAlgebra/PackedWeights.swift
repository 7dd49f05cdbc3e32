import CGapKernels
import Synchronization

#if OneDNN
  import COneDNN
#endif

/// The precision of products with frozen weights.
package enum ProductPrecision: String, Sendable {
  /// Single precision throughout.
  case single = "f32"
  /// Both factors rounded to bfloat16, sums in single precision.
  case bfloat16 = "bf16"

  /// Whether this build and this processor have bfloat16 products that are faster than single precision's.
  package static var hasFastBFloat16: Bool {
    #if OneDNN
      gap_onednn_has_fast_bf16() != 0
    #else
      false
    #endif
  }
}

/// A frozen matrix W [outputs, inputs], packed once for each of the two products that training takes with it.
///
/// ```
/// forward: y = x Wᵀ          gradient: dx = dy W
/// ```
///
/// With oneDNN, each direction has a packing of its own, made when it is first asked for; without it, both share one copy
/// in single precision and OpenBLAS multiplies. Rows are cut in blocks of one size, whatever the number of threads, so
/// that bits do not depend on it.
@safe package final class PackedWeights: Sendable {
  /// Reads some rows of W, widened.
  package typealias Reader = @Sendable (_ rows: Range<Int>, _ into: inout MutableSpan<Float>) throws -> Void

  package let outputs: Int
  package let inputs: Int
  package let precision: ProductPrecision
  private let read: Reader

  #if OneDNN
    // Each is made once, under the lock; looking it up takes none.
    private let forward = AtomicLazyReference<PackedMatrix>()
    private let gradient = AtomicLazyReference<PackedMatrix>()
    private let packing = Mutex(())
  #else
    private let state = Mutex<Buffer<Float>?>(nil)
  #endif

  /// - Parameter read: called when a direction is packed, not before.
  package init(outputs: Int, inputs: Int, precision: ProductPrecision, read: @escaping Reader) {
    precondition(outputs > 0 && inputs > 0)
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
    #if OneDNN
      try packed(isForward: true).multiply(x, into: y, adding: adding)
    #else
      let w = Block(try stored(), rows: outputs, columns: inputs)
      if adding { Products.addInner(x, w, to: y) } else { Products.inner(x, w, into: y) }
    #endif
  }

  /// The same from rows that are in the precision of products.
  package func forward(_ x: ProductRows, into y: Block<Float>, adding: Bool = false) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    #if OneDNN
      try packed(isForward: true).multiply(x, into: y, adding: adding)
    #else
      try forward(x.block, into: y, adding: adding)
    #endif
  }

  /// The same, with results in the precision of products.
  package func forward(_ x: ProductRows, into y: ProductRows) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows)
    #if OneDNN
      try packed(isForward: true).multiply(x, into: y)
    #else
      try forward(x.block, into: y.block)
    #endif
  }

  /// `dx = dy W`, or `dx += dy W` with `adding`, on the calling thread.
  ///
  /// - Parameters:
  ///   - dy: [rows, outputs].
  ///   - dx: [rows, inputs].
  package func inputGradient(_ dy: Block<Float>, into dx: Block<Float>, adding: Bool = false) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows)
    #if OneDNN
      try packed(isForward: false).multiply(dy, into: dx, adding: adding)
    #else
      Products.product(
        dy, Block(try stored(), rows: outputs, columns: inputs), into: dx, adding: adding)
    #endif
  }

  /// The same from rows that are in the precision of products.
  package func inputGradient(_ dy: ProductRows, into dx: Block<Float>, adding: Bool = false) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows)
    #if OneDNN
      try packed(isForward: false).multiply(dy, into: dx, adding: adding)
    #else
      try inputGradient(dy.block, into: dx, adding: adding)
    #endif
  }

  #if OneDNN
    private func packed(isForward: Bool) throws -> PackedMatrix {
      if let made = isForward ? forward.load() : gradient.load() { return made }
      return try packing.withLock { _ in
        if let made = isForward ? forward.load() : gradient.load() { return made }
        let made = try PackedMatrix(self.outputs, self.inputs, isForward: isForward, precision, read)
        return isForward ? forward.storeIfNil(made) : gradient.storeIfNil(made)
      }
    }
  #else
    private func stored() throws -> Buffer<Float> {
      try state.withLock { stored in
        if let stored { return stored }
        let values = Buffer<Float>(repeating: 0, count: outputs * inputs)
        try values.write(0..<values.count) { try read(0..<outputs, &$0) }
        stored = values
        return values
      }
    }
  #endif
}

#if OneDNN
  /// One packing of a matrix, in oneDNN's own layout.
  @safe private final class PackedMatrix: Sendable {
    private nonisolated(unsafe) let matrix: OpaquePointer

    /// - Parameter isForward: whether rows of W are what sums run over.
    init(
      _ outputs: Int, _ inputs: Int, isForward: Bool, _ precision: ProductPrecision,
      _ read: PackedWeights.Reader
    ) throws {
      OpenBLAS.useOneThread()
      let depth = isForward ? inputs : outputs
      let columns = isForward ? outputs : inputs
      let turned: Int32 = isForward ? 1 : 0
      let made: OpaquePointer?
      // Plain arrays, which the system gets back: memory that blocks share would keep them.
      switch precision {
      case .single:
        var values = [Float](repeating: 0, count: outputs * inputs)
        var span = values.mutableSpan
        try read(0..<outputs, &span)
        unsafe made = values.withUnsafeBytes {
          unsafe gap_onednn_pack($0.baseAddress, depth, columns, turned, Int32(GAP_ONEDNN_F32))
        }
      case .bfloat16:
        var values = [UInt16](repeating: 0, count: outputs * inputs)
        let piece = Pieces(of: 0..<outputs, size: max(1, (1 << 20) / inputs))
        let scratch = Buffer<Float>(repeating: 0, count: min(piece.size, outputs) * inputs)
        for rows in piece.all {
          let count = rows.count * inputs
          try scratch.write(0..<count) { try read(rows, &$0) }
          unsafe values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            unsafe gap_narrow_bf16(
              scratch.pointer(at: 0, reaching: count), base + rows.lowerBound * inputs, count)
          }
        }
        unsafe made = values.withUnsafeBytes {
          unsafe gap_onednn_pack($0.baseAddress, depth, columns, turned, Int32(GAP_ONEDNN_BF16))
        }
      }
      guard let made = unsafe made else { preconditionFailure("oneDNN cannot pack a matrix: out of memory") }
      unsafe matrix = made
    }

    deinit { unsafe gap_onednn_release(matrix) }

    func multiply(_ a: Block<Float>, into c: Block<Float>, adding: Bool) {
      guard a.rows > 0 else { return }
      unsafe run(
        a.buffer.pointer(at: a.offset, reaching: a.extent), Int32(GAP_ONEDNN_F32), a.stride, a.rows,
        c.buffer.pointer(at: c.offset, reaching: c.extent), Int32(GAP_ONEDNN_F32), c.stride, adding)
    }

    func multiply(_ a: ProductRows, into c: Block<Float>, adding: Bool) {
      guard a.rows > 0 else { return }
      unsafe run(
        a.pointer, a.type, a.columns, a.rows, c.buffer.pointer(at: c.offset, reaching: c.extent),
        Int32(GAP_ONEDNN_F32), c.stride, adding)
    }

    func multiply(_ a: ProductRows, into c: ProductRows) {
      guard a.rows > 0 else { return }
      unsafe run(a.pointer, a.type, a.columns, a.rows, c.pointer, c.type, c.columns, false)
    }

    private func run(
      _ a: UnsafeRawPointer, _ type: Int32, _ aStride: Int, _ rows: Int, _ c: UnsafeMutableRawPointer,
      _ targetType: Int32, _ stride: Int, _ adding: Bool
    ) {
      let status = unsafe gap_onednn_multiply(
        matrix, a, type, aStride, rows, c, targetType, stride, adding ? 1 : 0)
      precondition(status == 0, "oneDNN's product failed with status \(status)")
    }
  }
#endif
