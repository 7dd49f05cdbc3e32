/// Reads typed GGUF metadata values, with one bound on how many a file may hold in all.
struct GGUFValueReader {
  private static let deepest = 8
  private static let mostValues = 1 << 24

  private var values = 0

  /// The type number, then the value.
  mutating func value(_ reader: inout ByteReader) throws -> MetadataValue {
    let place = reader.place
    let type = try reader.integer(UInt32.self)
    return try value(&reader, type, place, depth: 0)
  }

  private mutating func value(
    _ reader: inout ByteReader, _ type: UInt32, _ place: TensorFileError.Place, depth: Int
  ) throws -> MetadataValue {
    switch type {
    case 0: .integer(Int(try reader.integer(UInt8.self)))
    case 1: .integer(Int(try reader.integer(Int8.self)))
    case 2: .integer(Int(try reader.integer(UInt16.self)))
    case 3: .integer(Int(try reader.integer(Int16.self)))
    case 4: .integer(Int(try reader.integer(UInt32.self)))
    case 5: .integer(Int(try reader.integer(Int32.self)))
    case 6: .float(Double(Float(bitPattern: try reader.integer(UInt32.self))))
    case 7: .bool(try bool(&reader))
    case 8: .string(try reader.text(try reader.size(UInt64.self)))
    case 9: try array(&reader, depth: depth)
    case 10: Self.unsigned(try reader.integer(UInt64.self))
    case 11: .integer(Int(try reader.integer(Int64.self)))
    case 12: .float(Double(bitPattern: try reader.integer(UInt64.self)))
    default: throw TensorFileError.unknownElementType(place, found: "metadata type \(type)")
    }
  }

  private mutating func array(_ reader: inout ByteReader, depth: Int) throws -> MetadataValue {
    let place = reader.place
    guard depth < Self.deepest else { throw TensorFileError.nestedTooDeep(place, limit: Self.deepest) }
    let type = try reader.integer(UInt32.self)
    let count = try reader.integer(UInt64.self)
    let most = min(reader.remaining / Self.shortest(type), Self.mostValues - values)
    guard count <= most else {
      throw TensorFileError.tooMany(place, what: "array elements", limit: most, found: Int(clamping: count))
    }
    values += Int(count)
    return .array(try (0..<Int(count)).map { _ in try value(&reader, type, place, depth: depth + 1) })
  }

  /// The fewest bytes that a value of a type takes.
  private static func shortest(_ type: UInt32) -> Int {
    switch type {
    case 2, 3: 2
    case 4, 5, 6: 4
    case 8, 10, 11, 12: 8
    case 9: 12
    default: 1
    }
  }

  private func bool(_ reader: inout ByteReader) throws -> Bool {
    let place = reader.place
    let byte = try reader.byte()
    guard byte <= 1 else {
      throw TensorFileError.malformed(place, expected: "0 or 1 as truth", found: "\(byte)")
    }
    return byte == 1
  }

  private static func unsigned(_ value: UInt64) -> MetadataValue {
    Int(exactly: value).map { .integer($0) } ?? .unsigned(value)
  }
}
