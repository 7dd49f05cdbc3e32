/// Which reader a file needs, by its first bytes; the suffix decides only where they are of no known kind.
enum FileKind {
  case npy, zip, safetensors, pickle, gguf, index

  init(_ bytes: StoredBytes, path: String) throws {
    let head = bytes.array(0..<min(bytes.count, 512))
    if let kind = try Self.byContent(head, path) ?? Self.bySuffix(path) {
      self = kind
    } else {
      throw TensorFileError.unrecognised(path: path, found: MessageText.hex(head))
    }
  }

  private static func byContent(_ head: [UInt8], _ path: String) throws -> FileKind? {
    if head.starts(with: NpyArray.magic) { return .npy }
    if head.starts(with: [0x50, 0x4B, 3, 4]) || head.starts(with: [0x50, 0x4B, 5, 6]) { return .zip }
    if head.starts(with: Array("GGUF".utf8)) { return .gguf }
    if head.count > 8, head[4..<8].allSatisfy({ $0 == 0 }), head[8] == UInt8(ascii: "{") { return .safetensors }
    if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) { return .pickle }
    if head.first == UInt8(ascii: "{") { return .index }
    try refuseByName(head, path)
    return nil
  }

  private static func refuseByName(_ head: [UInt8], _ path: String) throws {
    let place = TensorFileError.Place(path: path)
    if head.count >= 262, head[257..<262].elementsEqual("ustar".utf8) {
      throw TensorFileError.unsupported(
        place, found: "a tar archive (PyTorch before 0.1.10)", hint: "load and save it with a newer PyTorch")
    }
    if head.starts(with: Array("version https://git-lfs".utf8)) {
      throw TensorFileError.unsupported(
        place, found: "a Git LFS pointer", hint: "fetch the file itself with `git lfs pull`")
    }
    if head.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      throw TensorFileError.unsupported(place, found: "an HDF5 file", hint: "save npz or safetensors")
    }
  }

  private static func bySuffix(_ path: String) -> FileKind? {
    let suffixes: [(String, FileKind)] = [
      (".npy", .npy), (".npz", .zip), (".safetensors", .safetensors), (".gguf", .gguf), (".index.json", .index),
    ]
    return suffixes.first { path.hasSuffix($0.0) }?.1
  }
}
