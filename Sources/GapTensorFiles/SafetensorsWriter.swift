#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Makes the bytes of a `.safetensors` file.
///
/// Tensors are laid out in the order in which they were added, each aligned to its element, header padded to 8 bytes,
/// as the reference implementation writes them. The same tensors give the same bytes.
public struct SafetensorsWriter: Sendable {
  private var header: [(name: String, type: String, shape: [Int], start: Int, end: Int)] = []
  private var body = Data()
  private let metadata: [(key: String, value: String)]

  /// Starts a file.
  ///
  /// - Parameter metadata: strings for the header's `__metadata__`.
  public init(metadata: [(key: String, value: String)] = []) { self.metadata = metadata }

  /// Adds a tensor of type F64.
  ///
  /// - Parameters:
  ///   - name: must not have been added before (programmer error).
  ///   - shape: sizes of the axes; their product is the number of elements (programmer error otherwise).
  ///   - elements: row-major.
  public mutating func add(_ name: String, shape: [Int], _ elements: [Double]) {
    add(name, "F64", shape, elements.map(\.bitPattern))
  }

  /// Adds a tensor of type F32.
  public mutating func add(_ name: String, shape: [Int], _ elements: [Float]) {
    add(name, "F32", shape, elements.map(\.bitPattern))
  }

  private mutating func add<Bits: FixedWidthInteger>(
    _ name: String, _ type: String, _ shape: [Int], _ elements: [Bits]
  ) {
    precondition(shape.reduce(1, *) == elements.count, "the shape does not fit the elements")
    precondition(!header.contains { $0.name == name }, "a tensor of this name was added before")
    let start = body.count
    unsafe elements.map(\.littleEndian).withUnsafeBytes { unsafe body.append(contentsOf: $0) }
    header.append((name, type, shape, start, body.count))
  }

  private static func append<Bits: FixedWidthInteger>(_ bits: Bits, to data: inout Data) {
    var rest = bits
    for _ in 0..<Bits.bitWidth / 8 {
      data.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// The file.
  public var data: Data {
    var entries: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
      entries.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    for tensor in header {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      entries.append(
        "\(Self.quoted(tensor.name)):{\"dtype\":\"\(tensor.type)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(tensor.start),\(tensor.end)]}")
    }
    var text = "{" + entries.joined(separator: ",") + "}"
    while text.utf8.count % 8 != 0 { text += " " }
    var result = Data()
    Self.append(UInt64(text.utf8.count), to: &result)
    result.append(contentsOf: text.utf8)
    result.append(body)
    return result
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let code = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Makes the bytes of a `.npy` file, version 1.0, little-endian f8 in C order.
public enum NpyWriter {
  /// The file.
  ///
  /// - Parameters:
  ///   - shape: sizes of the axes; their product is the number of elements (programmer error otherwise).
  ///   - elements: row-major.
  public static func data(shape: [Int], _ elements: [Double]) -> Data {
    precondition(shape.reduce(1, *) == elements.count, "the shape does not fit the elements")
    let axes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(axes)), }"
    // Magic, version and length take 10 bytes; the whole is padded to a multiple of 64 and ends in a newline.
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
    data.append(UInt8(header.utf8.count & 0xFF))
    data.append(UInt8(header.utf8.count >> 8))
    data.append(contentsOf: header.utf8)
    data.reserveCapacity(data.count + 8 * elements.count)
    for element in elements {
      var bits = element.bitPattern
      for _ in 0..<8 {
        data.append(UInt8(truncatingIfNeeded: bits))
        bits >>= 8
      }
    }
    return data
  }
}
