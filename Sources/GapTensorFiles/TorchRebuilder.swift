/// Makes of a known function and its arguments what PyTorch would: a description of a tensor, or a container.
struct TorchRebuilder {
  /// The most values and characters that all calls of a pickle may copy: a few bytes can name a long list again and
  /// again.
  private static let mostCopied = 1 << 22

  var heap: PickleHeap
  let place: TensorFileError.Place

  init(heap: PickleHeap, place: TensorFileError.Place) {
    self.heap = heap
    self.place = place
  }

  private mutating func count(_ copied: Int) throws {
    heap.copied += copied
    guard heap.copied <= Self.mostCopied else {
      throw TensorFileError.tooMany(
        place, what: "values copied by calls", limit: Self.mostCopied, found: heap.copied)
    }
  }

  mutating func value(of global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
    switch global {
    case .orderedDict: return try orderedDict(arguments)
    case .set: return heap.list(try copied(arguments.first))
    case .rebuildTensor, .rebuildTensorV2: return try tensor(arguments, type: nil)
    case .rebuildTensorV3:
      guard arguments.count >= 7, case .global(.type(let type)) = arguments[6] else { throw fault(arguments) }
      return try tensor(arguments, type: type)
    case .rebuildParameter, .rebuildParameterWithState, .parameter:
      guard let first = arguments.first, case .tensor = first else { throw fault(arguments) }
      return first
    case .size: return heap.tuple(try copied(arguments.first))
    case .device: return .opaque("a device")
    case .encode:
      guard case .string(let text)? = arguments.first else { throw fault(arguments) }
      try count(text.utf8.count)
      return .bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
    case .numpyType: return .opaque("a numpy type")
    case .numpyScalar: return .opaque("a numpy scalar")
    case .storage, .type: throw TensorFileError.refusedClass(place, name: "call of " + global.name)
    }
  }

  private mutating func orderedDict(_ arguments: [PickleValue]) throws -> PickleValue {
    heap.dict(
      try copied(arguments.first).map { pair in
        let parts = try items(pair)
        guard parts.count == 2 else { throw fault(arguments) }
        return .init(key: parts[0], value: parts[1])
      })
  }

  /// (storage, offset, size, stride, …): offset, size and stride in elements of `type`, else of the storage's.
  private mutating func tensor(_ arguments: [PickleValue], type: ElementType?) throws -> PickleValue {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1]
    else { throw fault(arguments) }
    let shape = try integers(arguments[2])
    let strides = try integers(arguments[3])
    guard offset >= 0, shape.count == strides.count, shape.count <= TensorShape.maximumRank else {
      throw TensorFileError.invalidShape(place, found: "of \(shape.count) sizes and \(strides.count) strides")
    }
    return heap.tensor(
      TorchView(
        storage: storage, elementType: type ?? heap.storages[storage].elementType, offset: offset, shape: shape,
        strides: strides))
  }

  private func integers(_ value: PickleValue) throws -> [Int] {
    try items(value).map { item in
      guard case .integer(let integer) = item else { throw fault([item]) }
      return integer
    }
  }

  private func items(_ value: PickleValue) throws -> [PickleValue] {
    guard let items = heap.items(value) else { throw fault([value]) }
    return items
  }

  /// The items of a container that is copied; none without one.
  private mutating func copied(_ value: PickleValue?) throws -> [PickleValue] {
    let found = try value.map { try items($0) } ?? []
    try count(found.count)
    return found
  }

  private func fault(_ found: [PickleValue]) -> TensorFileError {
    .malformed(
      place, expected: "the arguments of a known function",
      found: found.prefix(8).map(\.kind).joined(separator: ", "))
  }
}
