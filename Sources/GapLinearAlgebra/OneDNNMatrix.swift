#if OneDNN
  import COneDNN

  /// A packed matrix [depth, columns] in oneDNN's own layout.
  @safe final class OneDNNMatrix: Sendable {
    private nonisolated(unsafe) let matrix: OpaquePointer

    init(_ weights: PackedWeights, depth: Int, columns: Int, isForward: Bool) throws {
      let turned: Int32 = isForward ? 1 : 0
      let made: OpaquePointer?
      // Plain arrays, which the system gets back: memory that blocks share would keep them.
      switch weights.precision {
      case .single:
        unsafe made = try weights.whole().withUnsafeBytes {
          unsafe gap_onednn_pack($0.baseAddress, depth, columns, turned, Int32(GAP_ONEDNN_F32))
        }
      case .bfloat16:
        var values = [UInt16](repeating: 0, count: depth * columns)
        try weights.eachRows { first, rows in
          unsafe values.withUnsafeMutableBufferPointer {
            guard let base = $0.baseAddress else { return }
            unsafe (base + first * rows.columns).update(from: rows.halves, count: rows.extent)
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

    /// `c = a M`, or `c += a M` with `adding`; strides are numbers between the starts of rows.
    @unsafe func multiply(
      _ a: UnsafeRawPointer, _ type: ProductPrecision, stride aStride: Int, rows: Int,
      into c: UnsafeMutableRawPointer, _ targetType: ProductPrecision, stride: Int, adding: Bool
    ) {
      let status = unsafe gap_onednn_multiply(
        matrix, a, type.type, aStride, rows, c, targetType.type, stride, adding ? 1 : 0)
      precondition(status == 0, "oneDNN's product failed with status \(status)")
    }
  }
#endif
