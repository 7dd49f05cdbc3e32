/// What a PyTorch file holds once its pickle has been read and every view held against its storage.
struct TorchCheckpoint {
  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  /// - Parameter region: where the bytes of a storage lie, checked against the declared size.
  init(
    _ root: PickleValue, in heap: PickleHeap, path: String, isBigEndian: Bool,
    region: (TorchStorage) throws -> ByteRegion
  ) throws {
    let names = try TorchNames(root, in: heap, path: path)
    var regions: [Int: ByteRegion] = [:]
    tensors = try names.views.map { name, view in
      let found = try regions[view.storage] ?? region(heap.storages[view.storage])
      regions[view.storage] = found
      return try Tensor(
        name: name, elementType: view.elementType, shape: view.shape, strides: view.strides, region: found,
        offset: view.offset, isBigEndian: isBigEndian, path: path)
    }
    metadata = names.metadata
    // Tied weights make two or a dozen tensors of one storage; thousands of views of a few bytes are made to fill memory.
    let held = heap.storages.indices.reduce(0) { $0 + (regions[$1] == nil ? 0 : heap.storages[$1].count) }
    let shown = tensors.reduce(0.0) { $0 + Double($1.elementCount) }
    let most = 16 * Double(held) + Double(Tensor.largestRepetition)
    guard shown <= most else {
      throw TensorFileError.tooMany(
        .init(path: path), what: "elements in views that share their bytes", limit: Int(most),
        found: Int(min(shown, 9e18)))
    }
  }

  /// The bytes that a storage's declared count takes.
  static func byteCount(_ storage: TorchStorage, path: String) throws -> Int {
    let place = TensorFileError.Place(path: path, item: "storage " + storage.key)
    return try TensorShape.checkedBytes([storage.count], storage.elementType, at: place) ?? 0
  }
}

/// The zip format of `torch.save`: `<prefix>/data.pkl`, `<prefix>/data/<key>`, `<prefix>/byteorder`.
///
/// Checksums of what is not compressed are passed over, as PyTorch does: it can be told to write none.
struct TorchArchive {
  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  /// - Returns: nil if the archive has no `data.pkl` under one prefix, and so is no PyTorch file.
  init?(_ archive: ZipArchive, path: String) throws {
    let pickles = archive.members.filter {
      $0.name.hasSuffix("/data.pkl") && $0.name.split(separator: "/").count == 2
    }
    guard let pickle = pickles.first else { return nil }
    guard pickles.count == 1 else { throw TensorFileError.duplicateName(.init(path: path), name: "data.pkl") }
    let prefix = String(pickle.name.dropLast("data.pkl".count))
    let members = Dictionary(archive.members.map { ($0.name, $0) }) { first, _ in first }
    let reader = try pickle.region.reader(prefix: pickle.region.count, path: path, item: pickle.name)
    var machine = PickleMachine(reader)
    let root = try machine.run()
    let isBigEndian = try members[prefix + "byteorder"].map { try Self.isBigEndian($0, path) } ?? false
    let checkpoint = try TorchCheckpoint(root, in: machine.heap, path: path, isBigEndian: isBigEndian) {
      storage in
      guard let member = members[prefix + "data/" + storage.key] else {
        throw TensorFileError.storageMissing(.init(path: path), key: storage.key)
      }
      let needed = try TorchCheckpoint.byteCount(storage, path: path)
      guard member.region.count == needed else {
        throw TensorFileError.sizeMismatch(
          .init(path: path, item: member.name), expected: needed, found: member.region.count)
      }
      return member.region
    }
    (tensors, metadata) = (checkpoint.tensors, checkpoint.metadata)
  }

  private static func isBigEndian(_ member: ZipArchive.Member, _ path: String) throws -> Bool {
    var reader = try member.region.reader(prefix: 16, path: path, item: member.name)
    let place = reader.place
    let order = try reader.text(reader.remaining)
    guard order == "little" || order == "big" else {
      throw TensorFileError.malformed(place, expected: "little or big", found: order)
    }
    return order == "big"
  }
}

/// The format of `torch.save` before version 1.6: five pickles one after another, then the storages.
struct TorchPickle {
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  init(_ bytes: StoredBytes, path: String) throws {
    var machine = PickleMachine(ByteReader(bytes, path: path))
    let start = machine.reader.place
    guard case .long(Self.magic) = try machine.run() else {
      throw TensorFileError.malformed(start, expected: "PyTorch's magic number", found: "another pickle")
    }
    let place = machine.reader.place
    guard case .integer(1001) = try machine.run() else {
      throw TensorFileError.malformed(place, expected: "PyTorch's protocol 1001", found: "another value")
    }
    _ = try machine.run()
    let root = try machine.run()
    let keyPlace = machine.reader.place
    let last = try machine.run()
    guard let keys = machine.heap.items(last) else {
      throw TensorFileError.malformed(keyPlace, expected: "a list of storage keys", found: "another value")
    }
    let regions = try Self.regions(keys, &machine, path)
    let checkpoint = try TorchCheckpoint(root, in: machine.heap, path: path, isBigEndian: false) { storage in
      guard let region = regions[storage.key] else {
        throw TensorFileError.storageMissing(.init(path: path), key: storage.key)
      }
      return region
    }
    (tensors, metadata) = (checkpoint.tensors, checkpoint.metadata)
  }

  /// Walks the storages after the pickles: a count of elements, then their bytes, in the order of the keys.
  ///
  /// The bytes are little-endian whatever machine wrote them.
  private static func regions(
    _ keys: [PickleValue], _ machine: inout PickleMachine, _ path: String
  ) throws -> [String: ByteRegion] {
    var declared: [String: TorchStorage] = [:]
    for storage in machine.heap.storages {
      if let other = declared.updateValue(storage, forKey: storage.key),
        other.elementType != storage.elementType || other.count != storage.count
      {
        throw TensorFileError.duplicateName(.init(path: path, item: "storages"), name: storage.key)
      }
    }
    var regions: [String: ByteRegion] = [:]
    for key in keys {
      guard case .string(let key) = key, let storage = declared[key] else {
        throw TensorFileError.malformed(
          machine.reader.place, expected: "the key of a storage that a tensor uses", found: key.kind)
      }
      let place = TensorFileError.Place(path: path, item: "storage " + key, byte: machine.reader.position)
      let count = try machine.reader.size(Int64.self)
      guard count == storage.count else {
        throw TensorFileError.sizeMismatch(
          place, expected: try TorchCheckpoint.byteCount(storage, path: path),
          found: count.multipliedReportingOverflow(by: storage.elementType.byteCount ?? 1).partialValue)
      }
      let range = try machine.reader.take(try TorchCheckpoint.byteCount(storage, path: path))
      guard regions.updateValue(ByteRegion(machine.reader.bytes, range), forKey: key) == nil else {
        throw TensorFileError.duplicateName(place, name: key)
      }
    }
    guard machine.reader.remaining == 0 else {
      throw TensorFileError.malformed(
        machine.reader.place, expected: "the end of the file", found: "\(machine.reader.remaining) more bytes")
    }
    return regions
  }
}
