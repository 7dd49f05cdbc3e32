/// A tensor named on a command line: `FILE` or `FILE::KEY`.
public struct TensorReference: Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The tensor's name in it; nil where the file is expected to hold one tensor.
  public let key: String?

  /// A reference from its parts.
  public init(path: String, key: String? = nil) {
    self.path = path
    self.key = key
  }

  /// Splits at the last `::`, unless a file has the whole text as its path.
  public init(parsing text: String) {
    var colons: Range<String.Index>?
    var end = text.endIndex
    while colons == nil, end > text.startIndex {
      let start = text.index(before: end)
      if text[start...].hasPrefix("::") { colons = start..<text.index(start, offsetBy: 2) }
      end = start
    }
    if let colons, colons.lowerBound > text.startIndex, colons.upperBound < text.endIndex,
      !FilePath.exists(text)
    {
      self.init(path: String(text[..<colons.lowerBound]), key: String(text[colons.upperBound...]))
    } else {
      self.init(path: text)
    }
  }

  /// Opens the file and finds the tensor.
  ///
  /// - Throws: what opening throws; `unknownTensor`; `nameNeeded` where a key is needed and none is given.
  public func tensor() throws -> Tensor {
    let file = try TensorFile(path: path)
    return try key.map { try file.tensor(named: $0) } ?? file.soleTensor()
  }

  /// The reference as it is written on a command line.
  public var description: String { key.map { path + "::" + $0 } ?? path }
}
