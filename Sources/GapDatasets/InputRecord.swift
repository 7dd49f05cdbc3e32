import Crypto
public import GapTensorFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a report says of a tensor that it was made from.
public struct InputRecord: Sendable, Equatable, Codable {
  /// File and key as they were given.
  public let path: String
  /// Size of the file; of all shards together for a sharded set.
  public let bytes: Int
  /// SHA-256 of the file in hexadecimal; nil unless it was asked for.
  public let sha256: String?
  /// Type of the elements, such as `F16`.
  public let dtype: String
  /// Sizes of the axes.
  public let shape: [Int]

  /// Describes a tensor.
  ///
  /// - Parameters:
  ///   - tensor: what is described.
  ///   - label: what it is called in the report.
  ///   - bytes: length of its file.
  ///   - hashing: reads the whole file for its SHA-256.
  /// - Throws: `DatasetError.unreadable` when hashing fails.
  public init(tensor: Tensor, label: String, bytes: Int, hashing: Bool) throws {
    path = label
    self.bytes = bytes
    dtype = tensor.elementType.name
    shape = tensor.shape
    sha256 = hashing ? try Self.sha256(ofFile: tensor.path) : nil
  }

  /// Describes a file that is not one tensor.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - dtype: the types in it, or what it holds.
  ///   - shape: how many it holds.
  ///   - hashing: reads the whole file for its SHA-256.
  /// - Throws: `DatasetError.unreadable`.
  public init(file path: String, dtype: String, shape: [Int], hashing: Bool) throws {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      throw DatasetError.unreadable(path: path, reason: "no such file", isMissing: true)
    }
    self.path = path
    bytes = Int(status.st_size)
    self.dtype = dtype
    self.shape = shape
    sha256 = hashing ? try Self.sha256(ofFile: path) : nil
  }

  /// The SHA-256 of a file, in hexadecimal.
  ///
  /// - Throws: `DatasetError.unreadable`.
  /// - Complexity: O(bytes) time, constant memory.
  public static func sha256(ofFile path: String) throws -> String {
    guard let file = unsafe fopen(path, "rb") else {
      throw DatasetError.unreadable(path: path, reason: "it cannot be opened", isMissing: true)
    }
    defer { _ = unsafe fclose(file) }
    var hash = SHA256()
    var chunk = [UInt8](repeating: 0, count: 4 << 20)
    while true {
      let count = unsafe fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      hash.update(data: chunk[..<count])
    }
    guard unsafe ferror(file) == 0 else {
      throw DatasetError.unreadable(path: path, reason: "reading stopped before its end", isMissing: true)
    }
    return hash.finalize().map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }

  /// Keys of the report.
  private enum CodingKeys: String, CodingKey { case path, bytes, sha256, dtype, shape }

  /// Writes every key, null where nothing was hashed.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(path, forKey: .path)
    try container.encode(bytes, forKey: .bytes)
    try container.encode(sha256, forKey: .sha256)
    try container.encode(dtype, forKey: .dtype)
    try container.encode(shape, forKey: .shape)
  }
}
