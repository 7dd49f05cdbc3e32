/// The closed list of classes and functions that a checkpoint may name.
///
/// None of them is run: each stands for what
/// `TorchRebuilder` makes of its arguments. Every other name is refused.
enum PickleGlobal: Equatable {
  case orderedDict
  case set
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildParameter
  case rebuildParameterWithState
  case parameter
  case size
  case device
  case encode
  case numpyScalar
  case numpyType
  /// A storage class; nil where its elements have no type of their own.
  case storage(ElementType?)
  /// A `torch.dtype`.
  case type(ElementType)

  /// - Returns: nil for a name outside the list.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"), ("__builtin__", "frozenset"):
      self = .set
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch._utils", "_rebuild_parameter_with_state"): self = .rebuildParameterWithState
    case ("torch.nn.parameter", "Parameter"): self = .parameter
    case ("torch", "Size"): self = .size
    case ("torch", "device"): self = .device
    case ("_codecs", "encode"): self = .encode
    case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .numpyScalar
    case ("numpy", "dtype"): self = .numpyType
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"), ("torch.storage", "TypedStorage"):
      self = .storage(nil)
    case ("torch", _):
      if name.hasSuffix("Storage"), let type = Self.storageType(String(name.dropLast(7))) {
        self = .storage(type)
      } else if let type = Self.type(name) {
        self = .type(type)
      } else {
        return nil
      }
    default: return nil
    }
  }

  /// The name, for messages.
  var name: String {
    switch self {
    case .storage(let type): "\(type?.name ?? "untyped") storage"
    case .type(let type): "type \(type.name)"
    default: "\(self)"
    }
  }

  private static func storageType(_ name: String) -> ElementType? {
    let names = [
      "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
      "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
      "ComplexFloat": "complex64", "ComplexDouble": "complex128",
    ]
    return names[name].flatMap(type)
  }

  private static func type(_ name: String) -> ElementType? {
    switch name {
    case "float64", "double": .float64
    case "float32", "float": .float32
    case "float16", "half": .float16
    case "bfloat16": .bfloat16
    case "int64", "long": .signed(bytes: 8)
    case "int32", "int": .signed(bytes: 4)
    case "int16", "short": .signed(bytes: 2)
    case "int8": .signed(bytes: 1)
    case "uint8": .uint8
    case "uint16": .unsigned(bytes: 2)
    case "uint32": .unsigned(bytes: 4)
    case "uint64": .unsigned(bytes: 8)
    case "bool": .bool
    case "complex32": .complex(bytes: 4)
    case "complex64": .complex(bytes: 8)
    case "complex128": .complex(bytes: 16)
    case "float8_e4m3fn": .other(name: "F8_E4M3", bits: 8)
    case "float8_e5m2": .other(name: "F8_E5M2", bits: 8)
    case "float8_e4m3fnuz": .other(name: "F8_E4M3FNUZ", bits: 8)
    case "float8_e5m2fnuz": .other(name: "F8_E5M2FNUZ", bits: 8)
    case "float8_e8m0fnu": .other(name: "F8_E8M0", bits: 8)
    default: nil
    }
  }
}
