/// One array as `numpy.save` writes it, versions 1 to 3.
enum NpyArray {
  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// No header of numbers comes near (NumPy itself reads 10,000 bytes); the limit bounds what a lying length, or many
  /// members of an archive, can make the reader keep.
  static let longestHeader = 1 << 18

  /// Reads an array's header and checks it against the bytes that follow.
  ///
  /// - Parameters:
  ///   - region: the whole array, header included, and nothing else.
  ///   - member: the archive member's name, for messages; nil for a file of its own.
  static func tensor(_ region: ByteRegion, path: String, member: String?, name: String) throws -> Tensor {
    var start = try region.reader(prefix: 12, path: path, item: member)
    let place = start.place
    let found = start.bytes.array(try start.take(6))
    guard found == magic else {
      throw TensorFileError.malformed(
        place, expected: "the npy magic \\x93NUMPY", found: MessageText.hex(found))
    }
    let wide = try isWide(&start)
    let length = try wide ? start.size(UInt32.self) : start.size(UInt16.self)
    guard length <= longestHeader else {
      throw TensorFileError.headerTooLong(place, limit: longestHeader, found: length)
    }
    let begin = wide ? 12 : 10
    var reader = try region.reader(prefix: begin + length, path: path, item: member)
    _ = try reader.take(begin)
    let textPlace = reader.place
    let header = try NpyHeader(reader.bytes.array(try reader.take(length)), at: textPlace)
    return try tensor(header, region.dropping(first: begin + length), path, member, name)
  }

  private static func isWide(_ reader: inout ByteReader) throws -> Bool {
    let place = reader.place
    let version = try (reader.byte(), reader.byte())
    guard (1...3).contains(version.0), version.1 == 0 else {
      throw TensorFileError.unsupported(
        place, found: "npy version \(version.0).\(version.1)", hint: "versions 1.0, 2.0 and 3.0 are")
    }
    return version.0 > 1
  }

  private static func tensor(
    _ header: NpyHeader, _ data: ByteRegion, _ path: String, _ member: String?, _ name: String
  ) throws -> Tensor {
    let place = TensorFileError.Place(path: path, item: member)
    let needed = try TensorShape.checkedBytes(header.shape, header.elementType, at: place)
    if let needed, needed != data.count {
      throw TensorFileError.sizeMismatch(place, expected: needed, found: data.count)
    }
    let strides =
      header.isColumnMajor
      ? TensorShape.columnMajorStrides(header.shape) : TensorShape.rowMajorStrides(header.shape)
    return try Tensor(
      name: name, elementType: header.elementType, shape: header.shape, strides: strides, region: data,
      isBigEndian: header.isBigEndian, path: path)
  }
}

/// What an npy header says.
struct NpyHeader {
  let elementType: ElementType
  let isBigEndian: Bool
  let isColumnMajor: Bool
  let shape: [Int]

  /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`: these three keys, once each.
  init(_ text: [UInt8], at place: TensorFileError.Place) throws {
    guard case .dict(let pairs) = try PythonLiteral(text, at: place) else {
      throw TensorFileError.malformed(place, expected: "a dict as header", found: "another literal")
    }
    var values: [String: PythonLiteral] = [:]
    for pair in pairs where values.updateValue(pair.value, forKey: pair.key) != nil {
      throw TensorFileError.duplicateName(place, name: pair.key)
    }
    guard let order = values["fortran_order"], let shape = values["shape"], let type = values["descr"],
      values.count == 3
    else {
      throw TensorFileError.malformed(
        place, expected: "the keys descr, fortran_order and shape",
        found: MessageText.list(values.keys.sorted()))
    }
    guard case .bool(let isColumnMajor) = order else {
      throw TensorFileError.malformed(place, expected: "True or False as fortran_order", found: "another value")
    }
    self.isColumnMajor = isColumnMajor
    self.shape = try Self.sizes(shape, place)
    (elementType, isBigEndian) = try Self.type(type, place)
  }

  private static func sizes(_ literal: PythonLiteral, _ place: TensorFileError.Place) throws -> [Int] {
    guard case .tuple(let items) = literal else {
      throw TensorFileError.malformed(place, expected: "a tuple as shape", found: "another value")
    }
    return try items.map { item in
      guard case .integer(let size) = item else {
        throw TensorFileError.malformed(place, expected: "integers in the shape", found: "another value")
      }
      return size
    }
  }

  private static func type(
    _ literal: PythonLiteral, _ place: TensorFileError.Place
  ) throws -> (ElementType, Bool) {
    if case .list = literal { return (.other(name: "structured", bits: nil), false) }
    guard case .string(let text) = literal, let order = text.first, "<>|".contains(order) else {
      throw TensorFileError.malformed(place, expected: "a type such as '<f4'", found: literal.kind)
    }
    let code = text.dropFirst()
    let isBigEndian = order == ">"
    if code == "O" { return (.other(name: "object", bits: nil), false) }
    let suffix = code.dropFirst().drop { $0 != "[" }
    guard let kind = code.first, let size = Int(code.dropFirst().prefix { $0 != "[" }), size >= 0,
      size < 1 << 32, suffix.isEmpty || suffix.wholeMatch(of: /\[[0-9A-Za-z,\/]+\]/) != nil
    else { throw TensorFileError.unknownElementType(place, found: text) }
    switch (kind, size) {
    case ("f", 8) where order != "|": return (.float64, isBigEndian)
    case ("f", 4) where order != "|": return (.float32, isBigEndian)
    case ("f", 2) where order != "|": return (.float16, isBigEndian)
    case ("f", 12), ("f", 16): return (.other(name: "F\(size * 8)", bits: size * 8), isBigEndian)
    case ("i", 1), ("i", 2), ("i", 4), ("i", 8): return (.signed(bytes: size), isBigEndian)
    case ("u", 1), ("u", 2), ("u", 4), ("u", 8): return (.unsigned(bytes: size), isBigEndian)
    case ("c", 8), ("c", 16), ("c", 24), ("c", 32): return (.complex(bytes: size), isBigEndian)
    case ("b", 1): return (.bool, false)
    case ("S", _), ("V", _): return (.other(name: text, bits: size * 8), false)
    case ("U", _): return (.other(name: text, bits: size * 32), isBigEndian)
    case ("M", 8), ("m", 8): return (.other(name: text, bits: 64), isBigEndian)
    default: throw TensorFileError.unknownElementType(place, found: text)
    }
  }
}
