/// Text from a file, made fit for a message of one line.
package enum MessageText {
  /// Escapes control characters and shortens the middle of a long text.
  package static func plain(_ text: String, limit: Int = 120) -> String {
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
      end != scalars.endIndex
    else { return escaped(scalars) }
    let tail = scalars.index(scalars.endIndex, offsetBy: -limit / 4)
    let head = scalars.index(scalars.startIndex, offsetBy: limit - limit / 4)
    return escaped(scalars[..<head]) + "…" + escaped(scalars[tail...])
  }

  /// The same within single quotes.
  package static func quoted(_ text: String) -> String { "'" + plain(text) + "'" }

  /// A whole message: one line, however much of a file or of its names went into it.
  package static func line(_ text: String) -> String { plain(text, limit: 1600) }

  /// A path, of which more is kept.
  package static func path(_ text: String) -> String { plain(text, limit: 400) }

  /// A word of a command line, as a shell takes it.
  package static func argument(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"),
          0x80...:
          true
        default: "-_./+:@%,=".utf8.contains(byte)
        }
      }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// A dozen names at most, and how many there are.
  package static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { plain($0, limit: 60) }.joined(separator: ", ")
    if names.isEmpty { return "none" }
    return names.count > 12 ? shown + ", … (\(names.count) in all)" : shown
  }

  /// The first bytes as hexadecimal numbers.
  package static func hex(_ bytes: [UInt8]) -> String {
    let shown = bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return bytes.isEmpty ? "nothing" : "bytes " + shown
  }

  private static func escaped(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var result = String.UnicodeScalarView()
    for scalar in scalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate, .unassigned, .privateUse:
        result.append(contentsOf: ("\\u{" + String(scalar.value, radix: 16) + "}").unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
