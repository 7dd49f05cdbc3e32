/// A value that a file keeps beside its tensors: GGUF keys, safetensors `__metadata__`, leaves of a checkpoint.
public enum MetadataValue: Sendable, Equatable, CustomStringConvertible {
  /// Python's `None`.
  case none
  /// A truth value.
  case bool(Bool)
  /// An integer that fits 64 bits with a sign.
  case integer(Int)
  /// An integer above `Int.max`.
  case unsigned(UInt64)
  /// A floating-point number.
  case float(Double)
  /// A text, exactly as stored: escape it before printing.
  case string(String)
  /// A list of values.
  case array([MetadataValue])

  /// The text, if this is one.
  public var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The integer, if this is one that fits `Int`.
  public var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }

  /// The number, if this is an integer or a floating-point number.
  public var number: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .unsigned(let integer): Double(integer)
    case .float(let number): number
    default: nil
    }
  }

  /// The elements, if this is a list.
  public var elements: [MetadataValue]? { if case .array(let elements) = self { elements } else { nil } }

  /// The value on one line, shortened and without control characters.
  public var description: String {
    switch self {
    case .none: "none"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .float(let value): String(value)
    case .string(let text): MessageText.quoted(text)
    case .array(let values):
      "[" + values.prefix(8).map(\.description).joined(separator: ", ")
        + (values.count > 8 ? ", … (\(values.count) in all)]" : "]")
    }
  }
}

/// One key of a file's metadata with its value.
public struct MetadataEntry: Sendable, Equatable {
  /// The key as stored, or the dotted place of a leaf in a checkpoint.
  public let key: String
  /// The value.
  public let value: MetadataValue
}
