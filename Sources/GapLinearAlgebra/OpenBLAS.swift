import CGapKernels
import COpenBLAS

/// The one place that calls OpenBLAS.
enum OpenBLAS {
  private static let setUp: Void = {
    openblas_set_num_threads(1)
    // Those that it started when it was loaded wait for work in a busy loop: they would take our threads' time.
    gap_openblas_end_threads()
  }()

  /// Threads are the worker pool's; OpenBLAS gets one inside each.
  static func useOneThread() { _ = setUp }
}

/// The processors that this process may use: those of its affinity mask, at most as many as its control group has time
/// for, rounded up.
package func processorCount() -> Int { ProcessorCount.here }

/// Looked up once: pools are made in inner loops.
private enum ProcessorCount {
  static let here = of(affinity: Int(gap_processor_count()), group: ControlGroup())

  static func of(affinity: Int, group: ControlGroup) -> Int {
    max(1, min(affinity, group.processors.map { Int(min($0, 1e6).rounded(.up)) } ?? affinity))
  }
}

/// The two precisions of matrix products.
package protocol ProductScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// C = A Bᵀ + beta C for row-major blocks; strides are the distances between rows.
  @unsafe static func innerProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Self>, aStride: Int32, b: UnsafePointer<Self>,
    bStride: Int32,
    beta: Self, c: UnsafeMutablePointer<Self>, cStride: Int32)
  /// C = A B + beta C for row-major blocks.
  @unsafe static func products(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Self>, aStride: Int32, b: UnsafePointer<Self>,
    bStride: Int32, beta: Self, c: UnsafeMutablePointer<Self>, cStride: Int32)
  /// C += Aᵀ B for row-major blocks.
  @unsafe static func addCrossProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Self>, aStride: Int32, b: UnsafePointer<Self>,
    bStride: Int32,
    c: UnsafeMutablePointer<Self>, cStride: Int32)
  /// The upper triangle of C += Aᵀ A for row-major blocks.
  @unsafe static func addUpperGram(
    n: Int32, k: Int32, a: UnsafePointer<Self>, aStride: Int32, c: UnsafeMutablePointer<Self>, cStride: Int32)
}

extension Float: ProductScalar {
  @unsafe package static func products(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Float>, aStride: Int32, b: UnsafePointer<Float>,
    bStride: Int32, beta: Float, c: UnsafeMutablePointer<Float>, cStride: Int32
  ) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, aStride, b, bStride, beta, c, cStride)
  }
  @unsafe package static func innerProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Float>, aStride: Int32, b: UnsafePointer<Float>,
    bStride: Int32,
    beta: Float, c: UnsafeMutablePointer<Float>, cStride: Int32
  ) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, aStride, b, bStride, beta, c, cStride)
  }
  @unsafe package static func addCrossProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Float>, aStride: Int32, b: UnsafePointer<Float>,
    bStride: Int32,
    c: UnsafeMutablePointer<Float>, cStride: Int32
  ) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, aStride, b, bStride, 1, c, cStride)
  }
  @unsafe package static func addUpperGram(
    n: Int32, k: Int32, a: UnsafePointer<Float>, aStride: Int32, c: UnsafeMutablePointer<Float>, cStride: Int32
  ) {
    unsafe cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, n, k, 1, a, aStride, 1, c, cStride)
  }
}

extension Double: ProductScalar {
  @unsafe package static func products(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Double>, aStride: Int32, b: UnsafePointer<Double>,
    bStride: Int32, beta: Double, c: UnsafeMutablePointer<Double>, cStride: Int32
  ) {
    unsafe cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, aStride, b, bStride, beta, c, cStride)
  }
  @unsafe package static func innerProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Double>, aStride: Int32, b: UnsafePointer<Double>,
    bStride: Int32, beta: Double, c: UnsafeMutablePointer<Double>, cStride: Int32
  ) {
    unsafe cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, aStride, b, bStride, beta, c, cStride)
  }
  @unsafe package static func addCrossProducts(
    m: Int32, n: Int32, k: Int32, a: UnsafePointer<Double>, aStride: Int32, b: UnsafePointer<Double>,
    bStride: Int32, c: UnsafeMutablePointer<Double>, cStride: Int32
  ) {
    unsafe cblas_dgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, aStride, b, bStride, 1, c, cStride)
  }
  @unsafe package static func addUpperGram(
    n: Int32, k: Int32, a: UnsafePointer<Double>, aStride: Int32, c: UnsafeMutablePointer<Double>,
    cStride: Int32
  ) {
    unsafe cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, k, 1, a, aStride, 1, c, cStride)
  }
}
