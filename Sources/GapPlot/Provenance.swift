/// Lists where a figure comes from, as keys and values that are stored inside the file.
///
/// PNG keeps each entry as a text chunk, SVG keeps them in its metadata element, PDF keeps Title, Author, Description
/// and Software in the fields of those meanings and all of them as keywords.
public struct Provenance: Equatable, Sendable, ExpressibleByDictionaryLiteral {
  /// Holds one key and its value.
  public struct Entry: Equatable, Sendable {
    /// The name: 1…79 printable ASCII characters.
    public var key: String

    /// The content: any text without NUL.
    public var value: String
  }

  /// The entries in the order in which they are written.
  public var entries: [Entry]

  /// Stores keys and values in their order.
  ///
  /// - Parameter elements: such as `["Software": "embgap 1.0", "Source": "pairs.npz"]`.
  public init(dictionaryLiteral elements: (String, String)...) {
    entries = elements.map { Entry(key: $0.0, value: $0.1) }
  }

  /// Appends an entry.
  ///
  /// - Parameters:
  ///   - key: the name of the entry.
  ///   - value: its content.
  public mutating func append(_ key: String, _ value: String) {
    entries.append(Entry(key: key, value: value))
  }
}
