import CGapKernels

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
    if ProductKernels.panels.suit(.bfloat16) { return true }
    #if OneDNN
      return gap_onednn_has_fast_bf16() != 0
    #else
      return false
    #endif
  }

  /// The same in C.
  var type: Int32 {
    switch self {
    case .single: Int32(GAP_F32)
    case .bfloat16: Int32(GAP_BF16)
    }
  }
}

/// Who multiplies with frozen weights, and how these lie in memory.
package enum ProductKernels: Sendable, CaseIterable {
  /// Kernels of this package for processors with AVX-512: at the rows of one block they reach the processor's peak, which
  /// oneDNN stays a tenth below.
  case panels
  /// oneDNN, in a layout of its own; with the package's trait `OneDNN`.
  case oneDNN
  /// OpenBLAS, which takes the matrix as it is.
  case openBLAS

  /// Whether there are such products in this build and on this processor.
  package func suit(_ precision: ProductPrecision) -> Bool {
    switch self {
    case .panels: return gap_panels_suit(precision.type) != 0
    case .oneDNN:
      #if OneDNN
        return true
      #else
        return false
      #endif
    case .openBLAS: return precision == .single
    }
  }

  /// The fastest of them, found by measurement: the first that suits.
  package static func fastest(_ precision: ProductPrecision) -> ProductKernels {
    allCases.first { $0.suit(precision) } ?? .openBLAS
  }
}
