/// A value on the pickle machine's stack.
///
/// Containers are numbers into the machine's heap, never references to each other: a pickle may nest or cycle as
/// deep as it likes without the program recursing.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer of more than 64 bits, little-endian.
  case long([UInt8])
  case float(Double)
  case string(String)
  case bytes([UInt8])
  case tuple(Int)
  case list(Int)
  case dict(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// Something harmless that is no number: a device, a numpy type or scalar.
  case opaque(String)

  /// What kind of value it is, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer, .long: "an integer"
    case .float: "a float"
    case .string: "a string"
    case .bytes: "bytes"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dict: "a dict"
    case .global(let global): "the name \(global.name)"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .opaque(let name): name
    }
  }
}

/// The containers that a pickle has made.
struct PickleHeap {
  struct Pair {
    let key: PickleValue
    let value: PickleValue
  }

  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dicts: [[Pair]] = []
  var storages: [TorchStorage] = []
  var tensors: [TorchView] = []
  /// How many values and characters calls have copied.
  var copied = 0

  mutating func tuple(_ items: [PickleValue]) -> PickleValue {
    tuples.append(items)
    return .tuple(tuples.count - 1)
  }

  mutating func list(_ items: [PickleValue]) -> PickleValue {
    lists.append(items)
    return .list(lists.count - 1)
  }

  mutating func dict(_ pairs: [Pair]) -> PickleValue {
    dicts.append(pairs)
    return .dict(dicts.count - 1)
  }

  mutating func storage(_ storage: TorchStorage) -> PickleValue {
    storages.append(storage)
    return .storage(storages.count - 1)
  }

  mutating func tensor(_ view: TorchView) -> PickleValue {
    tensors.append(view)
    return .tensor(tensors.count - 1)
  }

  /// The items of a tuple or list; nil for anything else.
  func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index): tuples[index]
    case .list(let index): lists[index]
    default: nil
    }
  }
}

/// A storage as a pickle refers to it; its bytes lie elsewhere in the file.
struct TorchStorage {
  let key: String
  let elementType: ElementType
  /// The number of elements that the pickle declares.
  let count: Int
}

/// A view of a storage, as PyTorch's rebuild functions describe a tensor.
struct TorchView {
  let storage: Int
  let elementType: ElementType
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}
