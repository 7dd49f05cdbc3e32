#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One id for each pair, read from a text file: pairs of one id share one image.
public struct PairIDs: Sendable, Equatable {
  /// Ids in the order of the pairs.
  public let ids: [String]

  /// Reads one id a line; a missing newline at the end is fine, an empty line is not.
  ///
  /// - Throws: `DatasetError` when the file cannot be read, is not UTF-8, or a line is empty.
  public init(path: String) throws {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      let reason =
        FileManager.default.fileExists(atPath: path)
        ? "permission denied, or not a file" : "no such file"
      throw DatasetError.unreadable(path: path, reason: reason, isMissing: true)
    }
    // Bytes, not characters: to Swift a carriage return and a newline are one character.
    var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    ids = try lines.enumerated().map { number, line in
      let bytes = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      guard let id = String(validating: bytes, as: UTF8.self) else {
        throw DatasetError.badLine(
          path: path, line: number + 1, expected: "an id in UTF-8", found: "other bytes")
      }
      guard !id.isEmpty else {
        throw DatasetError.badLine(path: path, line: number + 1, expected: "an id", found: "an empty line")
      }
      return id
    }
  }
}
