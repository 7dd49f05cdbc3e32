import CZlib

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Makes the bytes of a file as `torch.save` writes a dictionary of tensors: a zip archive, nothing compressed, with a
/// pickle of protocol 2 and one member a storage.
///
/// `torch.load` reads it with `weights_only=True`. The same tensors give the same bytes.
public struct PyTorchWriter: Sendable {
  private var tensors: [(name: String, shape: [Int], bytes: [UInt8])] = []
  /// The folder within the archive: the file's name without its ending, as PyTorch has it.
  private let folder: String

  /// Storages begin at multiples of this in the file.
  private static let alignment = 64

  /// Starts a file.
  public init(folder: String = "archive") { self.folder = folder }

  /// Adds a tensor of `torch.float32`.
  ///
  /// - Parameters:
  ///   - name: must not have been added before (programmer error).
  ///   - shape: sizes of the axes; their product is the number of elements (programmer error otherwise).
  ///   - elements: row-major.
  public mutating func add(_ name: String, shape: [Int], _ elements: [Float]) {
    precondition(shape.reduce(1, *) == elements.count, "the shape does not fit the elements")
    precondition(!tensors.contains { $0.name == name }, "a tensor of this name was added before")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * elements.count)
    for element in elements { Self.append(element.bitPattern, to: &bytes) }
    tensors.append((name, shape, bytes))
  }

  /// The file.
  public var data: Data {
    var archive = StoredArchive(alignment: Self.alignment)
    archive.add("\(folder)/data.pkl", pickle)
    archive.add("\(folder)/byteorder", Array("little".utf8))
    for (index, tensor) in tensors.enumerated() { archive.add("\(folder)/data/\(index)", tensor.bytes) }
    archive.add("\(folder)/version", Array("3\n".utf8))
    return Data(archive.finished())
  }

  private var pickle: [UInt8] {
    var code: [UInt8] = [0x80, 2]
    func text(_ text: String) {
      code.append(UInt8(ascii: "X"))
      Self.append(UInt32(text.utf8.count), to: &code)
      code += text.utf8
    }
    func global(_ module: String, _ name: String) { code += Array("c\(module)\n\(name)\n".utf8) }
    func integer(_ value: Int) {
      if let small = Int32(exactly: value) {
        code.append(UInt8(ascii: "J"))
        Self.append(UInt32(bitPattern: small), to: &code)
      } else {
        // LONG1 of eight bytes.
        code += [0x8A, 8]
        Self.append(UInt64(bitPattern: Int64(value)), to: &code)
      }
    }
    func tuple(_ fill: () -> Void) {
      code.append(UInt8(ascii: "("))
      fill()
      code.append(UInt8(ascii: "t"))
    }
    code += Array("}(".utf8)
    for (index, tensor) in tensors.enumerated() {
      let strides = tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) }
      text(tensor.name)
      global("torch._utils", "_rebuild_tensor_v2")
      tuple {
        tuple {
          text("storage")
          global("torch", "FloatStorage")
          text("\(index)")
          text("cpu")
          integer(tensor.bytes.count / 4)
        }
        code.append(UInt8(ascii: "Q"))
        integer(0)
        tuple { for size in tensor.shape { integer(size) } }
        tuple { for stride in strides { integer(stride) } }
        code.append(0x89)  // requires_grad: False
        global("collections", "OrderedDict")
        code += Array(")R".utf8)
      }
      code.append(UInt8(ascii: "R"))
    }
    code += Array("u.".utf8)
    return code
  }

  fileprivate static func append<Bits: FixedWidthInteger>(_ bits: Bits, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: Bits.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
  }
}

/// A zip archive whose members are stored as they are.
private struct StoredArchive {
  private var bytes: [UInt8] = []
  private var directory: [UInt8] = []
  private var count: UInt16 = 0
  private let alignment: Int

  init(alignment: Int) { self.alignment = alignment }

  /// 1 January 1980, so that equal contents give equal bytes.
  private static let date: UInt16 = 0x21

  mutating func add(_ name: String, _ content: [UInt8]) {
    precondition(content.count < Int(UInt32.max) && bytes.count < Int(UInt32.max), "a member of 4 GB")
    let start = bytes.count
    // The extra field fills up to the next multiple; its own header is 4 bytes.
    let fixed = start + 30 + name.utf8.count + 4
    let padding = (alignment - fixed % alignment) % alignment
    var common: [UInt8] = []
    for value: UInt16 in [20, 0, 0, 0, Self.date] { PyTorchWriter.append(value, to: &common) }
    PyTorchWriter.append(Self.checksum(content), to: &common)
    PyTorchWriter.append(UInt32(content.count), to: &common)
    PyTorchWriter.append(UInt32(content.count), to: &common)
    PyTorchWriter.append(UInt16(name.utf8.count), to: &common)
    bytes += [0x50, 0x4B, 3, 4] + common
    PyTorchWriter.append(UInt16(4 + padding), to: &bytes)
    bytes += name.utf8
    // PyTorch's own mark for padding.
    bytes += Array("FB".utf8)
    PyTorchWriter.append(UInt16(padding), to: &bytes)
    bytes += [UInt8](repeating: UInt8(ascii: "Z"), count: padding) + content
    directory += [0x50, 0x4B, 1, 2, 20, 0] + common
    for value: UInt16 in [0, 0, 0, 0] { PyTorchWriter.append(value, to: &directory) }
    PyTorchWriter.append(UInt32(0), to: &directory)
    PyTorchWriter.append(UInt32(start), to: &directory)
    directory += name.utf8
    count += 1
  }

  func finished() -> [UInt8] {
    var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
    PyTorchWriter.append(count, to: &end)
    PyTorchWriter.append(count, to: &end)
    PyTorchWriter.append(UInt32(directory.count), to: &end)
    PyTorchWriter.append(UInt32(bytes.count), to: &end)
    return bytes + directory + end + [0, 0]
  }

  private static func checksum(_ content: [UInt8]) -> UInt32 {
    unsafe content.withUnsafeBufferPointer { content in
      unsafe UInt32(truncatingIfNeeded: crc32(0, content.baseAddress, UInt32(content.count)))
    }
  }
}
