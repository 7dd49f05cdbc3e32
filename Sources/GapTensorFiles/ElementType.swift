/// What one element of a stored tensor is.
///
/// The four floating-point types can be read as numbers. Every other type is known by name only: it is listed,
/// and reading it throws.
public enum ElementType: Sendable, Hashable, CustomStringConvertible {
  /// IEEE binary64.
  case float64
  /// IEEE binary32.
  case float32
  /// IEEE binary16.
  case float16
  /// The upper half of IEEE binary32.
  case bfloat16
  /// A type that is listed but not read; `bits` is nil where an element has no size of its own (quantised blocks).
  case other(name: String, bits: Int?)

  /// The short upper-case name that safetensors uses, such as `F16`; other formats' own names where it has none.
  public var name: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .other(let name, _): name
    }
  }

  /// Whether elements can be read as numbers.
  public var isFloat: Bool {
    if case .other = self { false } else { true }
  }

  /// The size of one element in bytes; nil where elements are smaller than a byte or have no fixed size.
  public var byteCount: Int? {
    guard let bitCount, bitCount % 8 == 0 else { return nil }
    return bitCount / 8
  }

  /// The size of one element in bits; nil where it has no fixed size.
  var bitCount: Int? {
    switch self {
    case .float64: 64
    case .float32: 32
    case .float16, .bfloat16: 16
    case .other(_, let bits): bits
    }
  }

  /// The short name, the same as `name`.
  public var description: String { name }
}

extension ElementType {
  static let bool = ElementType.other(name: "BOOL", bits: 8)
  static let uint8 = ElementType.other(name: "U8", bits: 8)

  /// Names a signed integer of so many bytes.
  static func signed(bytes: Int) -> ElementType { .other(name: "I\(bytes * 8)", bits: bytes * 8) }

  /// Names an unsigned integer of so many bytes.
  static func unsigned(bytes: Int) -> ElementType { .other(name: "U\(bytes * 8)", bits: bytes * 8) }

  /// Names a complex number of so many bytes, both parts together.
  static func complex(bytes: Int) -> ElementType { .other(name: "C\(bytes * 8)", bits: bytes * 8) }
}
