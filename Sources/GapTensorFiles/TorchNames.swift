/// Walks the object of a checkpoint and names its leaves by the way to them: `a.b.0.c`.
///
/// Containers may share and cycle, so depth, visits and the length of names are bounded.
struct TorchNames {
  private static let deepest = 64
  private static let mostWork = 1 << 26

  private(set) var views: [(name: String, view: TorchView)] = []
  private(set) var metadata: [MetadataEntry] = []
  private let heap: PickleHeap
  private let place: TensorFileError.Place
  private var work = 0

  init(_ root: PickleValue, in heap: PickleHeap, path: String) throws {
    self.heap = heap
    place = .init(path: path)
    try visit(root, "", depth: 0)
  }

  private mutating func visit(_ value: PickleValue, _ name: String, depth: Int) throws {
    guard depth < Self.deepest else { throw TensorFileError.nestedTooDeep(place, limit: Self.deepest) }
    work += 16 + name.utf8.count
    guard work <= Self.mostWork else {
      throw TensorFileError.tooMany(place, what: "bytes of names and values", limit: Self.mostWork, found: work)
    }
    switch value {
    case .tuple(let index): try visit(heap.tuples[index], name, depth)
    case .list(let index): try visit(heap.lists[index], name, depth)
    case .dict(let index):
      for pair in heap.dicts[index] { try visit(pair.value, joined(name, try key(pair.key)), depth: depth + 1) }
    case .tensor(let index): views.append((leaf(name), heap.tensors[index]))
    case .storage(let index):
      let storage = heap.storages[index]
      views.append(
        (
          leaf(name),
          TorchView(
            storage: index, elementType: storage.elementType, offset: 0, shape: [storage.count], strides: [1])
        ))
    default: metadata.append(.init(key: leaf(name), value: Self.metadata(value)))
    }
  }

  private mutating func visit(_ items: [PickleValue], _ name: String, _ depth: Int) throws {
    for (index, item) in items.enumerated() { try visit(item, joined(name, String(index)), depth: depth + 1) }
  }

  private func joined(_ name: String, _ key: String) -> String { name.isEmpty ? key : name + "." + key }

  private func leaf(_ name: String) -> String { name.isEmpty ? Tensor.soleName : name }

  private func key(_ value: PickleValue) throws -> String {
    switch value {
    case .string(let text): return text
    case .integer(let integer): return String(integer)
    case .bool(let bool): return bool ? "True" : "False"
    case .none: return "None"
    case .float(let number): return String(number)
    default:
      throw TensorFileError.malformed(
        place, expected: "strings or numbers as keys of a dict", found: value.kind)
    }
  }

  private static func metadata(_ value: PickleValue) -> MetadataValue {
    switch value {
    case .bool(let bool): .bool(bool)
    case .integer(let integer): .integer(integer)
    case .float(let number): .float(number)
    case .string(let text): .string(text)
    case .none: .none
    default: .string(value.kind)
    }
  }
}
