/// Scalars of one step as TensorBoard's `Event` message holds them.
///
/// ```
/// Event    1: double wall_time   2: int64 step   3: string file_version   5: Summary
/// Summary  1: Value, repeated    Value  1: string tag   2: float simple_value
/// ```
///
/// Written by hand, for it is six fields: protobuf would be a dependency for nothing else. Fields of value zero are left
/// out, as proto3 wants it, but for `simple_value`, which is one of several.
///
/// - Source: tensorboard/compat/proto/event.proto, summary.proto.
struct ScalarEvent: Equatable {
  /// Seconds; of a run's events those since its begin.
  var wallTime = 0.0
  var step = 0
  /// Name and value.
  var scalars: [(tag: String, value: Float)] = []
  /// What the first event of a file holds.
  var version: String?

  /// What every file begins with.
  static let opening = ScalarEvent(version: "brain.Event:2")

  /// The message.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    if wallTime != 0 { bytes += Self.key(1, .fixed64) + RecordFraming.little(wallTime.bitPattern) }
    if step != 0 { bytes += Self.key(2, .varint) + Self.varint(UInt64(bitPattern: Int64(step))) }
    if let version { bytes += Self.field(3, Array(version.utf8)) }
    if !scalars.isEmpty {
      bytes += Self.field(5, scalars.flatMap { Self.field(1, Self.value($0.tag, $0.value)) })
    }
    return bytes
  }

  private static func value(_ tag: String, _ value: Float) -> [UInt8] {
    field(1, Array(tag.utf8)) + key(2, .fixed32) + RecordFraming.little(value.bitPattern)
  }

  // MARK: Protobuf's wire format

  private enum Wire: UInt64 {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case fixed32 = 5
  }

  private static func key(_ field: UInt64, _ wire: Wire) -> [UInt8] {
    varint(field << 3 | wire.rawValue)
  }

  private static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    key(number, .delimited) + varint(UInt64(bytes.count)) + bytes
  }

  static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  static func == (a: ScalarEvent, b: ScalarEvent) -> Bool { a.bytes == b.bytes }
}
