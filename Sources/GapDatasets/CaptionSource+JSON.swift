import GapTensorFiles

extension CaptionSource {
  /// Whether the text is one object, as COCO's is, and not one object a line.
  var isOneObject: Bool {
    let first = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1).first.map { Array($0) } ?? []
    if let value = try? JSONValue(first, at: .init(path: path)) { return value["annotations"] != nil }
    return JSONElements(bytes).isOneValue
  }

  /// Reads `{"image": path, "caption": text, "id": …}` a line; the file may end without a newline.
  func jsonLines() throws -> [CaptionedImage] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return try lines.enumerated().map { place, text in
      let line = place + 1
      guard text.contains(where: { $0 > 0x20 }) else { throw fault(line, "a JSON object", "an empty line") }
      let entry = try object(try json(Array(text), onLine: line), line)
      return try record(
        image: self.text("image", of: entry, line), caption: self.text("caption", of: entry, line),
        id: id("id", of: entry, line), line: line)
    }
  }

  /// Reads LLaVA's list: the caption is the first answer of the conversation, or the entry's `caption`.
  func conversations() throws -> [CaptionedImage] {
    let items = try json(bytes, onLine: nil).items ?? []
    return try zip(items, places(of: items, "", JSONElements(bytes))).map { item, line in
      let entry = try object(item, line)
      let caption =
        entry["conversations"] == nil
        ? try text("caption", of: entry, line) : try answer(in: entry["conversations"], line)
      return try record(
        image: text("image", of: entry, line), caption: caption, id: id("id", of: entry, line), line: line)
    }
  }

  /// Reads COCO's captions: every annotation is a pair, and its image's id is the pair's.
  func coco() throws -> [CaptionedImage] {
    let root = try json(bytes, onLine: nil)
    let elements = JSONElements(bytes)
    guard let images = root["images"]?.items, let annotations = root["annotations"]?.items else {
      throw fault(1, "an object a line, or COCO's lists images and annotations", "another object")
    }
    var files: [String: String] = [:]
    for (item, line) in zip(images, try places(of: images, "images", elements)) {
      let entry = try object(item, line)
      let id = try requiredID("id", of: entry, line)
      let file = try text("file_name", of: entry, line)
      guard files.updateValue(file, forKey: id) == nil else {
        throw fault(line, "an image id that is used once", "the second image with id \(id)")
      }
    }
    return try zip(annotations, places(of: annotations, "annotations", elements)).map { item, line in
      let entry = try object(item, line)
      let id = try requiredID("image_id", of: entry, line)
      guard let file = files[id] else { throw fault(line, "the id of an image", "image_id \(id)") }
      return try record(image: file, caption: text("caption", of: entry, line), id: id, line: line)
    }
  }

  /// The lines at which the items of a list begin.
  ///
  /// - Throws: `DatasetError.badLine` where the list's key is written with escapes, so that its items are not found.
  func places(of items: [JSONValue], _ key: String, _ elements: JSONElements) throws -> [Int] {
    let lines = elements.lines[key] ?? []
    guard lines.count == items.count else {
      throw fault(1, "the key \"\(key)\" without escapes", "another spelling of it")
    }
    return lines
  }

  /// Parses a text; its faults become those of a line.
  func json(_ text: [UInt8], onLine line: Int?) throws -> JSONValue {
    do {
      return try JSONValue(text, at: .init(path: path, byte: 0))
    } catch let error as TensorFileError {
      func place(_ place: TensorFileError.Place) -> Int { line ?? self.line(ofByte: place.byte ?? 0) }
      switch error {
      case .malformed(let at, let expected, let found): throw fault(place(at), "JSON: " + expected, found)
      case .duplicateName(let at, let name): throw fault(place(at), "each key once", "\"\(name)\" twice")
      case .invalidText(let at): throw fault(place(at), "UTF-8", "other bytes")
      case .nestedTooDeep(let at, let limit):
        throw fault(place(at), "JSON of at most \(limit) levels", "more")
      default: throw error
      }
    }
  }

  func object(_ value: JSONValue, _ line: Int) throws -> JSONValue {
    guard value.pairs != nil else { throw fault(line, "a JSON object", Self.kind(value)) }
    return value
  }

  func text(_ key: String, of entry: JSONValue, _ line: Int) throws -> String {
    guard let value = entry[key] else { throw fault(line, "the key \"\(key)\"", "none") }
    guard let text = value.text else { throw fault(line, "a text as \"\(key)\"", Self.kind(value)) }
    return text
  }

  private func id(_ key: String, of entry: JSONValue, _ line: Int) throws -> String? {
    guard let value = entry[key], value != .null else { return nil }
    guard let id = value.text ?? value.integer.map(String.init), !id.isEmpty else {
      throw fault(line, "a text or a whole number as \"\(key)\"", Self.kind(value))
    }
    return id
  }

  private func requiredID(_ key: String, of entry: JSONValue, _ line: Int) throws -> String {
    guard let id = try id(key, of: entry, line) else { throw fault(line, "the key \"\(key)\"", "none") }
    return id
  }

  private func answer(in conversation: JSONValue?, _ line: Int) throws -> String {
    guard let turns = conversation?.items else { throw fault(line, "a list as \"conversations\"", "no list") }
    guard let turn = turns.first(where: { $0["from"]?.text == "gpt" }) else {
      throw fault(line, "an answer from \"gpt\" in \"conversations\"", "none")
    }
    return try text("value", of: turn, line)
  }

  static func kind(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .number: "a number"
    case .string(""): "an empty text"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// Where the elements of a JSON text's outer lists begin; the text's grammar is checked elsewhere.
struct JSONElements {
  /// The lines of the elements: of the outermost list under "", of lists in the outermost object under their keys.
  private(set) var lines: [String: [Int]] = [:]
  /// Whether the outermost value ends where the text does.
  private(set) var isOneValue = false

  init(_ text: [UInt8]) {
    var (line, open, position, lastText, key) = (1, [UInt8](), 0, "", "")
    var awaits = false
    while position < text.count {
      let byte = text[position]
      defer { position += 1 }
      if byte == 0x0A { line += 1 }
      guard byte > 0x20 else { continue }
      let isInList = open == [0x5B] || open == [0x7B, 0x5B]
      if isInList, awaits, byte != UInt8(ascii: "]") {
        lines[open.count == 1 ? "" : key, default: []].append(line)
        awaits = false
      }
      switch byte {
      case UInt8(ascii: "\""):
        let start = position + 1
        position = start
        while position < text.count, text[position] != UInt8(ascii: "\"") {
          position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        if open.count == 1 {
          lastText = String(decoding: text[start..<min(position, text.count)], as: UTF8.self)
        }
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        open.append(byte)
        if open == [0x7B, 0x5B] { key = lastText }
        awaits = open == [0x5B] || open == [0x7B, 0x5B]
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        _ = open.popLast()
        awaits = false
        if open.isEmpty {
          isOneValue = text[(position + 1)...].allSatisfy { $0 <= 0x20 }
          return
        }
      case UInt8(ascii: ","): awaits = isInList
      default: break
      }
    }
  }
}
