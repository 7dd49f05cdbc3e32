/// A GGUF file, version 2 or 3, little-endian: typed metadata, tensor descriptions, then aligned data.
struct GGUFFile {
  /// The fewest bytes of a metadata entry and of a tensor description; counts are held against them.
  private static let shortestEntry = 8 + 4 + 1
  private static let shortestDescription = 8 + 4 + 4 + 8
  private static let mostAxes = 4

  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  init(_ bytes: StoredBytes, path: String) throws {
    var reader = ByteReader(bytes, path: path)
    try Self.checkVersion(&reader)
    let tensorCount = try Self.count(&reader, "tensors", each: Self.shortestDescription)
    let entryCount = try Self.count(&reader, "metadata entries", each: Self.shortestEntry)
    metadata = try Self.entries(&reader, entryCount)
    let descriptions = try (0..<tensorCount).map { _ in try GGUFTensor(&reader, mostAxes: Self.mostAxes) }
    let alignment = try Self.alignment(metadata, path)
    tensors = try Self.tensors(descriptions, bytes, reader, alignment)
  }

  private static func checkVersion(_ reader: inout ByteReader) throws {
    let place = reader.place
    let magic = reader.bytes.array(try reader.take(4))
    guard magic.elementsEqual("GGUF".utf8) else {
      throw TensorFileError.malformed(place, expected: "the magic GGUF", found: MessageText.hex(magic))
    }
    let version = try reader.integer(UInt32.self)
    if version & 0xFFFF == 0, version != 0 {
      throw TensorFileError.unsupported(
        place, found: "a big-endian GGUF file", hint: "convert it to little-endian")
    }
    guard version == 2 || version == 3 else {
      throw TensorFileError.unsupported(place, found: "GGUF version \(version)", hint: "versions 2 and 3 are")
    }
  }

  private static func count(_ reader: inout ByteReader, _ what: String, each size: Int) throws -> Int {
    let place = reader.place
    let count = try reader.integer(UInt64.self)
    let most = reader.remaining / size
    guard count <= most else {
      throw TensorFileError.tooMany(place, what: what, limit: most, found: Int(clamping: count))
    }
    return Int(count)
  }

  private static func entries(_ reader: inout ByteReader, _ count: Int) throws -> [MetadataEntry] {
    var values = GGUFValueReader()
    var keys: Set<String> = []
    return try (0..<count).map { _ in
      let place = reader.place
      let key = try reader.text(try reader.size(UInt64.self))
      guard keys.insert(key).inserted else { throw TensorFileError.duplicateName(place, name: key) }
      return MetadataEntry(key: key, value: try values.value(&reader))
    }
  }

  private static func alignment(_ metadata: [MetadataEntry], _ path: String) throws -> Int {
    guard let value = metadata.first(where: { $0.key == "general.alignment" })?.value else { return 32 }
    guard let alignment = value.integer, alignment > 0, alignment <= 1 << 30, alignment.nonzeroBitCount == 1
    else {
      throw TensorFileError.malformed(
        .init(path: path, item: "general.alignment"), expected: "a power of two", found: value.description)
    }
    return alignment
  }

  private static func tensors(
    _ descriptions: [GGUFTensor], _ bytes: StoredBytes, _ reader: ByteReader, _ alignment: Int
  ) throws -> [Tensor] {
    let base = min((reader.position + alignment - 1) / alignment * alignment, bytes.count)
    let limit = bytes.count - base
    for entry in descriptions { try entry.check(alignment: alignment, limit: limit, path: reader.path) }
    let sorted = descriptions.filter { $0.byteCount > 0 }.sorted { $0.offset < $1.offset }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.offset + one.byteCount > next.offset {
      throw TensorFileError.overlap(.init(path: reader.path, item: next.name), with: one.name)
    }
    return try descriptions.map { entry in
      let start = base + entry.offset
      return try Tensor(
        name: entry.name, elementType: entry.block.type, shape: entry.shape,
        region: ByteRegion(bytes, start..<start + entry.byteCount), path: reader.path)
    }
  }
}

/// One tensor as a GGUF file describes it.
struct GGUFTensor {
  let name: String
  let shape: [Int]
  let block: GGUFElementType.Block
  let offset: Int
  let byteCount: Int

  /// Reads a description; the file keeps the innermost axis first, `shape` the outermost.
  init(_ reader: inout ByteReader, mostAxes: Int) throws {
    let start = reader.place
    name = try reader.text(try reader.size(UInt64.self))
    let place = TensorFileError.Place(path: reader.path, item: name, byte: start.byte)
    let axes = try reader.integer(UInt32.self)
    guard axes <= mostAxes else { throw TensorFileError.invalidShape(place, found: "of \(axes) axes") }
    let sizes = try (0..<axes).map { _ in try reader.size(UInt64.self) }
    shape = sizes.reversed()
    let number = try reader.integer(UInt32.self)
    guard let block = GGUFElementType.block(number) else {
      throw TensorFileError.unknownElementType(place, found: String(number))
    }
    self.block = block
    offset = try reader.size(UInt64.self)
    byteCount = try Self.byteCount(sizes, block, place)
  }

  private static func byteCount(
    _ sizes: [Int], _ block: GGUFElementType.Block, _ place: TensorFileError.Place
  ) throws -> Int {
    let count = try TensorShape.checkedCount(sizes, at: place)
    guard (sizes.first ?? 1) % block.elements == 0 else {
      throw TensorFileError.malformed(
        place, expected: "rows of whole \(block.type.name) blocks (\(block.elements) elements)",
        found: "rows of \(sizes.first ?? 1)")
    }
    let (bytes, overflow) = (count / block.elements).multipliedReportingOverflow(by: block.bytes)
    guard !overflow else { throw TensorFileError.sizeOverflow(place, shape: sizes) }
    return bytes
  }

  /// Checks where the data says it lies.
  func check(alignment: Int, limit: Int, path: String) throws {
    let place = TensorFileError.Place(path: path, item: name)
    guard offset % alignment == 0 else {
      throw TensorFileError.misaligned(place, alignment: alignment, found: offset)
    }
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    guard !overflow, end <= limit else {
      throw TensorFileError.outOfRange(place, start: offset, end: overflow ? Int.max : end, limit: limit)
    }
  }
}
