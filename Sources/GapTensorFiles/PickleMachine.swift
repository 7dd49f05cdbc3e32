/// Reads a pickle by following its instructions, of which the list is closed.
///
/// Nothing is imported, called or run.
///
/// Stack, memo and heap grow by at most one entry an instruction, and the number of instructions is bounded, so that
/// memory stays in proportion to the bytes read.
struct PickleMachine {
  private static let mostInstructions = 1 << 24
  private static let longestInteger = 256

  var reader: ByteReader
  var heap = PickleHeap()
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  /// Instructions of all pickles so far: the heap keeps what all of them made.
  private var instructions = 0
  /// Where the instruction at hand began.
  private var place: TensorFileError.Place

  init(_ reader: ByteReader) {
    self.reader = reader
    place = reader.place
  }

  /// Reads one pickle up to its STOP; the heap stays, stack and memo start anew.
  mutating func run() throws -> PickleValue {
    (stack, marks, memo) = ([], [], [:])
    while instructions < Self.mostInstructions {
      instructions += 1
      place = reader.place
      let byte = try reader.byte()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw TensorFileError.refusedOpcode(place, name: PickleOpcode.refusedName(byte))
      }
      if opcode == .stop { return try pop() }
      if try !container(opcode), try !scalar(opcode), try !bookkeeping(opcode) { try object(opcode) }
    }
    throw TensorFileError.tooMany(
      place, what: "pickle instructions", limit: Self.mostInstructions, found: Self.mostInstructions + 1)
  }

  // MARK: Stack

  private mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw fault("a value on the stack", "none")
    }
    return value
  }

  private func top() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw fault("a value on the stack", "none")
    }
    return value
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("a mark on the stack", "none") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func popLast(_ count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw fault("\(count) values on the stack", "fewer") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private func fault(_ expected: String, _ found: String) -> TensorFileError {
    .malformed(place, expected: expected, found: found)
  }

  // MARK: Instructions

  private mutating func container(_ opcode: PickleOpcode) throws -> Bool {
    switch opcode {
    case .mark: marks.append(stack.count)
    case .emptyTuple: stack.append(heap.tuple([]))
    case .tuple: stack.append(heap.tuple(try popToMark()))
    case .tuple1: stack.append(heap.tuple(try popLast(1)))
    case .tuple2: stack.append(heap.tuple(try popLast(2)))
    case .tuple3: stack.append(heap.tuple(try popLast(3)))
    case .emptyList, .emptySet: stack.append(heap.list([]))
    case .list, .frozenSet: stack.append(heap.list(try popToMark()))
    case .append: try extend(with: [try pop()])
    case .appends, .addItems: try extend(with: try popToMark())
    case .emptyDict: stack.append(heap.dict([]))
    case .dict: stack.append(heap.dict(try pairs(try popToMark())))
    case .setItem: try insert(try popLast(2))
    case .setItems: try insert(try popToMark())
    default: return false
    }
    return true
  }

  private mutating func extend(with items: [PickleValue]) throws {
    guard case .list(let index) = try top() else { throw fault("a list to append to", try top().kind) }
    heap.lists[index].append(contentsOf: items)
  }

  private mutating func insert(_ items: [PickleValue]) throws {
    guard case .dict(let index) = try top() else { throw fault("a dict to insert into", try top().kind) }
    heap.dicts[index].append(contentsOf: try pairs(items))
  }

  private func pairs(_ items: [PickleValue]) throws -> [PickleHeap.Pair] {
    guard items.count % 2 == 0 else { throw fault("keys and values in pairs", "\(items.count) values") }
    return stride(from: 0, to: items.count, by: 2).map { .init(key: items[$0], value: items[$0 + 1]) }
  }

  private mutating func scalar(_ opcode: PickleOpcode) throws -> Bool {
    switch opcode {
    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.integer(Int(try reader.integer(Int32.self))))
    case .binInt1: stack.append(.integer(Int(try reader.byte())))
    case .binInt2: stack.append(.integer(Int(try reader.integer(UInt16.self))))
    case .long1: stack.append(try long(reader.size(UInt8.self)))
    case .long4: stack.append(try long(reader.size(Int32.self)))
    case .binFloat: stack.append(.float(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
    case .binUnicode, .binString: stack.append(.string(try reader.text(try reader.size(UInt32.self))))
    case .shortBinUnicode, .shortBinString: stack.append(.string(try reader.text(try reader.size(UInt8.self))))
    case .binUnicode8: stack.append(.string(try reader.text(try reader.size(UInt64.self))))
    case .binBytes: stack.append(try bytes(reader.size(UInt32.self)))
    case .shortBinBytes: stack.append(try bytes(reader.size(UInt8.self)))
    case .binBytes8, .byteArray8: stack.append(try bytes(reader.size(UInt64.self)))
    default: return false
    }
    return true
  }

  private mutating func bytes(_ count: Int) throws -> PickleValue {
    .bytes(reader.bytes.array(try reader.take(count)))
  }

  /// A two's complement integer of any length.
  private mutating func long(_ count: Int) throws -> PickleValue {
    guard count <= Self.longestInteger else {
      throw TensorFileError.tooMany(
        place, what: "bytes in an integer", limit: Self.longestInteger, found: count)
    }
    let digits = reader.bytes.array(try reader.take(count))
    guard count <= 8 else { return .long(digits) }
    var value: UInt64 = (digits.last ?? 0) >= 0x80 ? .max : 0
    for digit in digits.reversed() { value = value << 8 | UInt64(digit) }
    return .integer(Int(Int64(bitPattern: value)))
  }

  private mutating func bookkeeping(_ opcode: PickleOpcode) throws -> Bool {
    switch opcode {
    case .proto:
      let version = try reader.byte()
      guard (2...5).contains(version) else {
        throw TensorFileError.unsupported(
          place, found: "pickle protocol \(version)", hint: "protocols 2 to 5 are")
      }
    case .frame: _ = try reader.size(UInt64.self)
    case .binPut: memo[UInt32(try reader.byte())] = try top()
    case .longBinPut: memo[try reader.integer(UInt32.self)] = try top()
    case .memoize: memo[UInt32(memo.count)] = try top()
    case .binGet: stack.append(try remembered(UInt32(try reader.byte())))
    case .longBinGet: stack.append(try remembered(try reader.integer(UInt32.self)))
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())
    default: return false
    }
    return true
  }

  private func remembered(_ index: UInt32) throws -> PickleValue {
    guard let value = memo[index] else { throw fault("a remembered value", "none at \(index)") }
    return value
  }

  private mutating func object(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .global: stack.append(try named(try reader.line(), try reader.line()))
    case .stackGlobal:
      let parts = try popLast(2)
      guard case .string(let module) = parts[0], case .string(let name) = parts[1] else {
        throw fault("a module and a name", "\(parts[0].kind) and \(parts[1].kind)")
      }
      stack.append(try named(module, name))
    case .reduce, .newObj:
      let arguments = try pop()
      let function = try pop()
      guard case .global(let global) = function, case .tuple(let index) = arguments else {
        throw fault("a known name and a tuple", "\(function.kind) and \(arguments.kind)")
      }
      var rebuilder = TorchRebuilder(heap: heap, place: place)
      heap = PickleHeap()
      defer { heap = rebuilder.heap }
      stack.append(try rebuilder.value(of: global, rebuilder.heap.tuples[index]))
    case .build:
      let state = try pop()
      try checkBuild(state, on: try top())
    case .binPersID: stack.append(try persistent(try pop()))
    default: throw TensorFileError.refusedOpcode(place, name: "\(opcode)")
    }
  }

  private func named(_ module: String, _ name: String) throws -> PickleValue {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw TensorFileError.refusedClass(place, name: module + "." + name)
    }
    return .global(global)
  }

  /// Lets attributes pass that carry no numbers: a state_dict's `_metadata`, a numpy type's byte order.
  private func checkBuild(_ state: PickleValue, on target: PickleValue) throws {
    switch (target, state) {
    case (.dict, .dict), (.opaque, .tuple): return
    default: throw fault("attributes of a dict", "\(state.kind) for \(target.kind)")
    }
  }

  /// `('storage', class, key, location, count)`, in the legacy format with None after it.
  private mutating func persistent(_ value: PickleValue) throws -> PickleValue {
    guard case .tuple(let index) = value else { throw fault("a tuple that names a storage", value.kind) }
    let items = heap.tuples[index]
    guard items.count == 5 || items.count == 6, case .string("storage") = items[0],
      case .global(.storage(let type)) = items[1], case .string(let key) = items[2],
      case .integer(let count) = items[4], count >= 0
    else { throw fault("a storage's class, key, place and size", "a tuple of \(items.count)") }
    if items.count == 6 {
      guard case .none = items[5] else {
        throw TensorFileError.unsupported(
          place, found: "a storage that views another (PyTorch before 0.4)",
          hint: "save it with a newer PyTorch")
      }
    }
    return heap.storage(TorchStorage(key: key, elementType: type ?? .uint8, count: count))
  }
}
