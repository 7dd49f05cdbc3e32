/// Names one text entry of a PNG file, such as the software or the source it was made from.
///
/// An ASCII value is written as a `tEXt` chunk, any other as UTF-8 in an `iTXt` chunk.
public struct PNGText: Equatable, Sendable {
  /// The name of the entry: 1…79 printable ASCII characters without outer or double spaces.
  public let keyword: String

  /// The content of the entry, without NUL characters.
  public let value: String

  /// Checks and stores an entry.
  ///
  /// - Parameters:
  ///   - keyword: "Software", "Source", "Description", "Title", or a name of your own.
  ///   - value: any text without NUL.
  /// - Throws: `ImageError.text` when the format cannot hold the keyword or the value.
  public init(keyword: String, value: String) throws(ImageError) {
    let bytes = keyword.utf8
    guard (1...79).contains(bytes.count) else {
      throw .text(keyword: keyword, reason: "expected 1 to 79 characters, found \(bytes.count)")
    }
    guard bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw .text(keyword: keyword, reason: "expected printable ASCII")
    }
    guard bytes.first != 0x20, bytes.last != 0x20, !keyword.contains("  ") else {
      throw .text(keyword: keyword, reason: "expected no outer and no double spaces")
    }
    guard !value.utf8.contains(0) else {
      throw .text(keyword: keyword, reason: "expected a value without NUL")
    }
    self.keyword = keyword
    self.value = value
  }
}
