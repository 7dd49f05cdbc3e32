/// An index (`X.index.json`) with the shards it names, held against each other both ways.
struct ShardedSet {
  static let longestIndex = 100_000_000

  let content: FileContent

  init(_ bytes: StoredBytes, path: String) throws {
    let place = TensorFileError.Place(path: path, byte: 0)
    guard bytes.count <= Self.longestIndex else {
      throw TensorFileError.headerTooLong(place, limit: Self.longestIndex, found: bytes.count)
    }
    let index = try JSONValue(bytes.array(0..<bytes.count), at: place)
    guard let pairs = index["weight_map"]?.pairs else {
      throw TensorFileError.malformed(place, expected: "an object under weight_map", found: "none")
    }
    let shardOf = try Self.shards(pairs, path)
    let contents = try Set(shardOf.values).sorted().map { ($0, try Self.open($0, index: path)) }
    for (shard, content) in contents { try Self.check(content, shard, shardOf, path) }
    let formats = Set(contents.map(\.1.format))
    self.content = FileContent(
      format: formats == [.safetensors] || formats.isEmpty ? .shardedSafetensors : .shardedTorch,
      byteCount: contents.reduce(0) { $0 + $1.1.byteCount },
      tensors: contents.flatMap(\.1.tensors),
      metadata: Self.metadata(index["metadata"], contents.map(\.1)))
  }

  /// The shard of each tensor; a shard's name must be a plain file name, so that no index can reach elsewhere.
  private static func shards(_ pairs: [JSONValue.Pair], _ path: String) throws -> [String: String] {
    var shards: [String: String] = [:]
    for pair in pairs {
      let place = TensorFileError.Place(path: path, item: pair.key)
      guard let shard = pair.value.text else {
        throw TensorFileError.malformed(place, expected: "a file name", found: "another value")
      }
      guard !["", ".", ".."].contains(shard),
        !shard.unicodeScalars.contains(where: { "/\\\0".unicodeScalars.contains($0) })
      else { throw TensorFileError.shardNameRefused(place, name: shard) }
      shards[pair.key] = shard
    }
    return shards
  }

  private static func open(_ shard: String, index: String) throws -> FileContent {
    let path = FilePath.join(FilePath.directory(of: index), shard)
    do {
      let content = try FileContent(try StoredBytes(mapping: path), path: path)
      guard [.safetensors, .torchZip, .torchLegacy].contains(content.format) else {
        throw TensorFileError.unsupported(
          .init(path: path), found: "a shard in \(content.format) format", hint: "safetensors and PyTorch are")
      }
      return content
    } catch TensorFileError.fileMissing(path) {
      throw TensorFileError.shardMissing(index: index, shard: shard)
    }
  }

  private static func check(
    _ content: FileContent, _ shard: String, _ shardOf: [String: String], _ path: String
  ) throws {
    let held = Set(content.tensors.map(\.name))
    for name in content.tensors.map(\.name) where shardOf[name] != shard {
      throw TensorFileError.shardTensorUnlisted(index: path, tensor: name, shard: shard)
    }
    let missing = shardOf.filter { $0.value == shard && !held.contains($0.key) }.keys.min()
    if let missing { throw TensorFileError.shardTensorMissing(index: path, tensor: missing, shard: shard) }
  }

  /// The index's own metadata, then what the shards add to it.
  private static func metadata(_ own: JSONValue?, _ contents: [FileContent]) -> [MetadataEntry] {
    var entries = (own?.pairs ?? []).map { MetadataEntry(key: $0.key, value: MetadataValue($0.value)) }
    var byKey = Dictionary(grouping: entries, by: \.key)
    for entry in contents.flatMap(\.metadata) where byKey[entry.key]?.contains(entry) != true {
      entries.append(entry)
      byKey[entry.key, default: []].append(entry)
    }
    return entries
  }
}

extension MetadataValue {
  /// A JSON value; an object becomes a list of its values, each after its key.
  init(_ json: JSONValue) {
    self =
      switch json {
      case .null: .none
      case .bool(let value): .bool(value)
      case .integer(let value): .integer(value)
      case .number(let value): .float(value)
      case .string(let value): .string(value)
      case .array(let items): .array(items.map(MetadataValue.init))
      case .object(let pairs): .array(pairs.flatMap { [.string($0.key), MetadataValue($0.value)] })
      }
  }
}
