import CGapKernels

/// A number type that stored elements are widened to; `Double` and `Float` only.
protocol WorkingNumber: BitwiseCopyable, ExpressibleByIntegerLiteral {
  /// Widens `count` elements that lie side by side; not to be called with a type that is no float.
  static func widen(
    _ type: ElementType, _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Self>, _ count: Int,
    _ swap: Int32)
}

extension Double: WorkingNumber {
  static func widen(
    _ type: ElementType, _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Double>, _ count: Int,
    _ swap: Int32
  ) {
    switch type {
    case .float64: unsafe gap_widen_f64_f64(source, target, count, swap)
    case .float32: unsafe gap_widen_f32_f64(source, target, count, swap)
    case .float16: unsafe gap_widen_f16_f64(source, target, count, swap)
    case .bfloat16: unsafe gap_widen_bf16_f64(source, target, count, swap)
    case .other: preconditionFailure("elements of this type are refused before they are widened")
    }
  }
}

extension Float: WorkingNumber {
  static func widen(
    _ type: ElementType, _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int,
    _ swap: Int32
  ) {
    switch type {
    case .float64: unsafe gap_widen_f64_f32(source, target, count, swap)
    case .float32: unsafe gap_widen_f32_f32(source, target, count, swap)
    case .float16: unsafe gap_widen_f16_f32(source, target, count, swap)
    case .bfloat16: unsafe gap_widen_bf16_f32(source, target, count, swap)
    case .other: preconditionFailure("elements of this type are refused before they are widened")
    }
  }
}
