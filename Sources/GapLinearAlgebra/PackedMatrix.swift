import CGapKernels

/// A frozen matrix [depth, columns] as its kernels take it: W transposed for the forward product, W for the gradient.
final class PackedMatrix: Sendable {
  private enum Storage: Sendable {
    case panels(Buffer<UInt32>)
    /// W itself, [outputs, inputs].
    case plain(Block<Float>)
    #if OneDNN
      case oneDNN(OneDNNMatrix)
    #endif
  }
  private let storage: Storage
  private let depth: Int
  private let columns: Int
  private let isForward: Bool
  private let precision: ProductPrecision

  /// - Parameter other: the matrix of the other direction, where that is made.
  init(_ weights: PackedWeights, isForward: Bool, beside other: PackedMatrix?) throws {
    precision = weights.precision
    depth = isForward ? weights.inputs : weights.outputs
    columns = isForward ? weights.outputs : weights.inputs
    self.isForward = isForward
    OpenBLAS.useOneThread()
    switch weights.kernels {
    case .panels: storage = .panels(try Self.panels(weights, depth, columns, isForward))
    case .oneDNN:
      #if OneDNN
        storage = .oneDNN(
          try OneDNNMatrix(weights, depth: depth, columns: columns, isForward: isForward))
      #else
        preconditionFailure("this build has no oneDNN")
      #endif
    case .openBLAS:
      if let other {
        storage = other.storage
      } else {
        let own = Buffer(try weights.whole())
        storage = .plain(Block(own, rows: weights.outputs, columns: weights.inputs))
      }
    }
  }

  private static func panels(
    _ weights: PackedWeights, _ depth: Int, _ columns: Int, _ isForward: Bool
  ) throws -> Buffer<UInt32> {
    let type = weights.precision.type
    // At an address that 64 divides, as all that begins unset.
    let panels = Buffer<UInt32>(unset: gap_panels_bytes(depth, columns, type) / MemoryLayout<UInt32>.size)
    panels.fill(0)
    try weights.eachRows { first, rows in
      unsafe gap_panels_pack(
        rows.pointer, first, rows.rows, depth, columns, isForward ? 1 : 0, type,
        panels.pointer(at: 0, reaching: panels.count))
    }
    return panels
  }

  /// `c = a M`, or `c = base + a M` where there is a base, which may be c.
  func multiply(_ a: Block<Float>, into c: Block<Float>, plus base: Block<Float>?) {
    guard a.rows > 0 else { return }
    switch storage {
    case .plain(let w):
      start(c, from: base)
      switch (isForward, base != nil) {
      case (true, true): Products.addInner(a, w, to: c)
      case (true, false): Products.inner(a, w, into: c)
      case (false, let adding): Products.product(a, w, into: c, adding: adding)
      }
    case .panels where precision != .single:
      let rounded = ProductRows.unset(a.rows, a.columns, precision)
      rounded.copy(a)
      multiply(rounded, into: c, plus: base)
    default:
      unsafe run(
        a.buffer.pointer(at: a.offset, reaching: a.extent), .single, a.stride, a.rows,
        c.buffer.pointer(at: c.offset, reaching: c.extent), .single, c.stride, plus: base, c)
    }
  }

  /// The same from rows that may be in the precision of products.
  func multiply(_ a: ProductRows, into c: Block<Float>, plus base: Block<Float>?) {
    guard a.rows > 0 else { return }
    if a.precision == .single { return multiply(a.block, into: c, plus: base) }
    unsafe run(
      a.pointer, a.precision, a.columns, a.rows, c.buffer.pointer(at: c.offset, reaching: c.extent), .single,
      c.stride, plus: base, c)
  }

  /// The same, with results in the precision of products.
  func multiply(_ a: ProductRows, into c: ProductRows) {
    guard a.rows > 0 else { return }
    if case .plain = storage { return multiply(a.block, into: c.block, plus: nil) }
    unsafe run(a.pointer, a.precision, a.columns, a.rows, c.pointer, c.precision, c.columns, plus: nil, nil)
  }

  /// Copies the base to where products are added to it.
  private func start(_ c: Block<Float>, from base: Block<Float>?) {
    if let base, !base.isSame(as: c) { c.copy(base) }
  }

  /// - Parameter target: the block at `c`, where there is one: a base is added to nothing else.
  @unsafe private func run(
    _ a: UnsafeRawPointer, _ type: ProductPrecision, _ aStride: Int, _ rows: Int, _ c: UnsafeMutableRawPointer,
    _ targetType: ProductPrecision, _ stride: Int, plus base: Block<Float>?, _ target: Block<Float>?
  ) {
    switch storage {
    case .panels(let panels):
      precondition(type == precision && (targetType == .single || targetType == precision))
      var matrix = unsafe gap_panels(
        panels: panels.pointer(at: 0, reaching: panels.count), inputs: depth, outputs: columns,
        type: precision.type)
      let start = unsafe base.map {
        unsafe UnsafePointer($0.buffer.pointer(at: $0.offset, reaching: $0.extent))
      }
      unsafe gap_panels_multiply(
        &matrix, a, aStride, rows, c, targetType.type, stride, start, base?.stride ?? 0)
    #if OneDNN
      case .oneDNN(let matrix):
        if let target { start(target, from: base) }
        unsafe matrix.multiply(
          a, type, stride: aStride, rows: rows, into: c, targetType, stride: stride, adding: base != nil)
    #endif
    case .plain: preconditionFailure("OpenBLAS takes blocks")
    }
  }
}
