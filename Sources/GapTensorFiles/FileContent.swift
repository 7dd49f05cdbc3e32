/// What a reader finds in one file.
struct FileContent {
  let format: TensorFile.Format
  let byteCount: Int
  let tensors: [Tensor]
  let metadata: [MetadataEntry]

  init(format: TensorFile.Format, byteCount: Int, tensors: [Tensor], metadata: [MetadataEntry]) {
    self.format = format
    self.byteCount = byteCount
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads one file of any format but an index.
  init(_ bytes: StoredBytes, path: String) throws {
    byteCount = bytes.count
    switch try FileKind(bytes, path: path) {
    case .npy:
      format = .npy
      let region = ByteRegion(bytes, 0..<bytes.count)
      tensors = [try NpyArray.tensor(region, path: path, member: nil, name: Tensor.soleName)]
      metadata = []
    case .zip:
      let archive = try ZipArchive(bytes, path: path)
      if let checkpoint = try TorchArchive(archive, path: path) {
        (format, tensors, metadata) = (.torchZip, checkpoint.tensors, checkpoint.metadata)
      } else {
        (format, tensors, metadata) = (.npz, try NpzArchive.tensors(archive, path: path), [])
      }
    case .safetensors:
      let file = try SafetensorsFile(bytes, path: path)
      (format, tensors, metadata) = (.safetensors, file.tensors, file.metadata)
    case .pickle:
      let checkpoint = try TorchPickle(bytes, path: path)
      (format, tensors, metadata) = (.torchLegacy, checkpoint.tensors, checkpoint.metadata)
    case .gguf:
      let file = try GGUFFile(bytes, path: path)
      (format, tensors, metadata) = (.gguf, file.tensors, file.metadata)
    case .index:
      throw TensorFileError.unsupported(
        .init(path: path), found: "an index within an index", hint: "shards hold tensors")
    }
  }

  /// Where each name stands among the tensors.
  func places(path: String) throws -> [String: Int] {
    var places: [String: Int] = [:]
    places.reserveCapacity(tensors.count)
    for (place, tensor) in tensors.enumerated() where places.updateValue(place, forKey: tensor.name) != nil {
      throw TensorFileError.duplicateName(.init(path: path), name: tensor.name)
    }
    return places
  }
}
