extension TensorFileError.Place: CustomStringConvertible {
  /// The file, then the item and the byte where they are known.
  public var description: String {
    var text = MessageText.path(path)
    if let item { text += ": " + MessageText.quoted(item) }
    if let byte { text += (item == nil ? ": " : ", ") + "byte \(byte)" }
    return text
  }
}

extension TensorFileError: CustomStringConvertible {
  /// The fault on one line: where, what, expected, found, hint.
  public var description: String {
    inputText ?? grammarText ?? layoutText ?? archiveText ?? requestText
  }

  private var inputText: String? {
    switch self {
    case .fileMissing(let path): "\(MessageText.path(path)): no such file"
    case .directoryGiven(let path): "\(MessageText.path(path)): is a directory, expected a file"
    case .directoryWithoutModel(let path):
      "\(MessageText.path(path)): no tensors in this directory, expected "
        + ModelDirectory.names.joined(separator: " or ")
    case .permissionDenied(let path): "\(MessageText.path(path)): permission denied"
    case .notRegularFile(let path):
      "\(MessageText.path(path)): is a pipe or device, expected a regular file (it is memory-mapped)"
    case .unreadable(let path, let reason): "\(MessageText.path(path)): cannot be opened: \(reason)"
    case .shardMissing(let index, let shard):
      "\(MessageText.path(index)): names the shard \(MessageText.quoted(shard)), which is missing from its directory"
    case .emptyFile(let path): "\(MessageText.path(path)): empty file, expected tensors"
    case .unrecognised(let path, let found):
      "\(MessageText.path(path)): unknown format, expected npy, npz, safetensors, PyTorch or GGUF, found \(found)"
    case .unsupported(let place, let found, let hint):
      "\(place): \(MessageText.plain(found)) is not read; \(hint)"
    default: nil
    }
  }

  private var grammarText: String? {
    switch self {
    case .truncated(let place, let expected, let found):
      "\(place): truncated, expected \(expected) more bytes, found \(found)"
    case .malformed(let place, let expected, let found):
      "\(place): malformed, expected \(expected), found \(MessageText.plain(found))"
    case .headerTooLong(let place, let limit, let found):
      "\(place): header of \(found) bytes, expected at most \(limit)"
    case .invalidText(let place): "\(place): text is not UTF-8"
    case .nestedTooDeep(let place, let limit): "\(place): nested deeper than \(limit) levels"
    case .tooMany(let place, let what, let limit, let found):
      "\(place): \(found) \(what), expected at most \(limit)"
    case .duplicateName(let place, let name): "\(place): the name \(MessageText.quoted(name)) occurs twice"
    case .unknownElementType(let place, let found):
      "\(place): unknown element type \(MessageText.quoted(found))"
    case .invalidShape(let place, let found): "\(place): impossible shape \(MessageText.plain(found))"
    default: nil
    }
  }

  private var layoutText: String? {
    switch self {
    case .sizeOverflow(let place, let shape):
      "\(place): shape (\(MessageText.list(shape.map(String.init)))) has more elements than can be addressed"
    case .sizeMismatch(let place, let expected, let found):
      "\(place): expected \(expected) bytes by the declared shape and type, found \(found)"
    case .outOfRange(let place, let start, let end, let limit):
      "\(place): bytes \(start) to \(end) lie outside the data, which has \(limit)"
    case .hole(let place, let expected, let found):
      "\(place): unused bytes in the data, expected the next tensor at \(expected), found \(found)"
    case .overlap(let place, let other): "\(place): shares bytes with \(MessageText.quoted(other))"
    case .misaligned(let place, let alignment, let found):
      "\(place): offset \(found) is no multiple of the alignment \(alignment)"
    case .storageMissing(let place, let key): "\(place): storage \(MessageText.quoted(key)) is not in the file"
    case .storageExceeded(let place, let expected, let found):
      "\(place): a view of \(expected) elements exceeds its storage, which has \(found)"
    default: nil
    }
  }

  private var archiveText: String? {
    switch self {
    case .archiveMismatch(let place, let field, let expected, let found):
      "\(place): the archive's directory and the member's header disagree on the \(field), expected "
        + "\(MessageText.plain(expected)), found \(MessageText.plain(found))"
    case .inflatesTooMuch(let place, let declared, let compressed):
      "\(place): \(compressed) compressed bytes cannot hold the declared \(declared)"
    case .corruptDeflate(let place, let reason):
      "\(place): compressed bytes are damaged: \(MessageText.plain(reason))"
    case .checksumMismatch(let place, let expected, let found):
      "\(place): CRC-32 differs, expected \(String(expected, radix: 16)), found \(String(found, radix: 16))"
    case .refusedOpcode(let place, let name): "\(place): refused pickle instruction \(name); nothing was run"
    case .refusedClass(let place, let name):
      "\(place): refused \(MessageText.quoted(name)), expected only tensors and plain containers; nothing was run; "
        + "hint: save a state_dict"
    case .shardNameRefused(let place, let name):
      "\(place): the shard \(MessageText.quoted(name)) is not a plain file name in the index's directory"
    case .shardTensorMissing(let index, let tensor, let shard):
      "\(MessageText.path(index)): lists \(MessageText.quoted(tensor)) in \(MessageText.quoted(shard)), "
        + "which does not hold it"
    case .shardTensorUnlisted(let index, let tensor, let shard):
      "\(MessageText.path(index)): does not list \(MessageText.quoted(tensor)), which "
        + "\(MessageText.quoted(shard)) holds"
    default: nil
    }
  }

  private var requestText: String {
    switch self {
    case .notNumbers(let place, let type):
      "\(place): elements are \(MessageText.plain(type.name)), expected F64, F32, F16 or BF16; "
        + "hint: convert to float before saving"
    case .pickledObjects(let place):
      "\(place): elements are pickled objects, which are never run; hint: save a float array"
    case .quantised(let place, let type):
      "\(place): quantised as \(MessageText.plain(type.name)), expected F64, F32, F16 or BF16; "
        + "hint: use an unquantised (f16) file"
    case .unknownTensor(let path, let name, let known):
      "\(MessageText.path(path)): no tensor \(MessageText.quoted(name)), found \(MessageText.list(known))"
    case .nameNeeded(let path, let known):
      "\(MessageText.path(path)): expected exactly one tensor, found \(MessageText.list(known)); "
        + "hint: name one as FILE::KEY"
    default: "unknown fault"
    }
  }
}
