import GapTensorFiles

/// One caption for each pair, read from a text file: to be shown and searched beside the pairs.
public struct PairCaptions: Sendable, Equatable {
  /// Captions in the order of the pairs.
  public let captions: [String]

  /// Reads one caption a line.
  ///
  /// A line is the caption as it stands; in a file that begins with a brace it is a JSON object with the caption under
  /// "caption". A missing newline at the end is fine, an empty line is not.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - pairs: how many there must be.
  /// - Throws: `DatasetError` when the file cannot be read, a line has no caption, or their number is another.
  /// - Complexity: O(bytes).
  public init(path: String, pairs: Int) throws {
    let source = try CaptionSource(path: path)
    let isJSON = source.bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
    var lines = source.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    captions = try lines.enumerated().map { place, line in
      let number = place + 1
      let bytes = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      guard bytes.contains(where: { $0 > 0x20 }) else {
        throw source.fault(number, "a caption", "an empty line")
      }
      guard !isJSON else {
        let entry = try source.object(source.json(Array(bytes), onLine: number), number)
        let caption = try source.text("caption", of: entry, number)
        guard caption.contains(where: { !$0.isWhitespace }) else {
          throw source.fault(number, "a caption", "an empty one")
        }
        return caption
      }
      guard let caption = String(validating: bytes, as: UTF8.self) else {
        throw source.fault(number, "a caption in UTF-8", "other bytes")
      }
      return caption
    }
    guard captions.count == pairs else {
      throw DatasetError.wrongFile(
        path: path, expected: "one caption for each of \(pairs) pairs", found: "\(captions.count)")
    }
  }
}
