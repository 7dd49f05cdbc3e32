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
    private struct State: ~Copyable {
      var forward: PackedMatrix?
      var gradient: PackedMatrix?
    }
    private let state = Mutex(State())
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

  /// Rows of x that one thread takes at a time.
  package static let rows = 64

  /// `y = x Wᵀ`, or `y += x Wᵀ` with `adding`, on the calling thread.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs], at most `PackedWeights.rows` rows.
  ///   - y: [rows, outputs].
  package func forward(_ x: Block<Float>, into y: Block<Float>, adding: Bool = false) throws {
    precondition(x.columns == inputs && y.columns == outputs && x.rows == y.rows && x.rows <= Self.rows)
    #if OneDNN
      try packed(isForward: true).multiply(x, into: y, adding: adding)
    #else
      let w = Block(try stored(), rows: outputs, columns: inputs)
      if adding { Products.addInner(x, w, to: y) } else { Products.inner(x, w, into: y) }
    #endif
  }

  /// `dx = dy W`, or `dx += dy W` with `adding`, on the calling thread.
  ///
  /// - Parameters:
  ///   - dy: [rows, outputs], at most `PackedWeights.rows` rows.
  ///   - dx: [rows, inputs].
  package func inputGradient(_ dy: Block<Float>, into dx: Block<Float>, adding: Bool = false) throws {
    precondition(dy.columns == outputs && dx.columns == inputs && dx.rows == dy.rows && dy.rows <= Self.rows)
    #if OneDNN
      try packed(isForward: false).multiply(dy, into: dx, adding: adding)
    #else
      Products.product(
        dy, Block(try stored(), rows: outputs, columns: inputs), into: dx, adding: adding)
    #endif
  }

  #if OneDNN
    private func packed(isForward: Bool) throws -> PackedMatrix {
      try state.withLock { state in
        if let made = isForward ? state.forward : state.gradient { return made }
        let made = try PackedMatrix(self.outputs, self.inputs, isForward: isForward, precision, read)
        if isForward { state.forward = made } else { state.gradient = made }
        return made
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
    private let depth: Int
    private let precision: ProductPrecision

    /// - Parameter isForward: whether rows of W are what sums run over.
    init(
      _ outputs: Int, _ inputs: Int, isForward: Bool, _ precision: ProductPrecision,
      _ read: PackedWeights.Reader
    ) throws {
      OpenBLAS.useOneThread()
      depth = isForward ? inputs : outputs
      self.precision = precision
      let columns = isForward ? outputs : inputs
      let turned: Int32 = isForward ? 1 : 0
      let made: OpaquePointer?
      switch precision {
      case .single:
        let values = Buffer<Float>(repeating: 0, count: outputs * inputs)
        try values.write(0..<values.count) { try read(0..<outputs, &$0) }
        unsafe made = gap_onednn_pack(
          values.pointer(at: 0, reaching: values.count), depth, columns, turned, Int32(GAP_ONEDNN_F32))
      case .bfloat16:
        let values = Buffer<UInt16>(repeating: 0, count: outputs * inputs)
        let piece = Pieces(of: 0..<outputs, size: max(1, (1 << 20) / inputs))
        let scratch = Buffer<Float>(repeating: 0, count: min(piece.size, outputs) * inputs)
        for rows in piece.all {
          let count = rows.count * inputs
          try scratch.write(0..<count) { try read(rows, &$0) }
          unsafe gap_narrow_bf16(
            scratch.pointer(at: 0, reaching: count),
            values.pointer(at: rows.lowerBound * inputs, reaching: count), count)
        }
        unsafe made = gap_onednn_pack(
          values.pointer(at: 0, reaching: values.count), depth, columns, turned, Int32(GAP_ONEDNN_BF16))
      }
      guard let made = unsafe made else { preconditionFailure("oneDNN cannot pack a matrix: out of memory") }
      unsafe matrix = made
    }

    deinit { unsafe gap_onednn_release(matrix) }

    func multiply(_ a: Block<Float>, into c: Block<Float>, adding: Bool) {
      guard a.rows > 0 else { return }
      let scratch = ProductScratch.take()
      defer { ProductScratch.give(scratch) }
      // A primitive belongs to one number of rows: few different ones keep their number small.
      let rows = (a.rows + 15) / 16 * 16
      let isPadded = rows != a.rows
      let left = unsafe scratch.left(bytes: rows * depth * (precision == .single ? 4 : 2))
      let isDirect = precision == .single && !isPadded && a.stride == depth
      if !isDirect {
        // Rows that follow each other go in one call.
        let isDense = a.stride == depth
        for i in 0..<(isDense ? 1 : a.rows) {
          let count = isDense ? a.rows * depth : depth
          let source = unsafe a.buffer.pointer(at: a.offset + i * a.stride, reaching: count)
          switch precision {
          case .single:
            unsafe (left + i * depth * 4).copyMemory(from: source, byteCount: count * 4)
          case .bfloat16:
            unsafe gap_narrow_bf16(source, (left + i * depth * 2).assumingMemoryBound(to: UInt16.self), count)
          }
        }
      }
      let status: Int32
      if isPadded {
        let stride = c.columns
        let target = unsafe scratch.right(count: rows * stride)
        unsafe status = gap_onednn_multiply(matrix, left, rows, target, stride, 0, scratch.library)
        for i in 0..<c.rows {
          let row = unsafe c.buffer.pointer(at: c.offset + i * c.stride, reaching: stride)
          if adding {
            unsafe gap_add_scaled(row, target + i * stride, 1, stride)
          } else {
            unsafe row.update(from: target + i * stride, count: stride)
          }
        }
      } else {
        let target = unsafe c.buffer.pointer(at: c.offset, reaching: c.extent)
        if isDirect {
          let source = unsafe a.buffer.pointer(at: a.offset, reaching: a.extent)
          unsafe status = gap_onednn_multiply(
            matrix, source, rows, target, c.stride, adding ? 1 : 0, scratch.library)
        } else {
          unsafe status = gap_onednn_multiply(
            matrix, left, rows, target, c.stride, adding ? 1 : 0, scratch.library)
        }
      }
      precondition(status == 0, "oneDNN's product failed with status \(status)")
    }
  }

  /// What one product needs beside its factors; kept from product to product.
  @safe private final class ProductScratch: Sendable {
    nonisolated(unsafe) let library: OpaquePointer
    private nonisolated(unsafe) var leftMemory: UnsafeMutableRawPointer?
    private nonisolated(unsafe) var leftBytes = 0
    private nonisolated(unsafe) var rightMemory: UnsafeMutablePointer<Float>?
    private nonisolated(unsafe) var rightCount = 0

    private static let spare = Mutex<[ProductScratch]>([])

    private init() {
      guard let made = unsafe gap_onednn_make_scratch() else {
        preconditionFailure("oneDNN cannot start: out of memory")
      }
      unsafe library = made
    }

    /// Each is used by one thread at a time.
    static func take() -> ProductScratch { spare.withLock { $0.popLast() } ?? ProductScratch() }
    static func give(_ scratch: ProductScratch) { spare.withLock { $0.append(scratch) } }

    @unsafe func left(bytes: Int) -> UnsafeMutableRawPointer {
      if unsafe bytes > leftBytes {
        unsafe leftMemory?.deallocate()
        unsafe leftMemory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe leftMemory?.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        unsafe leftBytes = bytes
      }
      guard let memory = unsafe leftMemory else { preconditionFailure("no bytes are asked for") }
      return unsafe memory
    }

    @unsafe func right(count: Int) -> UnsafeMutablePointer<Float> {
      if unsafe count > rightCount {
        unsafe rightMemory?.deallocate()
        unsafe rightMemory = UnsafeMutablePointer<Float>.allocate(capacity: count)
        unsafe rightCount = count
      }
      guard let memory = unsafe rightMemory else { preconditionFailure("no numbers are asked for") }
      return unsafe memory
    }
  }
#endif
