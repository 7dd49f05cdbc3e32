import Foundation
import Testing

@testable import GapTraining

/// The event file held against the one that tensorboard writes (`Fixtures/generators/tensorboard_events.py`).
@Suite struct EventLogTests {
  private static let folder = ReferenceFiles.training + "events/"

  private static func fixture(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: folder + name))
  }

  @Test func theBytesAreThoseOfTensorBoardsOwnWriter() throws {
    let found = try EventLog.data(lines: Self.fixture("metrics.jsonl"))
    let expected = try Self.fixture("tensorboard.bin")
    #expect(expected.count > 900)
    #expect(found.count == expected.count)
    let first = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    #expect(first == nil, "the first byte that differs")
  }

  /// Line by line, and anew from what is there: the same file.
  @Test func addingLinesGivesTheSameFileAsWritingItAnew() throws {
    let directory = FileManager.default.temporaryDirectory.path + "/events-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let data = try Self.fixture("metrics.jsonl")
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    let log = EventLog(directory: directory)
    func written() throws -> Data {
      try Data(contentsOf: URL(filePath: directory + "/" + EventLog.name))
    }
    try log.replace(lines: Data())
    for line in lines { try log.add(line) }
    #expect(try written() == Self.fixture("tensorboard.bin"))
    // Cut back to the first three lines, then gone on with.
    try log.replace(lines: Data((lines[..<3].joined(separator: "\n") + "\n").utf8))
    #expect(try written().count < Self.fixture("tensorboard.bin").count)
    for line in lines[3...] { try log.add(line) }
    #expect(try written() == Self.fixture("tensorboard.bin"))
  }

  /// Values of RFC 3720, B.4.
  @Test func theChecksumIsCastagnolis() {
    #expect(RecordFraming.checksum([]) == 0)
    #expect(RecordFraming.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(RecordFraming.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(RecordFraming.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(RecordFraming.checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  static let varints: [(value: UInt64, bytes: [UInt8])] = [
    (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 1]), (300, [0xAC, 2]),
    (UInt64.max, [UInt8](repeating: 0xFF, count: 9) + [1]),
  ]

  @Test(arguments: varints)
  func numbersHaveSevenBitsAByte(value: UInt64, bytes: [UInt8]) {
    #expect(ScalarEvent.varint(value) == bytes)
  }

  @Test func aLineWithoutNumbersHasNoEvent() throws {
    let empty = try EventLog.data(lines: Data())
    #expect(try EventLog.data(lines: Data("{\"step\": 3, \"ntp_loss\": null}\n".utf8)) == empty)
    #expect(throws: (any Error).self) { try EventLog.data(lines: Data("{\"step\":\n".utf8)) }
  }
}
