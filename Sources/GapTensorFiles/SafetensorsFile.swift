/// A safetensors file: a JSON header that says where each tensor lies in the bytes after it.
///
/// The checks and their order follow the reference implementation: nothing is believed before the header's length,
/// grammar, types, sizes and offsets agree with the file's own size, byte for byte.
struct SafetensorsFile {
  static let longestHeader = 100_000_000

  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  init(_ bytes: StoredBytes, path: String) throws {
    var reader = ByteReader(bytes, path: path)
    let start = reader.place
    let length = try reader.integer(UInt64.self)
    guard length <= Self.longestHeader else {
      throw TensorFileError.headerTooLong(start, limit: Self.longestHeader, found: Int(clamping: length))
    }
    let place = reader.place
    let text = bytes.array(try reader.take(Int(length)))
    guard text.first == UInt8(ascii: "{") else {
      throw TensorFileError.malformed(
        place, expected: "'{' as the header's first byte", found: MessageText.hex(text))
    }
    guard let pairs = try JSONValue(text, at: place).pairs else {
      throw TensorFileError.malformed(place, expected: "a JSON object", found: "another value")
    }
    metadata = try Self.metadata(pairs, path)
    let entries = try pairs.filter { $0.key != "__metadata__" }.map { try SafetensorsEntry($0, path: path) }
    tensors = try Self.tensors(entries, bytes, reader.position, path)
  }

  private static func metadata(_ pairs: [JSONValue.Pair], _ path: String) throws -> [MetadataEntry] {
    guard let value = pairs.first(where: { $0.key == "__metadata__" })?.value else { return [] }
    let place = TensorFileError.Place(path: path, item: "__metadata__")
    guard let entries = value.pairs else {
      throw TensorFileError.malformed(place, expected: "an object of strings", found: "another value")
    }
    return try entries.map { entry in
      guard let text = entry.value.text else {
        throw TensorFileError.malformed(
          place, expected: "a string as \(MessageText.quoted(entry.key))", found: "another value")
      }
      return MetadataEntry(key: entry.key, value: .string(text))
    }
  }

  /// Checks that the tensors fill the data from its first byte to its last, each with the bytes its shape needs.
  private static func tensors(
    _ entries: [SafetensorsEntry], _ bytes: StoredBytes, _ base: Int, _ path: String
  ) throws -> [Tensor] {
    let limit = bytes.count - base
    var (tensors, end, last) = ([Tensor](), 0, "")
    for entry in entries.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      let place = TensorFileError.Place(path: path, item: entry.name)
      guard entry.start >= 0, entry.start <= entry.end, entry.end <= limit else {
        throw TensorFileError.outOfRange(place, start: entry.start, end: entry.end, limit: limit)
      }
      guard entry.start >= end else { throw TensorFileError.overlap(place, with: last) }
      guard entry.start == end else { throw TensorFileError.hole(place, expected: end, found: entry.start) }
      if let needed = try TensorShape.checkedBytes(entry.shape, entry.elementType, at: place),
        needed != entry.end - entry.start
      {
        throw TensorFileError.sizeMismatch(place, expected: needed, found: entry.end - entry.start)
      }
      let region = ByteRegion(bytes, base + entry.start..<base + entry.end)
      tensors.append(
        try Tensor(
          name: entry.name, elementType: entry.elementType, shape: entry.shape, region: region, path: path))
      (end, last) = (entry.end, entry.name)
    }
    guard end == limit else {
      throw TensorFileError.hole(.init(path: path, item: "end of data"), expected: end, found: limit)
    }
    return tensors
  }
}

/// One tensor as a safetensors header describes it.
struct SafetensorsEntry {
  let name: String
  let elementType: ElementType
  let shape: [Int]
  let start: Int
  let end: Int

  init(_ pair: JSONValue.Pair, path: String) throws {
    let place = TensorFileError.Place(path: path, item: pair.key)
    name = pair.key
    guard pair.value.pairs != nil else {
      throw TensorFileError.malformed(
        place, expected: "an object with dtype, shape, data_offsets", found: "another value")
    }
    guard let type = pair.value["dtype"]?.text else {
      throw TensorFileError.malformed(place, expected: "a dtype", found: "none")
    }
    guard let elementType = Self.type(type) else {
      throw TensorFileError.unknownElementType(place, found: type)
    }
    self.elementType = elementType
    shape = try Self.integers(pair.value["shape"], "shape", place)
    guard shape.allSatisfy({ $0 >= 0 }) else {
      throw TensorFileError.invalidShape(place, found: "(" + MessageText.list(shape.map(String.init)) + ")")
    }
    let offsets = try Self.integers(pair.value["data_offsets"], "data_offsets", place)
    guard offsets.count == 2 else {
      throw TensorFileError.malformed(place, expected: "two data_offsets", found: "\(offsets.count)")
    }
    (start, end) = (offsets[0], offsets[1])
  }

  private static func integers(
    _ value: JSONValue?, _ field: String, _ place: TensorFileError.Place
  ) throws -> [Int] {
    guard let items = value?.items else {
      throw TensorFileError.malformed(
        place, expected: "an array as \(field)", found: value == nil ? "none" : "another value")
    }
    return try items.map { item in
      guard let integer = item.integer else {
        throw TensorFileError.malformed(place, expected: "integers of 64 bits in \(field)", found: item.kind)
      }
      return integer
    }
  }

  private static func type(_ name: String) -> ElementType? {
    switch name {
    case "F64": .float64
    case "F32": .float32
    case "F16": .float16
    case "BF16": .bfloat16
    case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
      .other(name: name, bits: 8)
    case "I16", "U16": .other(name: name, bits: 16)
    case "I32", "U32": .other(name: name, bits: 32)
    case "I64", "U64", "C64": .other(name: name, bits: 64)
    case "F4": .other(name: name, bits: 4)
    case "F6_E2M3", "F6_E3M2": .other(name: name, bits: 6)
    default: nil
    }
  }
}
