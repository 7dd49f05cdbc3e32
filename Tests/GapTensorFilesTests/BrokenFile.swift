@testable import GapTensorFiles

/// Builds small files byte by byte, so that tests can make them lie.
enum BrokenFile {
  static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
  }

  static func npy(_ header: String, data: [UInt8] = [], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    let count = length ?? text.count
    let size =
      version == 1 ? little(UInt16(truncatingIfNeeded: count)) : little(UInt32(truncatingIfNeeded: count))
    return NpyArray.magic + [version, 0] + size + text + data
  }

  static func safetensors(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    little(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
  }

  /// A zip member whose fields can be set apart from the truth.
  struct Member {
    var name: String
    var data: [UInt8]
    var method: UInt16 = 0
    var declared: Int?
    var checksum: UInt32?
    var localName: String?
    var localOffset: Int?
    var flags: UInt16 = 0
    var localSize: Int?
  }

  static func zip(_ members: [Member], entries: Int? = nil, directoryOffset: Int? = nil) -> [UInt8] {
    var (bytes, directory) = ([UInt8](), [UInt8]())
    for member in members {
      let offset = member.localOffset ?? bytes.count
      let sum = little(member.checksum ?? checksum(member.data))
      let sizes = little(UInt32(member.data.count)) + little(UInt32(member.declared ?? member.data.count))
      let localSizes =
        little(UInt32(member.localSize ?? member.data.count))
        + little(UInt32(member.declared ?? member.data.count))
      let name = Array(member.name.utf8)
      let localName = Array((member.localName ?? member.name).utf8)
      let head = little(member.flags) + little(member.method) + [0, 0, 0, 0] + sum
      bytes +=
        [0x50, 0x4B, 3, 4, 20, 0] + head + localSizes + little(UInt16(localName.count)) + [0, 0] + localName
      bytes += member.data
      directory += [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + head + sizes + little(UInt16(name.count))
      directory += [UInt8](repeating: 0, count: 12) + little(UInt32(offset)) + name
    }
    let count = little(UInt16(entries ?? members.count))
    return bytes + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count + little(UInt32(directory.count))
      + little(UInt32(directoryOffset ?? bytes.count)) + [0, 0]
  }

  /// The CRC-32 of zip, bit by bit.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  /// A PyTorch archive around a pickle.
  static func torch(_ pickle: [UInt8], storages: [String: [UInt8]] = [:]) -> [UInt8] {
    zip(
      [Member(name: "x/data.pkl", data: [0x80, 2] + pickle)]
        + storages.sorted { $0.key < $1.key }.map { Member(name: "x/data/" + $0.key, data: $0.value) })
  }

  /// `GLOBAL module name`.
  static func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  static func text(_ text: String) -> [UInt8] { [0x58] + little(UInt32(text.utf8.count)) + Array(text.utf8) }

  static func number(_ value: Int32) -> [UInt8] { [0x4A] + little(value) }

  /// The instructions that make a tensor of one float storage.
  static func tensor(key: String = "0", count: Int32, offset: Int32 = 0, shape: [Int32], strides: [Int32])
    -> [UInt8]
  {
    let sizes = { (values: [Int32]) in [0x28] + values.flatMap(number) + [0x74] }
    return global("torch._utils", "_rebuild_tensor_v2") + [0x28, 0x28] + text("storage")
      + global("torch", "FloatStorage") + text(key) + text("cpu") + number(count) + [0x74, 0x51]
      + number(offset) + sizes(shape) + sizes(strides) + [0x89, 0x7D, 0x74, 0x52]
  }

  static func gguf(
    version: UInt32 = 3, tensors: UInt64 = 0, entries: UInt64 = 0, _ body: [UInt8] = [], data: [UInt8] = []
  ) -> [UInt8] {
    var bytes = Array("GGUF".utf8) + little(version) + little(tensors) + little(entries) + body
    if !data.isEmpty { bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32) + data }
    return bytes
  }

  static func ggufText(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

  static func ggufTensor(_ name: String, _ sizes: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) -> [UInt8] {
    ggufText(name) + little(UInt32(sizes.count)) + sizes.flatMap { little($0) } + little(type) + little(offset)
  }

  static func ggufEntry(_ key: String, type: UInt32, _ value: [UInt8]) -> [UInt8] {
    ggufText(key) + little(type) + value
  }
}
