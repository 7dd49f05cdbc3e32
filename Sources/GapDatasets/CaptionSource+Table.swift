extension CaptionSource {
  /// Names of the columns, the proper one first.
  private static let imageNames = ["image", "filepath", "file_name"]
  private static let captionNames = ["caption", "title", "text"]

  /// Reads CSV, or TSV where the header has a tab: quoted fields may hold separators, newlines and doubled quotes.
  func table() throws -> [CaptionedImage] {
    let header = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let separator = header.contains(0x09) ? UInt8(0x09) : UInt8(ascii: ",")
    var rows = try rows(separator: separator)
    let names = rows.removeFirst().fields.map { $0.lowercased() }
    var seen: Set<String> = []
    if let twice = names.first(where: { !seen.insert($0).inserted }) {
      throw fault(1, "each column once", "\"\(twice)\" twice")
    }
    let image = try column(Self.imageNames, of: names)
    let caption = try column(Self.captionNames, of: names)
    let id = names.firstIndex(of: "id")
    return try rows.map { row in
      guard row.fields.count == names.count else {
        throw fault(row.line, "\(names.count) fields as in the header", "\(row.fields.count)")
      }
      if let id, row.fields[id].isEmpty { throw fault(row.line, "an id", "an empty field") }
      return try record(
        image: row.fields[image], caption: row.fields[caption], id: id.map { row.fields[$0] }, line: row.line)
    }
  }

  private func column(_ names: [String], of header: [String]) throws -> Int {
    if let own = header.firstIndex(of: names[0]) { return own }
    let found = header.indices.filter { names.contains(header[$0]) }
    guard found.count == 1 else {
      throw fault(
        1, "a header with one column named " + names.joined(separator: " or "),
        found.isEmpty
          ? "columns " + header.prefix(8).map { String($0.prefix(40)) }.joined(separator: ", ") : "several")
    }
    return found[0]
  }

  private typealias Row = (line: Int, fields: [String])

  private func rows(separator: UInt8) throws -> [Row] {
    var rows: [Row] = []
    var (line, position) = (1, 0)
    while position < bytes.count {
      var row: Row = (line, [])
      repeat {
        row.fields.append(try field(separator, &position, &line))
      } while next(separator, &position)
      if position < bytes.count, bytes[position] == 0x0D { position += 1 }
      if position < bytes.count {
        guard bytes[position] == 0x0A else {
          throw fault(line, "a separator after a quoted field", "more text")
        }
        position += 1
        line += 1
      }
      rows.append(row)
    }
    return rows
  }

  private func next(_ separator: UInt8, _ position: inout Int) -> Bool {
    guard position < bytes.count, bytes[position] == separator else { return false }
    position += 1
    return true
  }

  private func field(_ separator: UInt8, _ position: inout Int, _ line: inout Int) throws -> String {
    let first = line
    var content: [UInt8] = []
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      position += 1
      while true {
        guard position < bytes.count else {
          throw fault(first, "the end of a quoted field", "the end of the file")
        }
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "\"") {
          guard position < bytes.count, bytes[position] == byte else { break }
          position += 1
        }
        if byte == 0x0A { line += 1 }
        content.append(byte)
      }
    } else {
      while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A {
        content.append(bytes[position])
        position += 1
      }
      // The carriage return of a line's end is no part of its last field.
      if content.last == 0x0D, position == bytes.count || bytes[position] == 0x0A { content.removeLast() }
    }
    guard let text = String(validating: content, as: UTF8.self) else {
      throw fault(first, "UTF-8", "other bytes")
    }
    return text
  }
}
