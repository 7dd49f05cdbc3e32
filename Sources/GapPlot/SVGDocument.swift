/// Holds the finished bytes of an SVG document and mends what cairo does not do itself.
///
/// Cairo numbers some elements by a counter of the whole process, so that the same scene would give other bytes the
/// second time; and it cannot write metadata.
struct SVGDocument {
  private(set) var bytes: [UInt8]

  /// Takes cairo's document and renames its elements e1, e2, … in the order in which they are first mentioned.
  ///
  /// - Complexity: O(bytes).
  init(renumbering document: [UInt8]) {
    var names: [ArraySlice<UInt8>: Int] = [:]
    var (renamed, index) = ([UInt8](), 0)
    renamed.reserveCapacity(document.count)
    while index < document.count {
      let byte = document[index]
      renamed.append(byte)
      index += 1
      guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") else { continue }
      guard Self.marks.contains(where: { renamed.ends(with: $0) }) else { continue }
      let name = document[index...].prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ")") }
      let number = names[name, default: names.count + 1]
      names[name] = number
      renamed += Array("e\(number)".utf8)
      index = name.endIndex
    }
    bytes = renamed
  }

  /// What stands before the name of an element, where it is named and where it is used.
  private static let marks = [" id=\"", "\"#", "(#"].map { Array($0.utf8) }

  /// Puts provenance behind the opening tag.
  ///
  /// - Throws: `PlotError.encoding` when there is no opening tag.
  mutating func insert(_ provenance: Provenance) throws(PlotError) {
    guard !provenance.entries.isEmpty else { return }
    let tag = Array("<svg".utf8)
    let start = bytes.indices.first { bytes[$0...].starts(with: tag) }
    guard let start, let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")) else {
      throw .encoding(reason: "the SVG document has no opening tag")
    }
    let lines = provenance.entries.map { Self.escaped($0.key + ": " + $0.value) }
    let text = "\n<metadata>\n" + lines.joined(separator: "\n") + "\n</metadata>"
    bytes.insert(contentsOf: text.utf8, at: end + 1)
  }

  /// Writes markup characters as entities and drops characters that XML cannot hold.
  private static func escaped(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "\t", "\n": escaped.append(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: continue
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}

extension [UInt8] {
  fileprivate func ends(with ending: [UInt8]) -> Bool { suffix(ending.count).elementsEqual(ending) }
}
