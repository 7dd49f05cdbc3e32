extension Tensor {
  /// Reads a whole tensor of 32-bit or 64-bit signed integers (`I32`, `I64`), last axis fastest; for small uses.
  ///
  /// - Throws: `notNumbers` for other element types and for views whose elements do not lie side by side.
  package func integers() throws -> [Int] {
    let width: Int
    switch elementType {
    case .other("I64", _): width = 8
    case .other("I32", _): width = 4
    default: throw TensorFileError.notNumbers(.init(path: path, item: name), type: elementType)
    }
    guard isContiguous else {
      throw TensorFileError.notNumbers(.init(path: path, item: name), type: elementType)
    }
    let start = region.start + offset * width
    let bytes = try region.bytes().array(start..<start + elementCount * width)
    return (0..<elementCount).map { element in
      let own = bytes[element * width..<(element + 1) * width]
      let bits = (isBigEndian ? Array(own) : own.reversed()).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return width == 8 ? Int(Int64(bitPattern: bits)) : Int(Int32(bitPattern: UInt32(bits)))
    }
  }
}
