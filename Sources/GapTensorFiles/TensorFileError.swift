/// A fault found while a tensor file was opened or read; one case a fault.
///
/// The description is always one line: what, where, expected, found, hint.
public enum TensorFileError: Error, Equatable, Sendable {
  /// Where in a file a fault lies.
  public struct Place: Equatable, Sendable {
    /// The file.
    public let path: String
    /// The tensor, archive member or key, where there is one.
    public let item: String?
    /// The byte, counted from the start of the file (of the member, if that is compressed).
    public let byte: Int?

    /// A place from its parts.
    public init(path: String, item: String? = nil, byte: Int? = nil) {
      self.path = path
      self.item = item
      self.byte = byte
    }
  }

  // The input is not there or cannot be opened.

  /// No file has this path.
  case fileMissing(path: String)
  /// The path is a directory, and a file was expected.
  case directoryGiven(path: String)
  /// The directory holds no model file of a known name.
  case directoryWithoutModel(path: String)
  /// The file may not be read.
  case permissionDenied(path: String)
  /// The path is a pipe, a socket or a device.
  case notRegularFile(path: String)
  /// The system refused to open, map or measure the file.
  case unreadable(path: String, reason: String)
  /// An index names a shard that is not there.
  case shardMissing(index: String, shard: String)

  // The bytes are not what they should be.

  /// The file has no bytes.
  case emptyFile(path: String)
  /// The first bytes belong to no known format.
  case unrecognised(path: String, found: String)
  /// A known format, version or feature that is not read.
  case unsupported(Place, found: String, hint: String)
  /// The bytes end before the declared end.
  case truncated(Place, expected: Int, found: Int)
  /// The grammar of the format is broken.
  case malformed(Place, expected: String, found: String)
  /// A header is longer than the format's limit.
  case headerTooLong(Place, limit: Int, found: Int)
  /// A text is not UTF-8.
  case invalidText(Place)
  /// Values are nested deeper than any real file nests them.
  case nestedTooDeep(Place, limit: Int)
  /// A count is more than the file can hold, or than is read.
  case tooMany(Place, what: String, limit: Int, found: Int)
  /// Two entries share a name.
  case duplicateName(Place, name: String)
  /// The element type is not one of the format's.
  case unknownElementType(Place, found: String)
  /// A size is negative, or there are too many axes.
  case invalidShape(Place, found: String)
  /// The sizes multiplied exceed what can be addressed.
  case sizeOverflow(Place, shape: [Int])
  /// The bytes kept for a tensor differ from what its shape and type need.
  case sizeMismatch(Place, expected: Int, found: Int)
  /// A tensor's bytes lie outside the file's data.
  case outOfRange(Place, start: Int, end: Int, limit: Int)
  /// Bytes lie between two tensors and belong to none.
  case hole(Place, expected: Int, found: Int)
  /// Two tensors or members share bytes.
  case overlap(Place, with: String)
  /// An offset is no multiple of the alignment.
  case misaligned(Place, alignment: Int, found: Int)
  /// An archive's directory and the header in front of a member disagree.
  case archiveMismatch(Place, field: String, expected: String, found: String)
  /// A member declares more bytes than its compressed form can hold.
  case inflatesTooMuch(Place, declared: Int, compressed: Int)
  /// Compressed bytes are damaged.
  case corruptDeflate(Place, reason: String)
  /// The bytes of a member do not match their CRC-32.
  case checksumMismatch(Place, expected: UInt32, found: UInt32)
  /// A pickle uses an instruction outside the closed list.
  case refusedOpcode(Place, name: String)
  /// A pickle names a class or function outside the closed list; it was not run.
  case refusedClass(Place, name: String)
  /// A checkpoint refers to a storage that is not in the file.
  case storageMissing(Place, key: String)
  /// A view reaches past the end of its storage.
  case storageExceeded(Place, expected: Int, found: Int)
  /// An index names a shard outside its own directory.
  case shardNameRefused(Place, name: String)
  /// An index lists a tensor that its shard lacks.
  case shardTensorMissing(index: String, tensor: String, shard: String)
  /// A shard holds a tensor that its index lists elsewhere or not at all.
  case shardTensorUnlisted(index: String, tensor: String, shard: String)

  // The file is good, and the request does not fit it.

  /// The elements are no floating-point numbers.
  case notNumbers(Place, type: ElementType)
  /// The elements are Python objects, which only running the pickle could make.
  case pickledObjects(Place)
  /// The elements are quantised.
  case quantised(Place, type: ElementType)
  /// No tensor has this name.
  case unknownTensor(path: String, name: String, known: [String])
  /// A name is needed, since there is not exactly one tensor.
  case nameNeeded(path: String, known: [String])

  /// Whether the input is missing or cannot be opened, as opposed to holding bad data.
  public var isMissingInput: Bool {
    switch self {
    case .fileMissing, .directoryGiven, .directoryWithoutModel, .permissionDenied, .notRegularFile, .unreadable,
      .shardMissing:
      true
    default: false
    }
  }
}
