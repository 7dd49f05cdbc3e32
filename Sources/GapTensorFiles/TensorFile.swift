/// An opened tensor file, or a sharded set of them, of which every header has been checked.
///
/// Opening maps the file and reads its headers; numbers are read when a tensor is asked for them. Nothing in a file
/// is ever run, and nothing is written to disk.
public struct TensorFile: Sendable {
  /// What kind of file it is, as its bytes say.
  public enum Format: String, Sendable, CustomStringConvertible, CaseIterable {
    /// One array of `numpy.save`.
    case npy = "npy"
    /// An archive of `numpy.savez`.
    case npz = "npz"
    /// One safetensors file.
    case safetensors = "safetensors"
    /// A safetensors index with its shards.
    case shardedSafetensors = "sharded safetensors"
    /// An archive of `torch.save`.
    case torchZip = "PyTorch zip"
    /// A pickle of `torch.save` from before version 1.6.
    case torchLegacy = "PyTorch legacy pickle"
    /// A PyTorch index with its shards.
    case shardedTorch = "sharded PyTorch"
    /// A GGUF file, version 2 or 3.
    case gguf = "GGUF"

    /// The name in words.
    public var description: String { rawValue }
  }

  /// The path as given; of a directory, the path of the file found in it.
  public let path: String
  /// The kind of file.
  public let format: Format
  /// The size on disk in bytes, all shards together.
  public let byteCount: Int
  /// The tensors in file order; shards by name.
  public let tensors: [Tensor]
  /// What the file keeps beside its tensors, in file order.
  public let metadata: [MetadataEntry]

  private let places: [String: Int]

  /// Opens and checks a file, or a directory that holds a model under one of the usual names.
  ///
  /// The bytes decide the format; the suffix only where they do not. Looked for in a directory, in this order:
  /// `model.safetensors`, `model.safetensors.index.json`, `pytorch_model.bin`, `pytorch_model.bin.index.json`.
  ///
  /// - Throws: `TensorFileError`; its `isMissingInput` tells a file that is not there from one that is bad.
  /// - Complexity: O(h) for h bytes of headers; tensors' bytes are not touched.
  public init(path: String) throws {
    do {
      try self.init(path: path, bytes: try StoredBytes(mapping: path))
    } catch TensorFileError.directoryGiven {
      let file = try ModelDirectory.file(in: path)
      try self.init(path: file, bytes: try StoredBytes(mapping: file))
    }
  }

  /// Checks bytes that are in memory already; `path` names them in messages.
  init(path: String, bytes: StoredBytes) throws {
    let content =
      if try FileKind(bytes, path: path) == .index {
        try ShardedSet(bytes, path: path).content
      } else {
        try FileContent(bytes, path: path)
      }
    self.path = path
    format = content.format
    byteCount = content.byteCount
    tensors = content.tensors
    metadata = content.metadata
    places = try content.places(path: path)
  }

  /// The tensor with this name.
  ///
  /// - Throws: `unknownTensor`, which lists the names there are, a dozen at most.
  public func tensor(named name: String) throws -> Tensor {
    guard let place = places[name] else {
      throw TensorFileError.unknownTensor(path: path, name: name, known: tensors.map(\.name))
    }
    return tensors[place]
  }

  /// The only tensor.
  ///
  /// - Throws: `nameNeeded` where there are none or several.
  public func soleTensor() throws -> Tensor {
    guard let tensor = tensors.first, tensors.count == 1 else {
      throw TensorFileError.nameNeeded(path: path, known: tensors.map(\.name))
    }
    return tensor
  }

  /// Whether a tensor has this name.
  public func contains(_ name: String) -> Bool { places[name] != nil }

  /// The first metadata value under this key.
  public func metadata(named key: String) -> MetadataValue? { metadata.first { $0.key == key }?.value }
}
