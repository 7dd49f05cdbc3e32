import CGapKernels
import CLAPACKE
import COpenBLAS

#if OneDNN
  import COneDNN
#endif

/// What this target works with, as people read it.
package enum LinearAlgebraLibraries {
  /// Names with versions, asked of the libraries that were loaded.
  package static var versions: [String] {
    [openBLAS, "LAPACKE " + lapack, oneDNN]
  }

  /// Features of the processor that kernels or libraries make use of; of those for bf16 and tiles, only oneDNN does.
  package static var processorFeatures: [String] {
    let found = Int(gap_processor_features())
    let names = [
      (GAP_HAS_AVX2, "AVX2"), (GAP_HAS_AVX512, "AVX-512"), (GAP_HAS_AVX512_BF16, "AVX512-BF16"),
      (GAP_HAS_AMX, "AMX"), (GAP_HAS_NEON, "NEON"),
    ]
    return names.filter { found & Int($0.0) != 0 }.map(\.1)
  }

  private static var openBLAS: String {
    let words = unsafe String(cString: openblas_get_config()).split(separator: " ")
    let name = words.first == "OpenBLAS" ? words.prefix(2).joined(separator: " ") : "OpenBLAS"
    return unsafe name + " (" + String(cString: openblas_get_corename()) + ")"
  }

  private static var lapack: String {
    var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
    unsafe LAPACKE_ilaver(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  private static var oneDNN: String {
    #if OneDNN
      var text = [CChar](repeating: 0, count: 32)
      unsafe text.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { unsafe gap_onednn_version(base, buffer.count) }
      }
      return "oneDNN "
        + String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      return "without oneDNN"
    #endif
  }
}
